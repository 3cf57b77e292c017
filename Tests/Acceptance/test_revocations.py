"""Revocation: live connections end on all nodes, and the tokens are refused; for long: soak/revocations.py."""

import json
import time

import pytest
from support import wait_until
from support.raw import handshake
from support.relay import Relay
from support.revocations import LoadedNodes, described, revoke_all
from support.tokens import Key
from websockets.exceptions import ConnectionClosed


@pytest.fixture
def key(tmp_path):
    return Key(tmp_path, "HS256")


@pytest.fixture
def server(start, key):
    return start(*key.options, "--workers", "2")


@pytest.fixture
def nodes(start, key, redis_server):
    options = (*key.options, "--ping-interval", "1h", "--redis", redis_server.url)  # readers take no pings
    return [start(*options).wait_for_status("ok") for _ in range(3)]


def bearer(token):
    return {"additional_headers": {"Authorization": f"Bearer {token}"}}


def revoke(pushd, status=200, **what):
    response = pushd.request("POST", "/v1/revoke", json.dumps(what))
    assert response.status == status, response
    return json.loads(response.body)


def closed(client):
    with pytest.raises(ConnectionClosed) as closing:
        while True:
            client.recv(timeout=5)
    return closing.value.rcvd.code


def status(pushd, token):
    return pushd.raw().ask(handshake("/ws", Authorization=f"Bearer {token}")).status


def seconds_ago(seconds):
    return int(time.time()) - seconds


# One process


def test_a_token_by_its_id(server, key):
    one, other = key.token(jti="t-1", iat=seconds_ago(9)), key.token(jti="t-2", iat=seconds_ago(9))
    clients = [server.connect("c", **bearer(one)) for _ in range(3)]
    witness = server.connect("c", **bearer(other))
    assert revoke(server, token="t-1") == {"connections": 3}
    assert [closed(client) for client in clients] == [4401] * 3
    assert status(server, one) == 401 and status(server, other) == 101
    assert server.publish("c", "x") == 1 and witness.recv(timeout=5) == "x"
    response = server.raw().ask(handshake("/ws", Authorization=f"Bearer {one}"))
    assert json.loads(response.body)["error"] == "the token was revoked"
    assert server.fresh_metrics().sum("pushd_connections_closed_total", reason="revoked") == 3


def test_all_tokens_of_a_user(server, key):
    old = key.token(sub="42", iat=seconds_ago(100))
    client, witness = server.connect("c", **bearer(old)), server.connect("c", **bearer(key.token(sub="43", iat=1)))
    timeless = server.connect("c", **bearer(key.token(sub="42")))
    second = int(time.time())
    assert revoke(server, user="42") == {"connections": 2}
    assert [closed(each) for each in (client, timeless)] == [4401] * 2
    assert status(server, old) == 401 and status(server, key.token(sub="42")) == 401
    assert status(server, key.token(sub="42", iat=second)) == 401  # of the very second
    assert status(server, key.token(sub="42", iat=int(time.time()) + 2)) == 101
    assert server.publish("c", "x") == 1 and witness.recv(timeout=5) == "x"


def test_tokens_of_a_user_by_their_time_of_issue(server, key):
    tokens = {age: key.token(iat=seconds_ago(age)) for age in (50, 20)}
    clients = {age: server.connect("c", **bearer(token)) for age, token in tokens.items()}
    assert revoke(server, user="42", issued_before=seconds_ago(30)) == {"connections": 1}
    assert closed(clients[50]) == 4401
    assert [status(server, tokens[age]) for age in (50, 20)] == [401, 101]
    assert server.publish("c", "x") == 1 and clients[20].recv(timeout=5) == "x"


@pytest.mark.parametrize("claims", [{"jti": "t-1"}, {}])
def test_the_token_of_a_connection(server, key, claims):
    token, other = key.token(**claims), key.token(nbf=1)
    client = server.connect("c", **bearer(token))
    [listed] = json.loads(server.get("/v1/connections").body)["connections"]
    witness = server.connect("c", **bearer(other))
    twins = [server.connect("c", **bearer(token)) for _ in range(3)]
    assert revoke(server, connection=listed["connection"])["connections"] == 1
    assert [closed(each) for each in [client, *twins]] == [4401] * 4
    assert status(server, token) == 401 and status(server, other) == 101
    assert server.publish("c", "x") == 1 and witness.recv(timeout=5) == "x"
    revoke(server, 404, connection=listed["connection"])


