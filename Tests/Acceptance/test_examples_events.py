"""examples/events: a feed that goes through a restart of pushd, and an answer that a reload resumes."""

import functools
import subprocess
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from support import free_port
from support.chromium import COMMAND
from support.pushd import ROOT, environment

EXAMPLE = ROOT / "examples/events"
TEXT = "It was a bright cold day in April"
pytestmark = pytest.mark.skipif(not COMMAND, reason="no Chromium here")


class Pages(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def origin():
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Pages, directory=EXAMPLE))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def node(start, redis_server, origin):
    """Starts a node; each has the same history."""

    def node(port=0):
        rules = ("--channel", "orders.*: history=100/5m", "--channel", "answers: history=100/5m")
        listen = ("--listen", f"127.0.0.1:{port}")
        return start("--redis", redis_server.url, *rules, *listen, "--allow-origin", origin).wait_for_status("ok")

    return node


def shown(page, numbers):
    text = "".join(f"order {number}\\n" for number in numbers)
    page.wait_for(f"document.querySelector('#feed').textContent === '{text}'")


def test_the_feed_goes_through_a_restart_and_a_reload(browser, node, origin):
    port = free_port()
    other, pushd = node(), node(port)
    page = browser.open(f"{origin}/feed.html?pushd=http://127.0.0.1:{port}")
    page.wait_for("document.querySelector('#state')?.textContent === 'connected'")
    pushd.publish("orders.7", "order 0")
    shown(page, range(1))
    pushd.stop()
    page.wait_for("document.querySelector('#state').textContent === 'connecting again'")
    for number in (1, 2):
        other.publish("orders.7", f"order {number}")
    node(port)
    shown(page, range(3))
    page.evaluate("source.close()")
    other.publish("orders.7", "order 3")
    page.call("Page.reload")
    shown(page, range(4))


def test_a_reload_resumes_the_answer(browser, node, origin):
    here, there = node(), node()
    page = browser.open(f"{origin}/answer.html?pushd=http://127.0.0.1:{here.port}")
    page.wait_for("document.readyState === 'complete' && typeof source === 'object' && source.readyState === 1")
    variables = {"PUSHD_URL": f"http://127.0.0.1:{there.port}"}
    with subprocess.Popen([EXAMPLE / "answer.sh", TEXT, "0.2"], env=environment(variables)) as script:
        page.wait_for("document.querySelector('p')?.textContent.startsWith('It was ')")
        page.call("Page.reload")
        page.wait_for("document.querySelector('p')?.textContent.startsWith('It was a ')")
        page.wait_for(f"document.querySelector('p.ended')?.textContent === '{TEXT} '")
    assert script.returncode == 0
