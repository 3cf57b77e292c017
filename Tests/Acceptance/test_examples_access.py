"""examples/access: the backend signs tokens, and the page joins private channels with them."""

import json
import subprocess
import sys
import urllib.request

import pytest
from support import free_port, wait_until
from support.chromium import COMMAND, Chromium
from support.pushd import ROOT, environment
from websockets.exceptions import InvalidStatus

EXAMPLE = ROOT / "examples/access"


@pytest.fixture
def site(start, tmp_path):
    """The backend and a pushd with the same secret."""
    secret, port = tmp_path / "secret", free_port()
    secret.write_text("0123456789abcdef" * 4 + "\n")
    origin = f"http://127.0.0.1:{port}"
    pushd = start(
        *("--token-secret-file", str(secret), "--channel", "private.*: subscribe=token", "--allow-origin", origin),
        *("--channel", "asked.*: subscribe=ask", "--hook-subscribe", f"{origin}/subscribe"),
    )
    variables = {"SECRET_FILE": str(secret), "PORT": str(port), "PUSHD_URL": f"ws://127.0.0.1:{pushd.port}/ws"}
    process = subprocess.Popen([sys.executable, EXAMPLE / "backend.py"], env=environment(variables), stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: token_of(origin, "ann"), "the backend")
        yield pushd, origin
    finally:
        process.kill()
        process.wait()


def token_of(origin, user):
    try:
        with urllib.request.urlopen(f"{origin}/token?user={user}", timeout=5) as response:
            return json.load(response)["token"]
    except OSError:
        return None


def test_users_join_their_channels(site):
    pushd, origin = site
    headers = {"Authorization": f"Bearer {token_of(origin, 'bob')}"}
    client = pushd.connect("private.blue", additional_headers=headers)
    assert pushd.publish("private.blue", "hello") == 1
    assert client.recv(timeout=5) == "hello"
    with pytest.raises(InvalidStatus) as refusal:
        pushd.connect("private.red", additional_headers=headers)
    assert refusal.value.response.status_code == 403
    assert token_of(origin, "eve") is None


def test_pushd_asks_about_other_channels(site):
    pushd, origin = site
    pushd.connect("asked.green", additional_headers={"Authorization": f"Bearer {token_of(origin, 'ann')}"})
    with pytest.raises(InvalidStatus) as refusal:
        pushd.connect("asked.green", additional_headers={"Authorization": f"Bearer {token_of(origin, 'bob')}"})
    assert refusal.value.response.status_code == 403 and b"not your room" in refusal.value.response.body


@pytest.mark.skipif(not COMMAND, reason="no Chromium here")
def test_the_page(site, tmp_path):
    pushd, origin = site
    browser = Chromium(tmp_path)
    try:
        page = browser.open(origin + "/")
        page.wait_for("document.querySelector('#join') !== null")
        page.click("#join")
        page.wait_for("document.querySelector('#log').innerText.includes('subscribed private.red')")
        assert pushd.publish("private.red", '{"a":1}') == 1
        page.wait_for("""document.querySelector('#log').innerText.includes('private.red: {"a":1}')""")
        page.call("Runtime.evaluate", expression="document.querySelector('#user').value = 'bob'")
        page.click("#join")
        page.wait_for("document.querySelector('#log').innerText.includes('refused')")
        assert pushd.publish("private.red", "x") == 0
    finally:
        browser.close()
