"""Bad input: every client gets an answer, and no other client is affected."""

import contextlib
import json
import os
import random
import resource
import selectors
import time

import pytest
from support import wait_until
from support.pushd import ask
from support.raw import (
    BINARY,
    CLOSE,
    CONTINUATION,
    KEY,
    PING,
    TEXT,
    RawClient,
    encode_frame,
    handshake,
)

pytestmark = pytest.mark.usefixtures("witness")

SILENT_CONNECTIONS = 10_000


def only_the_witness_is_left(pushd):
    wait_until(lambda: pushd.health()["connections"] == 1, "everybody else gone")


@pytest.mark.parametrize("seed", range(20))
def test_garbage_bytes(pushd, seed):
    client = pushd.raw()
    assert client.ask(random.Random(seed).randbytes(4096)).status == 400
    assert client.is_closed()


def test_a_tls_client(pushd):
    client_hello = bytes.fromhex("1603010200010001fc0303") + random.Random(0).randbytes(508)
    client = pushd.raw()
    assert client.ask(client_hello).status == 400
    assert client.is_closed()


@pytest.mark.parametrize(
    "beginning, more, statuses",
    [
        (b"GET /", b"x" * 1000, {400, 414}),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"X-Header: value\r\n" * 64, {400, 431}),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ", b"x" * 1000, {400, 431}),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"x" * 1000, {400, 431}),
        (b"", b"\r\n", {400}),
    ],
    ids=["target", "headers", "value", "name", "lines"],
)
def test_a_head_that_never_ends(pushd, beginning, more, statuses):
    client = pushd.raw(timeout=0.01)
    client.send(beginning)
    for _ in range(100_000):
        with contextlib.suppress(TimeoutError):
            client.send(more)
            client.receive_more()
        if client.received:
            break
    client.socket.settimeout(10)
    assert client.read_response().status in statuses
    assert client.is_closed()


def test_one_mebibyte_of_headers(pushd):
    client = pushd.raw()
    client.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X-Header: value\r\n" * (2**20 // 17) + b"\r\n")
    assert client.read_response().status in {400, 431}
    assert client.is_closed()


@pytest.mark.parametrize("version", ["12", "0", "8", "14", "x", None])
def test_a_wrong_version_is_told_the_right_one(pushd, version):
    response = pushd.raw().ask(handshake(Sec_WebSocket_Version=version))
    assert response.status == 426
    assert response.headers["sec-websocket-version"] == "13"


@pytest.mark.parametrize(
    "headers",
    [{"Sec_WebSocket_Key": key} for key in (None, "", "short", KEY[:-1], KEY + "=", "!" * 24, "dGhlIHNhbXBsZSBub25jZQAA")]
    + [{"Connection": "keep-alive"}, {"Host": None}, {"Content_Length": "x"}],
)
def test_a_bad_handshake_is_400(pushd, headers):
    response = pushd.raw().ask(handshake(**headers))
    assert response.status == 400
    assert json.loads(response.body)["error"]


@pytest.mark.parametrize(
    "frames, code",
    [
        (encode_frame(TEXT, b"{}", is_masked=False), 1002),
        (encode_frame(TEXT, b"{}", first_bits=0xC0), 1002),
        (encode_frame(TEXT, b"{}", first_bits=0xA0), 1002),
        (encode_frame(TEXT, b"{}", first_bits=0x90), 1002),
        (encode_frame(3, b"{}"), 1002),
        (encode_frame(11, b"{}"), 1002),
        (encode_frame(CONTINUATION, b"{}"), 1002),
        (encode_frame(TEXT, b"{", first_bits=0) + encode_frame(TEXT, b"}"), 1002),
        (encode_frame(PING, b"x", first_bits=0), 1002),
        (encode_frame(PING, b"x" * 126), 1002),
        (encode_frame(CLOSE, b"x"), 1002),
        (encode_frame(CLOSE, b"\x03\xed"), 1002),
        (encode_frame(CLOSE, b"\x00\x00"), 1002),
        (encode_frame(CLOSE, b"\x03\xe8\xff"), 1007),
        (b"\x81\xfe\x00\x05" + b"\x00" * 9, 1002),
        (b"\x82\xff" + b"\xff" * 8 + b"\x00" * 4, 1002),
        (b"\x82\xff" + (2**40).to_bytes(8, "big") + b"\x00" * 4, 1009),
        (encode_frame(BINARY, b"x" * 65537), 1009),
        (encode_frame(TEXT, b"\xff"), 1007),
        (encode_frame(TEXT, b"\xed\xa0\x80"), 1007),
        (encode_frame(TEXT, b"\xc3", first_bits=0) + encode_frame(CONTINUATION, b"("), 1007),
        (encode_frame(TEXT, b"\xe2\x98"), 1007),
    ],
    ids=[
        *("unmasked", "rsv1", "rsv2", "rsv3", "opcode 3", "opcode 11", "continuation", "text in text"),
        *("fragmented ping", "long ping", "close of 1 byte", "close 1005", "close 0", "close reason"),
        *("size not minimal", "size of 64 bits", "size of 1 TiB", "oversized"),
        *("bad byte", "surrogate", "bad across fragments", "cut character"),
    ],
)
def test_a_bad_frame_closes_with_its_code(pushd, frames, code):
    client = pushd.raw().upgrade()
    client.send(frames)
    assert client.read_close_code() == code


