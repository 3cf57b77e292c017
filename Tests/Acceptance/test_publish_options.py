"""Publishing with an id or without a receiver, many messages at once, and the first frame that names a connection."""

import concurrent.futures
import json
import time
from urllib.parse import urlencode

import pytest
from support import wait_until
from websockets.sync.client import connect


def post(pushd, path, body=b"", status=200):
    response = pushd.request("POST", path, body)
    assert response.status == status, response
    return json.loads(response.body)


def hello(client):
    event = json.loads(client.recv(timeout=5))
    assert event["event"] == "hello"
    return event


def modern(pushd, *channels, query="", **options):
    target = urlencode([("channel", channel) for channel in channels]) + query
    url = f"ws://127.0.0.1:{pushd.port}/ws?{target}"
    client = connect(url, subprotocols=["pushd.v1"], proxy=None, close_timeout=2, **options)
    pushd.clients.append(client)
    return client


# hello=1


def test_the_first_frame_names_the_connection(start):
    pushd = start("--ping-interval", "40s")
    client = modern(pushd, "c", query="&hello=1&user_id=ada")
    [listed] = json.loads(pushd.get("/v1/connections").body)["connections"]
    assert hello(client) == {"event": "hello", "connection": listed["connection"], "user": "ada", "ping_s": 40}
    for query in ("", "&hello=0"):
        other = modern(pushd, "other", query=query)
        pushd.publish("other", "x")
        assert json.loads(other.recv(timeout=5))["channel"] == "other"
    plain = pushd.raw().upgrade("/ws?channel=plain&hello=1")
    pushd.publish("plain", "x")
    assert plain.read_frame().payload == b"x"


def test_hello_comes_before_messages(start, redis_server):
    pushd = start("--redis", redis_server.url).wait_for_status("ok")
    with concurrent.futures.ThreadPoolExecutor(1) as pool, redis_server.client() as redis:
        storm = pool.submit(lambda: [redis.publish("push:busy", "x") for _ in range(2000)])
        for _ in range(20):
            client = pushd.raw().upgrade("/ws?channel=busy&hello=1", Sec_WebSocket_Protocol="pushd.v1")
            assert client.read_json()["event"] == "hello"
            client.close()
        storm.result()


# exclude=


def test_a_connection_is_left_out(start):
    pushd = start("--workers", "2")
    clients = [modern(pushd, "c", query="&hello=1") for _ in range(4)]
    names = [hello(client)["connection"] for client in clients]
    pushd.publish("c", "1")
    post(pushd, f"/publish?channel=c&exclude={names[1]}", b"2")
    pushd.publish("c", "3")
    for client, expected in zip(clients, ([1, 2, 3], [1, 3], [1, 2, 3], [1, 2, 3])):
        assert [json.loads(client.recv(timeout=5))["data"] for _ in expected] == expected
    clients[1].close()
    assert post(pushd, f"/publish?channel=c&exclude={names[1]}", b"4")["subscribers"] == 3
    assert "exclude=" in post(pushd, "/publish?channel=c&exclude=me", b"5", 400)["error"]


@pytest.mark.parametrize("rule", ["history=10/60s", "history=10/60s conflate-every=10ms", "publish=nobody"])
def test_a_connection_is_left_out_on_every_node(start, redis_server, rule):
    options = ("--redis", redis_server.url, "--channel", f"c: {rule}")
    nodes = [start(*options).wait_for_status("ok") for _ in range(2)]
    clients = [modern(node, "c", query="&hello=1") for node in nodes for _ in range(2)]
    names = [hello(client)["connection"] for client in clients]
    for number, name in enumerate(names):
        post(nodes[number % 2], f"/publish?channel=c&key=k{number}&exclude={name}", b"%d" % number)
    nodes[0].publish("c", "9")
    for number, client in enumerate(clients):
        expected = [other for other in range(4) if other != number] + [9]
        assert [json.loads(client.recv(timeout=5))["data"] for _ in expected] == expected


# id=


@pytest.mark.parametrize("target", ["channel=c", "user=ada"])
@pytest.mark.parametrize("has_redis", [False, True])
def test_a_repeat_delivers_nothing(start, redis_server, target, has_redis):
    pushd = start("--workers", "2", *(("--redis", redis_server.url) if has_redis else ())).wait_for_status("ok")
    client = pushd.connect("c", user="ada")
    first = post(pushd, f"/publish?{target}&id=1", b"one")
    other = pushd.connect("c", user="ada")
    for _ in range(8):  # on both loops
        assert post(pushd, f"/publish?{target}&id=1", b"again") == first
    assert post(pushd, f"/publish?{target}&id=2", b"two") != first
    assert [client.recv(timeout=5) for _ in range(2)] == ["one", "two"]
    assert other.recv(timeout=5) == "two"


