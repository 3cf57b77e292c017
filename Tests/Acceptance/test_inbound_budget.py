"""Input that the server holds for clients stays within --inbound-budget, and modest clients are still served."""

import contextlib
import json

import pytest
from support import wait_until
from support.raw import CONTINUATION, TEXT, RawClient, encode_frame, handshake
from test_tls import authority, pair, serve  # noqa: F401, fixtures

MEBIBYTE = 2**20
BUDGET = 16 * MEBIBYTE
STRANGERS = 1500


def shed(pushd, kind):
    return pushd.metrics().sum("pushd_inbound_shed_total", kind=kind)


def body(_):
    return b"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" + b"x" * 99_000


def half_message(_):
    return handshake() + encode_frame(TEXT, b"x" * 65_000)[:-500]


def fragments(_):
    return handshake() + encode_frame(TEXT, b"x" * 32, first_bits=0) + encode_frame(CONTINUATION, b"x" * 32, first_bits=0) * 1500


def names(number):
    commands = (
        json.dumps({"action": "subscribe", "channel": f"{number}-{index}-".ljust(250, "x")}).encode() for index in range(100)
    )
    return handshake() + b"".join(encode_frame(TEXT, command) for command in commands)


@pytest.fixture
def pushd(start):
    return start("--inbound-budget", str(BUDGET), "--workers", "2")


@pytest.mark.parametrize(
    "attack, kind", [(body, "http"), (half_message, "websocket"), (fragments, "websocket"), (names, "websocket")]
)
def test_strangers_hold_no_more_than_the_budget(pushd, attack, kind):
    subscriber = pushd.connect("news")
    before = pushd.resident_bytes()
    peak = 0
    with contextlib.ExitStack() as stack:
        for number in range(STRANGERS):
            client = stack.enter_context(RawClient(pushd.address))
            client.send(attack(number))
            if number % 100 == 0:
                peak = max(peak, pushd.resident_bytes())
                assert pushd.publish("news", f"{number}") == 1
                assert subscriber.recv(timeout=5) == f"{number}"
        wait_until(lambda: shed(pushd, kind) > 0, "strangers that were given up")
        peak = max(peak, pushd.resident_bytes())
        wait_until(lambda: pushd.metrics().sum("pushd_inbound_bytes") <= BUDGET, "the budget to be kept")
    sockets = 8 * MEBIBYTE  # memory of the connections themselves, a few KB each
    assert peak - before <= BUDGET * 1.1 + sockets, f"{(peak - before) / MEBIBYTE:.1f} MiB more"
    assert pushd.log().count("--inbound-budget") >= 1


def test_a_stranger_with_a_body_is_told_to_come_back(start):
    pushd = start("--inbound-budget", "300000")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(RawClient(pushd.address)) for _ in range(3)]
        for client, size in zip(clients, (10_000, 200_000, 100_000)):
            client.send(b"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200001\r\n\r\n" + b"x" * size)
        response = clients[1].read_response()
        assert response.status == 503
        assert response.headers["retry-after"]
        assert response.headers["connection"] == "close"
        # The client that holds less continues.
        clients[0].send(b"x" * 190_001)
        assert clients[0].read_response().status == 200


def test_a_half_message_is_given_up_with_1013(start):
    pushd = start("--inbound-budget", "85000")
    small, large = pushd.raw().upgrade(), pushd.raw().upgrade()
    command = encode_frame(TEXT, b'{"action":"ping"}'.ljust(2000))
    small.send(command[:-10])
    large.send(encode_frame(TEXT, b"x" * 60_000)[:-10])
    other = pushd.raw().upgrade()
    # A growing buffer may be twice as large as its content, and `large` is still the largest then.
    other.send(encode_frame(TEXT, b"x" * 30_000)[:-10])
    assert large.read_close_code() == 1013
    small.send(command[-10:])
    assert small.read_json() == {"action": "pong"}


def test_memory_comes_back(pushd):
    before = pushd.resident_bytes()
    for _ in range(3):
        with contextlib.ExitStack() as stack:
            for number in range(300):
                stack.enter_context(RawClient(pushd.address)).send(body(number))
    wait_until(lambda: pushd.resident_bytes() - before < 6 * MEBIBYTE, "memory that was given back", seconds=60)


def test_handshakes_that_are_left_are_given_up(serve):
    pushd = serve("--inbound-budget", str(2 * MEBIBYTE))
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            # One that was already closed may be reset.
            with contextlib.suppress(OSError):
                stack.enter_context(pushd.tcp()).send(b"\x16\x03\x01")
        wait_until(lambda: shed(pushd, "handshake") > 0, "handshakes that were given up")
        wait_until(lambda: pushd.metrics().sum("pushd_inbound_bytes") <= 2 * MEBIBYTE, "the budget to be kept")
        with pushd.connect("news") as subscriber:
            pushd.publish("news", "hello")
            assert subscriber.recv(timeout=5) == "hello"
