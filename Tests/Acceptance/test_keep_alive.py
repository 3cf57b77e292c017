"""How long an idle HTTP connection is kept open, and the headers that announce it."""

import time

import pytest
from support.raw import handshake
from test_http import GET_HEALTH


def idle_seconds(client):
    """The time from an answer to the end of the connection."""
    assert client.ask(GET_HEALTH).status == 200
    begin = time.monotonic()
    assert client.is_closed()
    return time.monotonic() - begin


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_idle_connection_is_closed_after_it_and_no_sooner(start, workers):
    pushd = start("--keep-alive", "2", "--workers", workers)
    client = pushd.raw()
    for _ in range(3):  # each request restarts the time
        assert client.ask(GET_HEALTH).headers["keep-alive"] == "timeout=2"
        time.sleep(0.8)
    assert idle_seconds(client) >= 2


@pytest.mark.parametrize("options, seconds", [([], 75), (["--keep-alive", "620"], 620), (["--keep-alive", "2.9"], 2)])
def test_an_answer_says_for_how_long(start, options, seconds):
    pushd = start(*options)
    for request in (GET_HEALTH, GET_HEALTH.replace(b"/health", b"/nothing")):
        headers = pushd.raw().ask(request).headers
        assert (headers["connection"], headers["keep-alive"]) == ("keep-alive", f"timeout={seconds}")
    old = b"GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    assert pushd.raw().ask(old).headers["connection"] == "keep-alive"


def test_where_a_connection_is_not_kept_nothing_is_promised(start):
    pushd = start()
    for request in (
        GET_HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        GET_HEALTH.replace(b"1.1", b"1.0"),
        b"nonsense\r\n\r\n",
    ):
        headers = pushd.raw().ask(request).headers
        assert headers["connection"] == "close" and "keep-alive" not in headers
    assert "keep-alive" not in pushd.raw().ask(handshake()).headers
    assert "keep-alive" not in start("--keep-alive", "0.5").raw().ask(GET_HEALTH).headers


def test_an_answer_that_waits_for_redis_is_waited_for(start, redis_server):
    pushd = start("--redis", redis_server.url, "--keep-alive", "0.5").wait_for_status("ok")
    client = pushd.raw()
    redis_server.freeze()
    try:
        client.send(b"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx")
        time.sleep(1.5)
    finally:
        redis_server.thaw()
    assert client.read_response().status == 200


def test_a_websocket_has_no_such_end(start):
    pushd = start("--keep-alive", "0.5")
    client = pushd.connect("c")
    time.sleep(1.5)
    assert pushd.publish("c", "hello") == 1
    assert client.recv(timeout=5) == "hello"
