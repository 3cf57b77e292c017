"""What admins have all nodes do to connections: disconnect, unsubscribe, messages to a user."""

import json
import threading

import pytest
from support import wait_until
from websockets.exceptions import ConnectionClosed


def post(pushd, path, body=None, status=200):
    response = pushd.request("POST", path, body)
    assert response.status == status, response
    return json.loads(response.body)


def closed(client):
    """The Close frame that a client gets."""
    with pytest.raises(ConnectionClosed) as closing:
        while True:
            client.recv(timeout=5)
    return closing.value.rcvd.code, closing.value.rcvd.reason


def text(client):
    return json.loads(client.recv(timeout=5))


@pytest.fixture
def nodes(start, redis_server):
    return [start("--redis", redis_server.url, "--workers", workers).wait_for_status("ok") for workers in ("1", "2", "1")]


def everywhere(nodes, user):
    return [node.connect("c", user=user, subprotocols=["pushd.v1"]) for node in nodes for _ in range(2)]


def test_a_user_is_disconnected_from_all_nodes(nodes):
    ada, bob = everywhere(nodes, "ada"), everywhere(nodes, "bob")
    answer = post(nodes[0], "/v1/users/ada/disconnect", json.dumps({"code": 4001, "reason": "go"}))
    assert answer == {"user": "ada", "connections": 2, "other_nodes": "told"}
    assert [closed(client) for client in ada] == [(4001, "go")] * 6
    assert post(nodes[1], "/v1/users/bob/publish", b"7")["connections"] == 2
    assert [text(client) for client in bob] == [{"data": 7}] * 6
    metrics = nodes[2].fresh_metrics()
    assert metrics.sum("pushd_connections_closed_total", reason="disconnected") == 2


def test_a_connection_of_another_node_is_disconnected(nodes):
    client, other = (nodes[2].connect("c", user=user) for user in ("ada", "bob"))
    [listed] = json.loads(nodes[2].get("/v1/connections?user=ada").body)["connections"]
    name = listed["connection"]
    answer = post(nodes[0], f"/v1/connections/{name}/disconnect")
    assert answer == {"connection": name, "connections": 0, "other_nodes": "told"}
    assert closed(client) == (1008, "disconnected")
    assert post(nodes[2], f"/v1/connections/{name}/disconnect", status=404)["error"]
    assert nodes[2].publish("c", "x") == 1 and other.recv(timeout=5) == "x"


def test_a_user_is_removed_from_a_channel_on_all_nodes(nodes):
    ada, bob = everywhere(nodes, "ada"), everywhere(nodes, "bob")
    answer = post(nodes[0], "/v1/channels/c/unsubscribe?user=ada&reason=over&code=kicked")
    assert answer == {"channel": "c", "connections": 2, "other_nodes": "told"}
    event = {"event": "unsubscribed", "channel": "c", "reason": "over", "code": "kicked"}
    assert [text(client) for client in ada] == [event] * 6
    nodes[0].publish("c", "x")
    assert [text(client)["data"] for client in bob] == ["x"] * 6
    ada[0].send('{"action":"ping"}')
    assert text(ada[0]) == {"action": "pong"}


def test_messages_of_all_publishers_have_one_order_on_all_nodes(nodes):
    ada = everywhere(nodes, "ada")

    def publish(node, name):
        for number in range(50):
            post(node, "/publish?user=ada", f'"{name}{number}"')

    threads = [threading.Thread(target=publish, args=(node, name)) for node, name in zip(nodes, "xyz")]
    for thread in threads:
        thread.start()
    received = [[text(client)["data"] for _ in range(150)] for client in ada]
    for thread in threads:
        thread.join()
    assert all(each == received[0] for each in received)
    for name in "xyz":
        assert [each for each in received[0] if each[0] == name] == [f"{name}{number}" for number in range(50)]


def test_a_message_as_large_as_one_may_be(start, redis_server):
    nodes = [start("--redis", redis_server.url, "--max-publish", "200K").wait_for_status("ok") for _ in range(2)]
    client = nodes[1].connect(user="ada")
    payload = b"\xff" + b'\n"' * 102_399 + b"x"
    post(nodes[0], "/publish?user=ada", payload)
    assert client.recv(timeout=5) == payload
    assert nodes[0].request("POST", "/publish?user=ada", payload + b"x").status == 413


