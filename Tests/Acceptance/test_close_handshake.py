"""How a connection ends: Close frames from either end (RFC 6455 sections 5.5.1 and 7), and half-closed TCP."""

import socket
import threading

import pytest
from support import wait_until
from support.kernel import unread_bytes
from support.raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, encode_frame, handshake

COMMAND = encode_frame(TEXT, b'{"action":"ping"}')
UNREADABLE = encode_frame(TEXT, b"x")  # the error in the answer is much longer
OVERSIZED = encode_frame(BINARY, bytes(65_537))
NORMAL = (1000).to_bytes(2, "big")
GOING_AWAY = (1001).to_bytes(2, "big")


def half_close(client):
    client.socket.shutdown(socket.SHUT_WR)


def queued_bytes(metrics):
    return metrics.sum("pushd_outbox_bytes")


def leave_answers_unread(pushd, client):
    """Sends commands until answers are queued in pushd, but too few for it to stop reading; returns their number."""
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # so that each packet is read separately
    client.send(UNREADABLE)
    answer, count = len(encode_frame(TEXT, client.read_frame().payload, is_masked=False)), 0
    while count * answer < unread_bytes(client) + 40_000 or queued_bytes(pushd.fresh_metrics()) < 40_000:
        client.send(UNREADABLE * 100)
        count += 100
        pushd.get("/health/live")  # the commands are answered in the meantime
    return count


def leave_messages_unread(pushd, client, channel):
    """Publishes until the kernel accepts no more for a subscriber; returns the number of messages."""
    count = 0
    while count * 10_000 < unread_bytes(client) + 100_000 or queued_bytes(pushd.fresh_metrics()) == 0:
        pushd.publish(channel, "x" * 10_000)
        count += 1
    return count


def is_still_open(client):
    """Whether the server leaves the connection open for a moment."""
    client.socket.settimeout(0.5)
    try:
        return client.receive_more()
    except TimeoutError:
        return True


# The client closes


@pytest.mark.parametrize(
    "more",
    [COMMAND, encode_frame(PING), encode_frame(CLOSE, NORMAL), encode_frame(CLOSE, b"x"), b"\xff" * 1000, COMMAND[:3]],
    ids=["command", "ping", "second close", "bad second close", "garbage", "part of a frame"],
)
def test_what_follows_a_close_is_ignored(pushd, more):
    at_once, later = pushd.raw().upgrade(), pushd.raw().upgrade()
    at_once.send(COMMAND + encode_frame(CLOSE, NORMAL) + more)
    assert at_once.read_json() == {"action": "pong"}
    assert at_once.read_close_code() == 1000
    later.send_frame(CLOSE, NORMAL)
    assert later.read_frame() == Frame(CLOSE, NORMAL)
    later.send(more)
    assert later.is_closed()


def test_a_close_may_come_inside_a_fragmented_message(pushd):
    client = pushd.raw().upgrade()
    client.send_frame(TEXT, b'{"action":', first_bits=0)
    client.send(encode_frame(CLOSE, NORMAL) + encode_frame(CONTINUATION, b'"ping"}'))
    assert client.read_close_code() == 1000


@pytest.mark.parametrize(
    "more", [encode_frame(CLOSE, NORMAL), encode_frame(3), COMMAND], ids=["close", "violation", "command"]
)
def test_only_the_first_violation_is_answered(pushd, more):
    client = pushd.raw().upgrade()
    client.send(encode_frame(TEXT, b"\xff") + more)
    assert client.read_close_code() == 1007


def test_a_close_and_a_half_close_in_one_packet(pushd):
    client = pushd.raw().upgrade()
    client.send(COMMAND + encode_frame(CLOSE, NORMAL))
    half_close(client)
    assert client.read_json() == {"action": "pong"}
    assert client.read_close_code() == 1000


def ends_after_messages(pushd, client, code):
    """Reads complete frames, then a Close, then the end of the stream."""
    while (frame := client.read_frame()).opcode == TEXT:
        assert frame.payload == b"x" * 10_000
    assert (frame.opcode, frame.payload[:2]) == (CLOSE, code.to_bytes(2, "big"))
    assert client.is_closed()
    client.close()
    wait_until(lambda: pushd.health()["connections"] == 0, "nobody left")


@pytest.mark.parametrize(
    "last, code",
    [(encode_frame(CLOSE, NORMAL), 1000), (encode_frame(3), 1002), (OVERSIZED, 1009)],
    ids=["close", "violation", "oversized"],
)
def test_the_close_comes_behind_messages_that_wait(pushd, last, code):
    client = pushd.raw(receive_buffer=4096).upgrade("/ws?channel=c")
    leave_messages_unread(pushd, client, "c")
    client.send(last)
    ends_after_messages(pushd, client, code)


@pytest.mark.parametrize("pieces, pause", [(125, 0.02), (1, 2)], ids=["upload", "silence and one more packet"])
@pytest.mark.parametrize(
    "last, code", [(encode_frame(CLOSE, NORMAL), 1000), (OVERSIZED, 1009)], ids=["close", "oversized"]
)
def test_the_close_reaches_a_slow_reader_that_goes_on_sending(pushd, last, code, pieces, pause):
    client = pushd.raw(receive_buffer=4096).upgrade("/ws?channel=c")
    for _ in range(10):  # the kernel accepts them all, so that pushd has nothing left to write
        pushd.publish("c", "x" * 10_000)
    client.send(last)
    for _ in range(pieces):
        threading.Event().wait(pause)  # the pace of a slow client, not a wait for a condition
        client.send(bytes(500))
    ends_after_messages(pushd, client, code)


