"""The HTTP endpoints and HTTP/1.1 itself."""

import json

import pytest
from support import wait_until
from support.pushd import ask
from support.raw import handshake

GET_HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


def error_of(response):
    assert response.headers["content-type"].startswith("application/json")
    body = json.loads(response.body)
    assert list(body) == ["error"] and body["error"]
    return body["error"]


def test_health_begins_with_status_and_connections(pushd):
    response = pushd.get("/health")
    assert response.status == 200
    assert response.headers["content-type"].startswith("application/json")
    assert response.body.startswith(b'{"status":"ok","connections":0')


def test_health_counts_connections_channels_and_subscriptions(start):
    pushd = start("--workers", "2")
    for channels in (["a"], ["a", "b"], ["a", "b", "c"]):
        pushd.connect(*channels)
    counts = {"connections": 3, "channels": 3, "subscriptions": 6}
    health = wait_until(lambda: counts.items() <= (found := pushd.health()).items() and found, f"{counts}")
    assert health["workers"] == 2
    assert health["uptime_s"] >= 0


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_an_orchestrator_is_told_that_it_lives_and_is_ready(pushd, path):
    assert pushd.get(path).status == 200


def test_the_page_is_html(pushd):
    response = pushd.get("/")
    assert response.status == 200
    assert response.headers["content-type"].startswith("text/html")
    assert b"WebSocket" in response.body


def test_a_query_does_not_hide_an_endpoint(pushd):
    assert pushd.get("/health?verbose=1").status == 200


@pytest.mark.parametrize("path", ["/nothing", "/health/", "/wss", "/health/dead", "/favicon.ico"])
def test_anything_else_is_not_found(pushd, path):
    response = pushd.get(path)
    assert response.status == 404
    error_of(response)


@pytest.mark.parametrize(
    "method, path, allowed",
    [
        ("POST", "/", "GET"),
        ("POST", "/health", "GET"),
        ("DELETE", "/health/live", "GET"),
        ("PUT", "/metrics", "GET"),
        ("GET", "/publish?channel=c", "POST"),
        ("HEAD", "/publish?channel=c", "POST"),
        ("POST", "/ws", "GET"),
    ],
)
def test_a_wrong_method_is_told_the_right_one(pushd, method, path, allowed):
    response = pushd.request(method, path)
    assert response.status == 405
    assert allowed in response.headers["allow"].split(", ")
    if method != "HEAD":
        error_of(response)


def test_ws_without_an_upgrade_asks_for_one(pushd):
    response = pushd.get("/ws")
    assert response.status == 426
    assert response.headers["upgrade"].lower() == "websocket"
    error_of(response)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET /health HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: b\r\n\r\n",
        b"GET /health HTTP/1.1\nHost: localhost\n\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX : b\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: b\r\n c\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: \x00\r\n\r\n",
        b"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
    ],
)
def test_a_bad_request_is_400_and_ends_the_connection(pushd, request_bytes):
    client = pushd.raw()
    response = client.ask(request_bytes)
    assert response.status == 400
    error_of(response)
    assert client.is_closed()


def test_a_connection_is_kept_alive(pushd):
    connection = pushd.http()
    assert [ask(connection, "GET", path).status for path in ("/health", "/nothing", "/metrics", "/")] == [200, 404, 200, 200]
    connection.close()


def test_connection_close_closes(pushd):
    client = pushd.raw()
    assert client.ask(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").status == 200
    assert client.is_closed()


def test_http_1_0_closes(pushd):
    client = pushd.raw()
    assert client.ask(b"GET /health HTTP/1.0\r\n\r\n").status == 200
    assert client.is_closed()


def test_pipelined_requests_are_answered_in_order(pushd):
    subscriber = pushd.connect("c")
    client = pushd.raw()
    client.send(
        GET_HEALTH
        + b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"
        + b"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
        + b"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbye\r\n0\r\n\r\n"
        + b"GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )
    assert [client.read_response().status for _ in range(5)] == [200, 404, 200, 200, 426]
    assert [subscriber.recv(timeout=5) for _ in range(2)] == ["hello", "bye"]


def test_many_pipelined_requests_are_all_answered(pushd):
    client = pushd.raw()
    client.send(GET_HEALTH * 1000)
    assert all(client.read_response().status == 200 for _ in range(1000))


def test_an_upgrade_may_follow_other_requests(pushd):
    client = pushd.raw()
    client.send(GET_HEALTH + handshake("/ws?channel=c"))
    assert client.read_response().status == 200
    assert client.read_response().status == 101
    pushd.publish("c", "hello")
    assert client.read_frame().payload == b"hello"


def test_a_request_may_come_byte_by_byte(pushd):
    client = pushd.raw()
    for byte in GET_HEALTH:
        client.send(bytes([byte]))
    assert client.read_response().status == 200


@pytest.mark.parametrize("path", ["/", "/health", "/metrics", "/health/live"])
def test_head_is_get_without_the_body(pushd, path):
    client = pushd.raw()
    head = client.ask(b"HEAD %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path.encode(), has_body=False)
    assert head.status == 200
    assert int(head.headers["content-length"]) > 0
    assert client.ask(GET_HEALTH).status == 200  # this would fail if a body had been sent