def test_redis_is_away(nodes, redis_server):
    ada = everywhere(nodes, "ada")
    redis_server.kill()
    for node in nodes:
        node.wait_for_status("degraded")
    wait_until(lambda: "Redis" in post(nodes[0], "/publish?user=ada", b"x", 503)["error"], "a refusal")
    answer = post(nodes[0], "/v1/users/ada/disconnect", status=503)
    assert "2 connections of this node only" in answer["error"]
    assert [closed(client)[0] for client in ada[:2]] == [1008, 1008]
    redis_server.start()
    for node in nodes:
        node.wait_for_status("ok")
    wait_until(lambda: post(nodes[0], "/v1/users/ada/disconnect")["other_nodes"] == "told", "nodes that are told")
    assert [closed(client)[0] for client in ada[2:]] == [1008] * 4


def test_a_message_without_redis_reaches_both_kinds_of_clients(start):
    pushd = start("--workers", "2")
    plain, modern = pushd.connect(user="ada"), pushd.connect(user="ada", subprotocols=["pushd.v1"])
    assert post(pushd, "/publish?user=ada", b'{"a": 1}') == {"user": "ada", "connections": 2}
    assert plain.recv(timeout=5) == '{"a": 1}' and text(modern) == {"data": {"a": 1}}
    post(pushd, "/publish?user=ada", b"\xff")
    assert plain.recv(timeout=5) == b"\xff" and text(modern) == {"data_base64": "/w=="}


def test_a_slow_reader_of_messages_to_a_user_is_closed(start):
    pushd = start("--outbox-limit", "1M", "--max-publish", "512K")
    stalled = pushd.raw(receive_buffer=4096)
    stalled.upgrade("/ws?user_id=slow")
    wait_until(
        lambda: post(pushd, "/publish?user=slow", b"x" * 400_000)["connections"] == 0, "the end of a slow reader", pause=0
    )
    assert pushd.fresh_metrics().sum("pushd_dropped_total", policy="disconnect") > 0


def test_keys(start):
    pushd = start("--api-key", "admin", "--publish-key", "publish")
    for path in ("/v1/users/u/disconnect", "/v1/users/u/publish", "/v1/revoke", "/v1/channels/c/unsubscribe"):
        assert pushd.request("POST", path).status == 401
        assert pushd.request("POST", path, headers={"Authorization": "Bearer publish"}).status == 401
    assert pushd.request("POST", "/publish?user=u", b"x", {"Authorization": "Bearer publish"}).status == 200
    assert pushd.request("POST", "/v1/users/u/publish", b"x", {"X-API-Key": "admin"}).status == 200


def test_clients_do_not_get_what_nodes_tell(start, redis_server):
    """A channel is called as Redis' name for the nodes' channel, without a prefix and with a pattern over all."""
    pushd = start("--redis", redis_server.url, "--redis-prefix", "", "--redis-pattern", "*").wait_for_status("ok")
    client = pushd.connect("pushd:nodes:", user="ada")
    assert pushd.raw().ask(b"GET /ws?channel=pushd:nodes:%01 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                           b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").status == 400
    post(pushd, "/publish?user=ada", b"mine")
    assert client.recv(timeout=5) == "mine"
    redis_server.publish("pushd:nodes:\x01", b'{"node":"1","do":"publish","user":"ada"}\nforeign')
    assert client.recv(timeout=5) == "foreign"
    redis_server.publish("pushd:nodes:", b"a channel like others")
    assert client.recv(timeout=5) == "a channel like others"


def test_an_acl_without_the_nodes_channel(start, redis_server):
    """Everything but orders works, and the log says what is missing."""
    with redis_server.client() as client:
        client.execute_command(
            "ACL", "SETUSER", "old", "on", ">secret", "resetchannels", "&push:*", "&global_channel", "&pushd:probe:*",
            "-@all", "+subscribe", "+unsubscribe", "+publish", "+ping", "+role",
        )  # fmt: skip
    url = redis_server.url.replace("redis://", "redis://old:secret@")
    pushd = start("--redis", url).wait_for_status("ok")
    wait_until(lambda: "do not reach this one" in pushd.log(), "a line in the log")
    client = pushd.connect("c", user="ada")
    assert pushd.publish("c", "x") == 1 and client.recv(timeout=5) == "x"
    assert "NOPERM" in post(pushd, "/v1/users/ada/disconnect", status=503)["error"]
    assert closed(client)[0] == 1008
    answer = post(pushd, "/v1/revoke", json.dumps({"token": "t"}))
    assert answer["other_nodes"] == "queued" and "NOPERM" in answer["reason"]
    assert pushd.health()["status"] == "ok"