# The server closes


def closed_by_the_server(pushd, *clients):
    pushd.signal()
    for client in clients:
        assert client.read_frame() == Frame(CLOSE, GOING_AWAY + b"server is going away")


@pytest.mark.parametrize(
    "answer",
    [
        encode_frame(CLOSE, GOING_AWAY),
        encode_frame(CLOSE, NORMAL),
        encode_frame(CLOSE),
        COMMAND + encode_frame(PING) + encode_frame(CLOSE, GOING_AWAY),
        encode_frame(CLOSE, b"\x00\x00"),
        encode_frame(TEXT, b"\xff") + encode_frame(CLOSE, GOING_AWAY),  # data is skipped by now, not parsed
        b"\xff" * 1000,
    ],
    ids=["its code", "another code", "no code", "frames first", "bad code", "bad text first", "garbage"],
)
def test_an_answer_to_the_servers_close_ends_the_connection(pushd, answer):
    client, silent = pushd.raw().upgrade(), pushd.raw().upgrade()
    closed_by_the_server(pushd, client, silent)
    client.send(answer)
    assert client.is_closed(), "nothing may follow the server's own Close"
    assert is_still_open(silent), "it ended by its time limit, not by the answer"


def test_a_half_close_answers_the_servers_close(pushd):
    client, silent = pushd.raw().upgrade(), pushd.raw().upgrade()
    closed_by_the_server(pushd, client, silent)
    half_close(client)
    assert client.is_closed()
    assert is_still_open(silent)


def test_frames_after_the_servers_close_get_no_answer(pushd):
    client = pushd.raw().upgrade()
    closed_by_the_server(pushd, client)
    client.send(COMMAND + encode_frame(PING))
    assert client.is_closed(), "no answer, and a time limit"
    assert pushd.wait() == 0


def test_a_close_that_waits_behind_unread_answers_is_found(start):
    pushd = start("--workers", "1")
    silent, client = pushd.raw().upgrade(), pushd.raw(receive_buffer=4096).upgrade()
    leave_answers_unread(pushd, client)
    client.send(UNREADABLE * 3000 + encode_frame(CLOSE, NORMAL))
    wait_until(lambda: queued_bytes(pushd.metrics()) > 60_000, "a client that is not read from")
    closed_by_the_server(pushd, silent)
    while client.read_frame().opcode == TEXT:
        pass
    assert client.is_closed()
    assert is_still_open(silent), "the client's Close was lost and its time limit waited for"


# Half-closed TCP without a Close frame


@pytest.mark.parametrize(
    "command, answer",
    [(COMMAND, Frame(TEXT, b'{"action":"pong"}')), (encode_frame(PING, b"x"), Frame(PONG, b"x"))],
    ids=["command", "ping"],
)
def test_a_half_closed_client_gets_its_answers(pushd, command, answer):
    client = pushd.raw()
    client.send(handshake() + command * 3)
    half_close(client)
    assert client.read_response().status == 101
    assert [client.read_frame() for _ in range(3)] == [answer] * 3
    assert client.is_closed()


def test_a_half_closed_client_gets_the_answers_that_wait(pushd):
    client = pushd.raw(receive_buffer=4096).upgrade()
    count = leave_answers_unread(pushd, client)
    half_close(client)
    wait_until(lambda: pushd.health()["subscriptions"] == 0, "the end of its stream noticed")
    for _ in range(count):
        assert client.read_frame().opcode == TEXT
    assert client.is_closed()


def test_a_half_closed_client_gets_the_messages_that_wait(pushd):
    client = pushd.raw(receive_buffer=4096).upgrade("/ws?channel=c")
    count = leave_messages_unread(pushd, client, "c")
    half_close(client)
    wait_until(lambda: pushd.publish("c", "too late") == 0, "the end of its stream noticed")
    assert [client.read_frame() for _ in range(count)] == [Frame(TEXT, b"x" * 10_000)] * count
    assert client.is_closed()


@pytest.mark.parametrize(
    "part",
    [b"", COMMAND[:1], COMMAND[:-1], encode_frame(TEXT, b"{", first_bits=0)],
    ids=["nothing", "a byte", "a frame but its last byte", "a fragment"],
)
def test_a_client_that_half_closes_within_a_message_is_let_go(pushd, part):
    client = pushd.raw().upgrade()
    client.send(part)
    half_close(client)
    assert client.is_closed()
    wait_until(lambda: pushd.health()["connections"] == 0, "nobody left")


def test_a_close_without_a_mask_is_not_answered(pushd):
    """Caddy 2.6 sends one when it reloads, and might forward our 1002 to its client instead of its own 1001."""
    client = pushd.raw().upgrade()
    client.send_frame(CLOSE, GOING_AWAY, is_masked=False)
    assert client.is_closed()
    wait_until(lambda: pushd.metrics().sum("pushd_connections_closed_total", reason="protocol_error") == 1, "a counted end")
