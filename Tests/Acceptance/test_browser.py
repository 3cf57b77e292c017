"""The demo page in a real browser. Screenshots for visual inspection go to .build/screenshots."""

import subprocess

import pytest
from support import firefox, wait_until
from support.chromium import COMMAND
from support.firefox import Firefox
from support.pushd import ROOT

pytestmark = pytest.mark.skipif(not COMMAND, reason="no Chromium here")

SCREENSHOTS = ROOT / ".build/screenshots"


@pytest.fixture
def page(browser, node):
    """The demo page, connected."""
    page = browser.open(f"http://127.0.0.1:{node.port}/")
    page.wait_for("document.querySelector('#state')?.innerText.includes('open')")
    return page


def is_joined(channel):
    return f"""document.querySelector('#channels li[data-channel="{channel}"][data-joined=true]') !== null"""


def join(page, channel):
    page.fill("#join-input", channel)
    page.click("#join-button")
    page.wait_for(is_joined(channel))


def take_screenshot(page, name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(SCREENSHOTS / f"{name}.png")


def test_the_page_joins_a_channel_and_shows_what_redis_cli_publishes(page, redis_server):
    join(page, "weather")
    for text in ("sunny, 21 °C", '{"city":"Oslo","wind":[3,5]}'):
        subprocess.run(["redis-cli", "-p", str(redis_server.port), "PUBLISH", "push:weather", text], check=True, timeout=10)
    page.wait_for("document.querySelector('#messages').innerText.includes('sunny, 21 °C')")
    page.wait_for("document.querySelector('#messages').innerText.includes('Oslo')")
    assert "weather" in page.text("#messages")
    page.wait_for("document.querySelector('#connections').innerText === '1'")
    take_screenshot(page, "demo-page")


def test_the_page_publishes_and_counts(page, node):
    join(page, "room")
    page.fill("#publish-channel", "room")
    page.fill("#publish-text", "from the page")
    page.click("#publish-button")
    page.wait_for("document.querySelector('#messages').innerText.includes('from the page')")
    page.wait_for("document.querySelector('#publish-result').innerText.includes('1')")
    page.wait_for("document.querySelector('#connections').innerText === '1'")


def test_the_page_works_below_a_prefix(browser, start):
    pushd = start("--path-prefix", "/push")
    page = browser.open(f"http://127.0.0.1:{pushd.port}/push")  # and is redirected to /push/
    page.wait_for("document.querySelector('#state')?.innerText.includes('open')")
    assert page.evaluate("socket.url").startswith(f"ws://127.0.0.1:{pushd.port}/push/ws?")
    assert f"http://127.0.0.1:{pushd.port}/push/publish?channel=news" in page.text("#curl-command")
    page.click("#publish-button")
    page.wait_for("document.querySelector('#messages').innerText.includes('hello')")
    page.wait_for("document.querySelector('#connections').innerText === '1'")


def test_a_page_without_channels_joins_none(page, node):
    page.click("#channels [aria-label='Leave news']")
    wait_until(lambda: node.health()["channels"] == 0, "no channel")
    page.evaluate("socket.close()")
    page.wait_for("document.querySelector('#state').innerText.includes('closed')")
    page.wait_for("document.querySelector('#state').innerText.includes('open')")
    assert node.health()["channels"] == 0


def test_the_page_shows_markup_as_text(page, node):
    join(page, "room")
    markup = "<img src=x onerror=alert(1)>"
    node.publish("room", markup)
    page.wait_for(f"document.querySelector('#messages').innerText.includes({markup!r})")
    assert page.evaluate("document.querySelectorAll('#messages img').length") == 0


def test_the_page_fits_a_telephone(page):
    page.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=2, mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth <= 390")
    take_screenshot(page, "demo-page-telephone")


def test_a_page_of_another_origin_cannot_connect(browser, node, start):
    page = browser.open(f"http://127.0.0.1:{start().port}/health")
    wait_until(lambda: page.evaluate("location.origin !== 'null'"), "the other origin")
    outcome = page.evaluate(
        f"new Promise(done => {{ const socket = new WebSocket('ws://127.0.0.1:{node.port}/ws');"
        " socket.onopen = () => done('open'); socket.onerror = () => done('refused'); })"
    )
    assert outcome == "refused"


@pytest.fixture
def elsewhere(browser, start):
    """A page of another pushd than `node`: its address and the page."""
    origin = f"http://127.0.0.1:{start().port}"
    page = browser.open(f"{origin}/health")
    wait_until(lambda: page.evaluate("location.origin") == origin, "the other origin")
    return origin, page


def fetched(page, pushd):
    """The result of publishing with a key from the page's script, for which the browser sends a preflight first."""
    return page.evaluate(
        f"fetch('http://127.0.0.1:{pushd.port}/publish?channel=c', {{method: 'POST', body: 'x', headers:"
        " {Authorization: 'Bearer key'}}).then(answer => answer.text(), () => 'refused')"
    )


def test_a_page_of_a_listed_origin_publishes_and_reads_the_answer(elsewhere, start):
    origin, page = elsewhere
    assert fetched(page, start("--publish-key", "key", "--allow-origin", origin)) == '{"channel":"c","subscribers":0}'
    assert fetched(page, start("--publish-key", "key", "--allow-origin", "https://app.example")) == "refused"


def test_the_page_stands_in_no_frame(elsewhere):
    """Not even in a frame of its own origin, where a script could read it."""
    _, page = elsewhere
    shown = page.evaluate(
        "new Promise(done => { const frame = document.createElement('iframe'); frame.src = '/';"
        " frame.onload = () => done(frame.contentDocument?.querySelector('#state') != null); document.body.append(frame); })"
    )
    assert shown is False


@pytest.mark.skipif(not firefox.COMMAND, reason="no Firefox here")
def test_the_page_connects_in_firefox(tmp_path, pushd):
    browser = Firefox(tmp_path)
    browser.open(f"http://127.0.0.1:{pushd.port}/")
    try:
        wait_until(lambda: pushd.health()["connections"] == 1, "the page's WebSocket", seconds=60)
    finally:
        browser.close()
