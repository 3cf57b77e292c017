"""Floods of valid input: each client gets its answers, others are not delayed, and memory does not grow."""

import contextlib
import itertools
import socket
import threading
import time

import pytest
from support import wait_until
from support.raw import CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, encode_frame, handshake

pytestmark = pytest.mark.usefixtures("witness")

MEBIBYTE = 2**20


@pytest.fixture
def pushd(start):
    """Without the rate limit, which would slow a flood down."""
    return start("--max-message-rate", "any")


@contextlib.contextmanager
def sending(client, data):
    """Sends in the background, because the server stops reading until its answers are read."""
    client.socket.settimeout(60)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MEBIBYTE)  # a small buffer has done its work by now
    thread = threading.Thread(target=client.send, args=[data])
    thread.start()
    yield
    thread.join()


def send_until_stuck(client, data):
    """Sends until the server accepts nothing for a second; returns the rest."""
    client.socket.settimeout(1)
    left = memoryview(data)
    with contextlib.suppress(TimeoutError):
        while left:
            left = left[client.socket.send(left) :]
    return left


def answer_bytes(pushd, request):
    """The size of an answer, which is the same each time."""
    with pushd.raw() as client:
        client.send(request)
        while b"\r\n\r\n{" not in client.received or not client.received.endswith(b"}"):
            assert client.receive_more()
        return len(client.received)


def answers_a_command(client):
    client.send_frame(TEXT, b'{"action":"ping"}')
    return client.read_json() == {"action": "pong"}


# Control frames


def test_a_hundred_thousand_pings_are_answered_in_order(pushd):
    client = pushd.raw().upgrade()
    payloads = [number.to_bytes(4, "big") for number in range(100_000)]
    expected = b"".join(encode_frame(PONG, payload, is_masked=False) for payload in payloads)
    with sending(client, b"".join(encode_frame(PING, payload) for payload in payloads)):
        assert client.take(len(expected)) == expected


def test_pings_of_a_client_that_does_not_read_wait_in_its_kernel(pushd):
    client = pushd.raw(receive_buffer=4096).upgrade()
    before = pushd.resident_bytes()
    left = send_until_stuck(client, encode_frame(PING, b"flood") * 2_000_000)
    assert left, "the server took them all"
    assert pushd.resident_bytes() - before < 4 * MEBIBYTE
    expected = encode_frame(PONG, b"flood", is_masked=False) * 2_000_000
    with sending(client, left):
        assert client.take(len(expected)) == expected


def test_a_million_pongs_nobody_asked_for(pushd):
    client = pushd.raw().upgrade()
    with sending(client, encode_frame(PONG, b"x" * 8) * 1_000_000):
        pass
    assert answers_a_command(client)


def test_a_ping_behind_each_of_a_thousand_fragments(pushd):
    client = pushd.raw().upgrade()
    pieces = [bytes([byte]) for byte in b'{"action":"ping"}'.ljust(1000)]
    stream = bytearray()
    for number, piece in enumerate(pieces):
        is_last = number == len(pieces) - 1
        stream += encode_frame(CONTINUATION if number else TEXT, piece, first_bits=0x80 if is_last else 0)
        if not is_last:
            stream += encode_frame(PING, str(number).encode())
    with sending(client, stream):
        for number in range(len(pieces) - 1):
            assert client.read_frame() == Frame(PONG, str(number).encode())
        assert client.read_json() == {"action": "pong"}


# Data frames


@pytest.mark.parametrize("payload", [b"", b"x"], ids=["empty", "one byte"])
def test_a_message_in_endless_fragments_is_refused(pushd, payload):
    client = pushd.raw().upgrade()
    fragment = encode_frame(CONTINUATION, payload, first_bits=0)
    with sending(client, encode_frame(TEXT, payload, first_bits=0) + fragment * 50_000):
        assert client.read_close_code() == 1009


def test_twenty_thousand_commands_in_one_packet_are_answered_in_order(pushd):
    client = pushd.raw().upgrade()
    commands = [encode_frame(TEXT, b'{"action":"ping","id":%d}' % number) for number in range(20_000)]
    with sending(client, b"".join(commands)):
        for number in range(20_000):
            assert client.read_json() == {"action": "pong", "id": number}


def test_a_byte_a_packet(pushd):
    client = pushd.raw()
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    frames = (
        encode_frame(TEXT, b'{"action":', first_bits=0)
        + encode_frame(PING, b"between")
        + encode_frame(CONTINUATION, b'"ping"}'.ljust(200))
        + encode_frame(CLOSE, b"\x03\xe8bye")
    )
    for byte in handshake() + frames:
        client.send(bytes([byte]))
    assert client.read_response().status == 101
    assert client.read_frame() == Frame(PONG, b"between")
    assert client.read_json() == {"action": "pong"}
    assert client.read_close_code() == 1000


# Around the handshake


def test_requests_the_handshake_and_frames_in_one_packet(pushd):
    client = pushd.raw()
    request = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
    client.send(request * 2 + handshake() + encode_frame(TEXT, b'{"action":"ping"}') + encode_frame(CLOSE))
    assert [client.read_response().status for _ in range(3)] == [200, 200, 101]
    assert client.read_json() == {"action": "pong"}
    assert client.read_frame() == Frame(CLOSE, b"")
    assert client.is_closed()


def test_a_handshake_behind_unread_answers(pushd):
    client = pushd.raw(receive_buffer=4096)
    request = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
    size = answer_bytes(pushd, request)
    left = send_until_stuck(client, request * 300_000 + handshake() + encode_frame(PING, b"x"))
    assert left, "the server took them all"
    with sending(client, left):
        answers = client.take(300_000 * size)
        assert all(answers.startswith(b"HTTP/1.1 200 OK\r\n", begin) for begin in range(0, len(answers), size))
        assert client.read_response().status == 101
        assert client.read_frame() == Frame(PONG, b"x")


def test_frames_behind_a_refused_handshake_are_not_obeyed(pushd):
    client = pushd.raw()
    client.send(handshake(Sec_WebSocket_Version="12") + bytes.fromhex("8985 00000000") + b"hello")
    assert [client.read_response().status for _ in range(2)] == [426, 400]
    assert client.is_closed()


def test_a_handshake_that_trickles_in_behind_a_request_is_cut_off(start):
    client = start("--handshake-timeout", "1").raw(timeout=0.05)
    client.send(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert client.read_response().status == 200
    deadline = time.monotonic() + 10
    for byte in itertools.cycle(b"GET /ws?" + b"x" * 4000):
        assert time.monotonic() < deadline, "every byte has bought it more time"
        client.send(bytes([byte]))
        with contextlib.suppress(TimeoutError):
            if not client.receive_more():
                break
    assert client.read_response().status == 408
