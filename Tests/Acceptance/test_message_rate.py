"""The message rate limit counts all input, so that no client can use up a core."""

import json
import time

import pytest
from support import wait_until
from support.raw import CLOSE, CONTINUATION, PING, PONG, TEXT, encode_frame
from test_compression import RSV1, deflate, subscribe
from test_http import GET_HEALTH

COMMAND = encode_frame(TEXT, b'{"action":"ping"}')
FRAGMENTS = encode_frame(TEXT, b"{", first_bits=0) + encode_frame(CONTINUATION, b" ", first_bits=0) * 500


def over_rate(pushd, **labels):
    return pushd.fresh_metrics().sum("pushd_limit_hits_total", limit="max-message-rate", **labels)


@pytest.mark.parametrize(
    "frames", [encode_frame(PONG) * 100, encode_frame(PING) * 100, COMMAND * 100, FRAGMENTS],
    ids=["pongs", "pings", "commands", "fragments"],
)
def test_every_frame_counts(start, frames):
    pushd = start("--max-message-rate", "10")
    client = pushd.raw().upgrade()
    client.send(frames)
    while (frame := client.read_frame()).opcode != CLOSE:
        pass
    assert int.from_bytes(frame.payload[:2], "big") == 4429
    assert over_rate(pushd, enforced="true") == 1


def test_each_channel_of_a_command_counts(start):
    pushd = start("--max-message-rate", "10:error")
    client = pushd.connect("z")
    client.send(json.dumps({"action": "subscribe", "channels": [f"c{n}" for n in range(10)]}))
    assert [json.loads(client.recv(timeout=5)).get("status") for _ in range(10)] == ["subscribed"] * 10
    client.send('{"action":"unsubscribe","channels":["c1","c2"]}')
    assert "--max-message-rate" in client.recv(timeout=5)
    assert pushd.publish("c1", "x") == 1


def test_a_message_counts_by_what_it_inflates_to(start):
    bomb = encode_frame(TEXT, deflate(b'{"action":"ping"}'.ljust(65_536)), first_bits=0x80 | RSV1)
    assert len(bomb) < 120
    pushd = start("--compression", "on", "--max-message-rate", "129")
    client = subscribe(pushd)
    client.send(bomb * 2)  # counts 65 each
    assert [client.read_json() for _ in range(2)] == [{"action": "pong"}] * 2
    client.send(bomb)
    assert client.read_close_code() == 4429


@pytest.mark.parametrize("excess", ["close", "error"])
def test_requests_count(start, excess):
    pushd = start("--max-message-rate", f"10:{excess}")
    client = pushd.raw()
    client.send(GET_HEALTH * 12)
    answers = [client.read_response() for _ in range(11)]
    assert [answer.status for answer in answers] == [200] * 10 + [429]
    assert answers[-1].headers["retry-after"] == "1" and b"--max-message-rate" in answers[-1].body
    if excess == "close":
        assert client.is_closed()
    else:
        assert client.read_response().status == 429
        wait_until(lambda: client.ask(GET_HEALTH).status == 200, "the next second")


def test_who_may_publish_is_not_slowed_down(start):
    pushd = start("--max-message-rate", "10")
    client = pushd.raw()
    client.send(b"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx" * 100)
    assert [client.read_response().status for _ in range(100)] == [200] * 100


def test_errors_are_for_what_wants_an_answer(start):
    pushd = start("--max-message-rate", "2:error")
    client = pushd.raw().upgrade()
    client.send(encode_frame(PONG) * 50 + FRAGMENTS + encode_frame(CONTINUATION, b"}") + COMMAND)
    errors = [client.read_json()["error"] for _ in range(2)]
    assert all("--max-message-rate" in error for error in errors)
    wait_until(lambda: ask(client) == {"action": "pong"}, "the next second")


def ask(client):
    client.send(COMMAND)
    return client.read_json()


def test_a_paused_client_gets_everything_later(start):
    pushd = start("--max-message-rate", "20:pause")
    client, other = pushd.raw().upgrade(), pushd.raw()
    began = time.monotonic()
    client.send(b"".join(encode_frame(TEXT, json.dumps({"action": "ping", "id": number}).encode()) for number in range(50)))
    for number in range(50):
        assert client.read_json() == {"action": "pong", "id": number}
        if number == 30:
            assert other.ask(GET_HEALTH).status == 200
    assert time.monotonic() - began > 1.2, "two seconds, less up to a tick"
    assert over_rate(pushd) == 2
    other.send(GET_HEALTH * 50)
    assert [other.read_response().status for _ in range(50)] == [200] * 50


def test_a_paused_client_may_leave(start):
    pushd = start("--max-message-rate", "5:pause")
    leaving, closing = pushd.raw().upgrade(), pushd.raw().upgrade()
    leaving.send(COMMAND * 10)
    closing.send(COMMAND * 10 + encode_frame(CLOSE, b"\x03\xe8"))
    leaving.close()
    while (frame := closing.read_frame()).opcode == TEXT:
        pass
    assert frame.opcode == CLOSE
    wait_until(lambda: pushd.health()["connections"] == 0, "nobody left")


@pytest.mark.parametrize("frames", [encode_frame(PONG), FRAGMENTS + encode_frame(CONTINUATION)], ids=["pongs", "fragments"])
def test_by_default_one_client_cannot_fill_a_core(start, frames):
    """The short form of soak/one_client.py. Without the limit, one client used most of a core."""
    pushd = start("--workers", "1")
    client = pushd.raw(timeout=0.2).upgrade()
    block, sent = frames * (1_000_000 // len(frames)), 0
    began, before = time.monotonic(), pushd.cpu_seconds()
    while time.monotonic() < began + 2:
        try:
            sent += client.socket.send(block[sent % len(frames) :])
        except TimeoutError:
            pass
    assert pushd.cpu_seconds() - before < 0.5
    assert over_rate(pushd) >= 1
    assert pushd.health()["connections"] == 1
