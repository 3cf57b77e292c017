"""Event streams in gzip: each message is compressed once, and every client reads the same text."""

import json
import random
import shutil
import subprocess
import threading
import zlib

import httpx
import httpx_sse
import pytest
from support import wait_until
from support.chromium import COMMAND as CHROMIUM
from support.chromium import Chromium
from support.sse import EventClient, curl_events

JSON = json.dumps({"prices": [{"item": f"widget {i}", "price": i * 12.5} for i in range(25)]})
PAYLOADS = ["hello", "two\nlines", JSON, "é 😀" * 200, "x" * 200_000, "".join(random.Random(1).choices(JSON, k=70_000)), "end"]


@pytest.fixture
def pushd(start):
    return start("--compression", "on", "--channel", "kept.*: history=100/60s")


class GzipClient:
    """Reads a body with Python's zlib, as far as it has come."""

    def __init__(self, client):
        self.client, self.inflater, self.received = client, zlib.decompressobj(31), bytearray()

    def receive_more(self):
        if not self.client.received and not self.client.receive_more():
            return False
        self.received += self.inflater.decompress(self.client.take(len(self.client.received)))
        return True

    def take(self, count):
        taken = bytes(self.received[:count])
        del self.received[:count]
        return taken

    def __getattr__(self, name):
        return getattr(self.client, name)


def stream(pushd, target="/sse?channel=c", **headers):
    events = EventClient(pushd.raw(), target, **{"Accept_Encoding": "gzip, deflate, br"} | headers).opened()
    assert events.response.headers["content-encoding"] == "gzip"
    assert events.response.headers["vary"] == "Accept-Encoding"
    events.client = GzipClient(events.client)
    return events


def test_gzip_is_for_whom_it_was_agreed_with(start):
    pushd = start("--compression", "on")
    for codings in (None, "br", "gzip;q=0"):
        headers = {"Accept_Encoding": codings} if codings else {}
        assert "content-encoding" not in EventClient(pushd.raw(), **headers).opened().response.headers
    off = EventClient(start().raw(), Accept_Encoding="gzip").opened()
    assert "content-encoding" not in off.response.headers


def test_the_text_is_that_without_gzip(pushd):
    targets = ["/sse?channel=c", "/sse?channel=c&envelope=1", "/sse?channel=c&channel=d", "/sse?channel=c&channel=kept.a"]
    for target in targets:
        plain, packed = EventClient(pushd.raw(), target).opened(), stream(pushd, target)
        for payload in PAYLOADS:
            pushd.publish("c", payload)
            assert packed.read() == plain.read()
        pushd.publish("kept.a", JSON)
        if "kept" in target:
            assert packed.read() == plain.read()
            assert packed.last_event_id == plain.last_event_id != ""


def test_a_message_is_compressed_once_for_all_streams(pushd):
    clients = [EventClient(pushd.raw(), Accept_Encoding="gzip").opened().client for _ in range(50)]
    for client in clients:
        while not client.received.endswith(b"\n"):  # the header, and the time to come back
            client.receive_more()
        client.received.clear()
    pushd.publish("c", JSON)
    bodies = set()
    for client in clients:
        while not client.received.endswith(b"\x00\x00\xff\xff"):
            client.receive_more()
        bodies.add(bytes(client.received))
    (body,) = bodies
    assert len(body) < len(JSON) / 3
    wait_until(lambda: pushd.metrics().sum("pushd_compressions_total") >= 1, "the compression counted")
    assert pushd.fresh_metrics().sum("pushd_compressions_total") == 1


def test_the_last_event_and_what_follows_a_cut_can_be_read(pushd):
    client = stream(pushd, "/sse?channel=kept.a&envelope=1")
    pushd.publish("kept.a", JSON)
    assert client.read_json()["data"] == json.loads(JSON)
    again = stream(pushd, "/sse?channel=kept.a&history=1", Last_Event_ID=client.last_event_id)
    assert again.read().type == "subscribed"
    pushd.publish("kept.a", "1")
    assert again.read().data == "1"
    pushd.signal()
    assert [event.type for event in client.read_all()] == ["message", "close"]
    assert not client.client.inflater.eof, "there is no end that a client could check"


# Clients from elsewhere


def by_httpx(pushd, directory):
    with httpx.Client(trust_env=False) as client:
        with httpx_sse.connect_sse(client, "GET", f"http://127.0.0.1:{pushd.port}/sse?channel=c") as source:
            assert source.response.headers["content-encoding"] == "gzip"
            yield from (event.data for event in source.iter_sse())


def by_program(command):
    """What a program writes: a line of JSON for each event."""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            for line in process.stdout:
                yield json.loads(line)
        finally:
            process.kill()


NODE = """
const response = await fetch(process.argv[1]);
let text = "";
for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    const events = (text + part).split("\\n\\n");
    text = events.pop();
    for (const event of events) {
        const lines = event.split("\\n").filter(line => line.startsWith("data: "));
        console.log(JSON.stringify(lines.map(line => line.slice(6)).join("\\n")));
    }
}
"""


def by_node(pushd, directory):
    node = shutil.which("node") or pytest.skip("no Node here")
    return by_program([node, "--input-type=module", "--eval", NODE, f"http://127.0.0.1:{pushd.port}/sse?channel=c"])


def by_curl(pushd, directory):
    events = curl_events(f"http://127.0.0.1:{pushd.port}/sse?channel=c", "--compressed")
    next(events)
    return events


def by_chromium(pushd, directory):
    browser = Chromium(directory) if CHROMIUM else pytest.skip("no Chromium here")
    try:
        page = browser.open(f"http://127.0.0.1:{pushd.port}/health")
        page.wait_for("document.readyState === 'complete' && location.origin !== 'null'")
        page.evaluate(
            "window.got = []; window.source = new EventSource('/sse?channel=c'); source.onmessage = e => got.push(e.data);")
        while True:
            page.wait_for("got.length > 0")
            yield page.evaluate("got.shift()")
    finally:
        browser.close()


@pytest.mark.parametrize("client", [by_httpx, by_node, by_curl, by_chromium])
def test_real_clients_get_the_same_text(pushd, tmp_path, client):
    def publish():  # the client connects when it is asked for the first event
        wait_until(lambda: pushd.health()["subscriptions"] == 1, "a subscription")
        for payload in PAYLOADS:
            assert pushd.publish("c", payload) == 1

    publisher = threading.Thread(target=publish)
    publisher.start()
    events = client(pushd, tmp_path)
    got = [next(events) for _ in PAYLOADS]
    publisher.join()
    assert got == PAYLOADS
    assert pushd.metrics().sum("pushd_compressions_total") > 0
    events.close()
