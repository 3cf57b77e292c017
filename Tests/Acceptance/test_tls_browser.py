"""The demo page over https in a real browser, which trusts only the server's own key."""

import base64
import hashlib
import subprocess

import pytest
from support import chromium
from support.chromium import COMMAND, Chromium
from test_browser import is_joined, join, take_screenshot
from test_tls import VERSIONS, authority, other_authority, pair, serve, trusting  # noqa: F401, the fixtures among them

pytestmark = pytest.mark.skipif(not COMMAND, reason="no Chromium here")


@pytest.fixture
def tls_records():
    """OpenSSL's only, because the record layer makes no difference here."""
    return "openssl"


WRAPPER = """#!/bin/sh
exec {command} "$@" --host-resolver-rules="MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost" \\
    --ignore-certificate-errors-spki-list={keys} --no-proxy-server
"""


def fingerprint(pair):
    """The hash of a public key, in Chromium's format."""
    words = ["openssl", "pkey", "-in", pair.key, "-pubout", "-outform", "DER"]
    public_key = subprocess.run(words, capture_output=True, check=True, timeout=10).stdout
    return base64.b64encode(hashlib.sha256(public_key).digest()).decode()


@pytest.fixture
def browser(tmp_path, monkeypatch, pair):
    wrapper = tmp_path / "chromium"
    wrapper.write_text(WRAPPER.format(command=COMMAND, keys=fingerprint(pair)))
    wrapper.chmod(0o755)
    monkeypatch.setattr(chromium, "COMMAND", str(wrapper))
    browser = Chromium(tmp_path)
    yield browser
    browser.close()


def open_page(browser, pushd):
    page = browser.open(f"https://localhost:{pushd.port}/")
    page.wait_for("document.querySelector('#state')?.innerText.includes('open')")
    return page


def shows(page, text):
    page.wait_for(f"document.querySelector('#messages').innerText.includes({text!r})")


def test_the_page_subscribes_and_publishes(browser, serve):
    pushd = serve()
    page = open_page(browser, pushd)
    assert page.evaluate("location.protocol") == "https:"
    assert page.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol") == "http/1.1"
    assert page.evaluate("socket.url").startswith(f"wss://localhost:{pushd.port}/ws")
    join(page, "weather")
    pushd.publish("weather", "sunny, 21 °C")
    shows(page, "sunny, 21 °C")
    page.fill("#publish-channel", "weather")
    page.fill("#publish-text", "from the page")
    page.click("#publish-button")
    shows(page, "from the page")
    page.wait_for("document.querySelector('#publish-result').innerText.includes('1')")
    page.wait_for("document.querySelector('#connections').innerText === '1'")
    take_screenshot(page, "demo-page-tls")


def test_the_page_gets_large_messages_and_compressed_ones(browser, serve):
    pushd = serve("--compression", "on")
    page = open_page(browser, pushd)
    join(page, "large")
    page.evaluate("window.sizes = []; socket.addEventListener('message', event => sizes.push(event.data.length)); 0")
    for number in range(10):
        pushd.publish("large", f"{number} ".ljust(100_000, "ü"))
    page.wait_for("sizes.length === 10")
    assert min(page.evaluate("sizes")) > 100_000


def test_the_page_comes_back_when_the_server_does(browser, serve):
    pushd = serve()
    page = open_page(browser, pushd)
    join(page, "kept")
    pushd.stop()
    page.wait_for("document.body.dataset.state === 'closed'")
    again = serve("--listen", f"127.0.0.1:{pushd.port}")
    page.wait_for("document.body.dataset.state === 'open'")
    page.wait_for(is_joined("kept"))
    again.publish("kept", "hello again")
    shows(page, "hello again")


def test_a_certificate_that_is_not_trusted_is_refused(browser, serve, other_authority):
    pushd = serve(pairs=[other_authority.sign("stranger")], authority=other_authority)
    page = browser.open(f"https://localhost:{pushd.port}/")
    page.wait_for("location.href.startsWith('chrome-error:')")
    assert pushd.health()["connections"] == 0


def test_a_page_of_another_origin_cannot_connect(browser, serve):
    pushd, other = serve(), serve()
    page = open_page(browser, other)
    outcome = page.evaluate(
        f"new Promise(done => {{ const socket = new WebSocket('wss://localhost:{pushd.port}/ws');"
        " socket.onopen = () => done('open'); socket.onerror = () => done('refused'); })"
    )
    assert outcome == "refused"