def test_a_user_without_a_token_is_disconnected(start):
    pushd = start()
    client = pushd.connect("c", user="ada")
    assert revoke(pushd, user="ada") == {"connections": 1}
    assert closed(client) == 4401


# Nodes on one Redis


def test_a_user_is_gone_from_all_nodes(nodes, key):
    waits, intruders = revoke_all(nodes, key, 20)
    assert intruders == 0 and waits[-1] < 200, described(waits, intruders)


@pytest.mark.alone
def test_users_are_gone_from_loaded_nodes(nodes, key, redis_server):
    with LoadedNodes(nodes, redis_server, idle=500) as loaded:
        waits, intruders = revoke_all(nodes, key, 50)
        loaded.load.check()
    assert intruders == 0 and waits[-1] < 200, described(waits, intruders)


def test_the_token_of_a_connection_of_another_node(nodes, key):
    token = key.token()
    clients = [node.connect("c", **bearer(token)) for node in nodes]
    [listed] = json.loads(nodes[2].get("/v1/connections").body)["connections"]
    assert revoke(nodes[0], connection=listed["connection"]) == {
        "connection": listed["connection"], "connections": 0, "other_nodes": "told",
    }  # fmt: skip
    assert [closed(client) for client in clients] == [4401] * 3
    assert [status(node, token) for node in nodes] == [401] * 3


def test_a_node_that_starts_later(start, nodes, key, redis_server):
    tokens = [key.token(jti="t-1"), key.token(sub="43", iat=seconds_ago(5)), key.token(jti="t-2", sub="44")]
    revoke(nodes[0], token="t-1")
    revoke(nodes[1], user="43")
    later = start(*key.options, "--redis", redis_server.url).wait_for_status("ok")
    wait_until(lambda: [status(later, token) for token in tokens] == [401, 401, 101], "the revocations of before")


def test_a_revocation_while_redis_is_away(nodes, key, stopped_redis):
    token = key.token(iat=seconds_ago(5))
    clients = [node.connect("c", **bearer(token)) for node in nodes]
    stopped_redis.kill()
    for node in nodes:
        node.wait_for_status("degraded")
    answer = revoke(nodes[0], user="42")
    assert answer["connections"] == 1 and answer["other_nodes"] == "queued" and "Redis" in answer["reason"]
    assert closed(clients[0]) == 4401 and status(nodes[0], token) == 401
    assert status(nodes[1], token) == 101
    stopped_redis.start()
    assert [closed(client) for client in clients[1:]] == [4401] * 2
    assert [status(node, token) for node in nodes] == [401] * 3


def test_a_revocation_while_a_node_is_cut_off(start, key, redis_server):
    """The node hears nothing of it, and finds it in Redis afterwards."""
    relay = Relay(("127.0.0.1", redis_server.port))
    near = start(*key.options, "--redis", redis_server.url).wait_for_status("ok")
    far = start(*key.options, "--redis", f"redis://127.0.0.1:{relay.port}").wait_for_status("ok")
    token, client = key.token(jti="t-1"), far.connect("c", **bearer(key.token(jti="t-1", iat=seconds_ago(5))))
    relay.cut()
    far.wait_for_status("degraded")
    assert revoke(near, token="t-1")["other_nodes"] == "told"
    assert status(far, token) == 101
    relay.restore()
    assert closed(client) == 4401
    assert status(far, token) == 401


def test_records_end_with_their_tokens(start, key, redis_server):
    pushd = start(*key.options, "--token-max-age", "2s", "--redis", redis_server.url).wait_for_status("ok")
    revoke(pushd, token="t-1")
    with redis_server.client() as redis:
        [[record, end]] = redis.zrange("pushd:records:push:", 0, -1, withscores=True)
        assert json.loads(record)["until"] == end <= time.time() + 2
        time.sleep(3)  # until the token would have ended
        start(*key.options, "--redis", redis_server.url).wait_for_status("ok")
        wait_until(lambda: redis.exists("pushd:records:push:") == 0, "the end of the record")