@pytest.mark.parametrize("end", [RawClient.close, RawClient.reset])
def test_a_connection_may_be_cut_at_every_byte(pushd, end):
    whole = handshake("/ws?channel=witness") + encode_frame(TEXT, b'{"action":"subscribe","channel":"c"}')
    for size in range(len(whole) + 1):
        client = pushd.raw()
        client.send(whole[:size])
        end(client)
    only_the_witness_is_left(pushd)


@pytest.mark.parametrize("end", [RawClient.close, RawClient.reset])
def test_a_publish_may_be_cut_at_every_byte(pushd, end):
    whole = b"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
    subscriber = pushd.connect("c")
    for size in range(len(whole)):
        client = pushd.raw()
        client.send(whole[:size])
        end(client)
    pushd.publish("c", "whole")
    assert subscriber.recv(timeout=5) == "whole"


class TestWithAShortHandshakeTimeout:
    @pytest.fixture
    def pushd(self, start):
        return start("--handshake-timeout", "1")

    def test_a_head_that_trickles_in_is_cut_off(self, pushd):
        client = pushd.raw(timeout=0.05)
        client.send(b"GET / HTTP/1.1\r\nX: ")
        deadline = time.monotonic() + 10
        is_open = True
        while is_open:
            assert time.monotonic() < deadline, "every byte has bought it more time"
            client.send(b"x")
            with contextlib.suppress(TimeoutError):
                is_open = client.receive_more()
        assert not client.received or client.read_response().status == 408

    def test_a_finished_handshake_is_not_cut_off(self, pushd):
        client, silent = pushd.raw().upgrade(), pushd.raw()
        while silent.receive_more():
            pass
        client.send_frame(TEXT, b'{"action":"ping"}')
        assert client.read_json() == {"action": "pong"}

    def test_ten_thousand_connections_that_send_nothing(self, pushd):
        with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
            for _ in range(SILENT_CONNECTIONS):
                client = stack.enter_context(RawClient(pushd.address))
                selector.register(client.socket, selectors.EVENT_READ, client)
            deadline = time.monotonic() + 30
            while selector.get_map():
                assert time.monotonic() < deadline, f"{len(selector.get_map())} are still open"
                for key, _ in selector.select(timeout=1):
                    if not key.data.receive_more():
                        selector.unregister(key.fileobj)
        only_the_witness_is_left(pushd)


def test_running_out_of_descriptors_hurts_nobody_who_is_connected(pushd, witness):
    orchestrator = pushd.http()
    limit = len(os.listdir(f"/proc/{pushd.process.pid}/fd")) + 50
    hard = resource.prlimit(pushd.process.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(pushd.process.pid, resource.RLIMIT_NOFILE, (limit, hard))

    def readiness():
        return ask(orchestrator, "GET", "/health/ready").status

    assert readiness() == 200
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(RawClient(pushd.address))
        wait_until(lambda: readiness() == 503, "readiness that says full")
    wait_until(lambda: readiness() == 200, "readiness after the clients have gone")
    orchestrator.close()
    only_the_witness_is_left(pushd)
