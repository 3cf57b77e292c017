"""A request is refused on its head: before a byte of its body is read, and without 100 Continue."""

import contextlib
import json
import socket

import pytest

KEY = "Authorization: Bearer right\r\n"

REFUSED = [
    ("POST /publish?channel=c", "Authorization: Bearer wrong\r\n", 401),
    ("POST /publish?channel=c", KEY + "Origin: http://evil.example\r\n", 403),
    ("POST /publish?channel=", KEY, 400),
    ("POST /publish", KEY, 400),
    ("POST /publish?channel=c&key=", KEY, 400),
    ("PUT /publish?channel=c", "", 405),
    ("POST /health", "", 405),
    ("POST /nowhere", "", 404),
    ("GET /ws", "", 426),
]


@pytest.fixture
def pushd(start):
    return start("--publish-key", "right")


def head(target, lines, more=""):
    return f"{target} HTTP/1.1\r\nHost: localhost\r\n{lines}{more}\r\n".encode()


@pytest.mark.parametrize("target, lines, status", REFUSED)
@pytest.mark.parametrize("expect", ["", "Expect: 100-continue\r\n"])
@pytest.mark.parametrize("framing", ["Content-Length: 1048575\r\n", "Transfer-Encoding: chunked\r\n"])
def test_no_body_is_waited_for(pushd, target, lines, status, expect, framing):
    client = pushd.raw()
    response = client.ask(head(target, lines, framing + expect))
    assert response.status == status
    assert response.headers["connection"] == ("Upgrade" if status == 426 else "close")
    assert json.loads(response.body)["error"]
    assert client.is_closed(), "something came behind the refusal"


@pytest.mark.parametrize("target, lines, status", REFUSED)
def test_without_a_body_the_connection_is_kept(pushd, target, lines, status):
    client = pushd.raw()
    assert client.ask(head(target, lines, "Content-Length: 0\r\n")).status == status
    assert client.ask(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 200


def test_what_stands_where_the_body_would_be_is_no_request(pushd):
    client = pushd.raw()
    publish = head("POST /publish?channel=c", KEY, "Content-Length: 1\r\n") + b"x"
    client.send(head("POST /publish?channel=", KEY, f"Content-Length: {len(publish)}\r\n") + publish)
    assert client.read_response().status == 400
    assert client.is_closed()


def test_a_client_that_goes_on_sending_reads_the_refusal(pushd):
    client = pushd.raw()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    client.send(head("POST /publish?channel=c", "Authorization: Bearer wrong\r\n", "Content-Length: 1000000\r\n"))
    for _ in range(10):
        client.send(b"x" * 100_000)
    assert client.read_response().status == 401
    with contextlib.suppress(OSError):
        client.socket.shutdown(socket.SHUT_WR)
    assert client.is_closed()


def test_a_body_that_is_wanted_is_asked_for(pushd):
    client = pushd.raw()
    continues = head("POST /publish?channel=c", KEY, "Expect: 100-continue\r\nContent-Length: 5\r\n")
    assert client.ask(continues, has_body=False).status == 100
    assert client.ask(b"hello").status == 200