@pytest.mark.parametrize("target", ["channel=c", "channel=kept", "user=ada"])
def test_a_repeat_at_another_node_delivers_nothing(start, redis_server, target):
    options = ("--redis", redis_server.url, "--channel", "kept: history=10/60s")
    nodes = [start(*options).wait_for_status("ok") for _ in range(2)]
    clients = [node.connect("c", "kept", user="ada") for node in nodes]
    for number in range(6):
        for node in nodes if number % 2 else reversed(nodes):
            post(node, f"/publish?{target}&id={number}", b"%d" % number)
    post(nodes[0], f"/publish?{target}", b"end")
    for client in clients:
        assert [client.recv(timeout=5) for _ in range(7)] == ["0", "1", "2", "3", "4", "5", "end"]


def test_repeats_at_the_same_time(start):
    pushd = start("--workers", "2")
    client = pushd.connect("c")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for number in range(20):
            answers = pool.map(lambda _: pushd.request("POST", f"/publish?channel=c&id={number}", b"x"), range(8))
            assert {answer.status for answer in answers} <= {200, 503}
    pushd.publish("c", "end")
    assert [client.recv(timeout=5) for _ in range(21)] == ["x"] * 20 + ["end"]


def test_a_repeat_after_the_connection_was_lost(start, redis_server):
    """The publisher does not see the first answer; Redis has the message."""
    pushd = start("--redis", redis_server.url).wait_for_status("ok")
    client = pushd.connect("c")
    redis_server.freeze()
    publisher = pushd.raw()
    publisher.send(b"POST /publish?channel=c&id=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\none")
    time.sleep(0.3)  # it waits for Redis now
    publisher.reset()
    redis_server.thaw()
    assert client.recv(timeout=5) == "one"
    wait_until(lambda: pushd.request("POST", "/publish?channel=c&id=1", b"again").status == 200, "the answer")
    assert pushd.publish("c", "two") == 1 and client.recv(timeout=5) == "two"


def test_what_was_not_published_may_be_repeated(start, redis_server):
    pushd = start("--redis", redis_server.url).wait_for_status("ok")
    redis_server.kill()
    pushd.wait_for_status("degraded")
    wait_until(lambda: pushd.request("POST", "/publish?channel=c&id=1", b"x").status == 503, "a refusal")
    redis_server.start()
    pushd.wait_for_status("ok")
    client = pushd.connect("c")
    assert post(pushd, "/publish?channel=c&id=1", b"x") == {"channel": "c", "subscribers": 1}
    assert client.recv(timeout=5) == "x"


# /v1/publish


@pytest.mark.parametrize("has_redis", [False, True])
def test_many_messages_at_once(start, redis_server, has_redis):
    pushd = start(*(("--redis", redis_server.url) if has_redis else ())).wait_for_status("ok")
    client = pushd.connect("a", "b")
    lines = [{"channel": "a", "data": number} for number in range(300)]
    lines += [{"channels": ["a", "b", "nobody"], "data": "x"}, {"channel": ""}, {"channel": "b", "data": [1]}]
    response = pushd.request("POST", "/v1/publish", "\n".join(json.dumps(line) for line in lines))
    assert response.status == 200 and response.headers["content-type"] == "application/x-ndjson"
    answers = [json.loads(line) for line in response.body.decode().splitlines()]
    assert len(answers) == len(lines) and answers[:300] == [{"channel": "a", "subscribers": 1}] * 300
    assert answers[300] == {
        "channels": [{"channel": name, "subscribers": count} for name, count in (("a", 1), ("b", 1), ("nobody", 0))]
    }
    assert "error" in answers[301] and answers[302] == {"channel": "b", "subscribers": 1}
    received = [client.recv(timeout=5) for _ in range(303)]
    assert [each for each in received if each.isdigit()] == [str(number) for number in range(300)]
    assert received.count('"x"') == 2 and received.count("[1]") == 1


def test_mistakes_with_many_messages(start):
    pushd = start()
    for body in (b"", b"\n", b'{"channel":"a","data":1}\n' * 1001):
        assert "error" in post(pushd, "/v1/publish", body, 400)
    assert "error" in post(pushd, "/v1/publish?channel=a", b'{"channel":"a","data":1}', 400)
    assert pushd.get("/v1/publish").status == 405
