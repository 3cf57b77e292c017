"""Subscriptions to all channels that begin alike: who may have them, and that each message comes once."""

import json

import pytest
from support.commands import answer, connect, say
from support.raw import handshake
from support.redis_cluster import RedisCluster
from support.sse import EventClient
from support.tokens import Key

RULES = ("--channel", "orders.*: wildcard=allow history=10/60s")


@pytest.fixture
def nodes(start, redis_server, request):
    """Two nodes with Redis, or a single process twice."""
    if request.param == "redis":
        return [start("--redis", redis_server.url, *RULES).wait_for_status("ok") for _ in range(2)]
    return [start(*RULES)] * 2


@pytest.mark.parametrize("nodes", ["embedded", "redis"], indirect=True)
def test_each_message_comes_once_with_its_channel(nodes):
    client = connect(nodes[0], "channel=orders.1&channel=orders.*")
    other = connect(nodes[1], "channel=orders.*")
    events = EventClient(nodes[1].raw(), "/sse?channel=orders.*").opened()
    for number in range(20):
        if number % 4 == 1:
            say(client, action="unsubscribe", channel="orders.1")
            assert answer(client)["status"] == "unsubscribed"
        if number % 4 == 3:
            say(client, action="subscribe", channel="orders.1")
            assert answer(client)["status"] == "subscribed"
        for channel in ("orders.1", "other", f"orders.{number + 2}"):
            nodes[number % 2].publish(channel, str(number))
        for get in (lambda: answer(client), lambda: answer(other), events.read_json):
            messages = [get() for _ in range(2)]
            assert [(message["channel"], message["data"]) for message in messages] == [
                ("orders.1", number), (f"orders.{number + 2}", number)]
            assert [message["offset"] for message in messages] == [number + 1, 1]
    say(other, action="unsubscribe", channel="orders.*")
    assert answer(other)["status"] == "unsubscribed"
    nodes[0].publish("orders.1", "21")
    say(other, action="ping")
    assert answer(other) == {"action": "pong"}
    assert answer(client)["data"] == 21


def test_a_wildcard_needs_rules_and_grants_for_all_its_channels(start, tmp_path):
    key = Key(tmp_path, "HS256")
    pushd = start(
        *key.options, "--channel", "a.secret: subscribe=nobody wildcard=allow", "--channel", "a.*: wildcard=allow",
        "--channel", "b.*: subscribe=token wildcard=allow")
    client = connect(pushd)
    for channel, code in [
            ("a.*", "not_allowed"), ("a.b.*", None), ("a*", "not_allowed"), ("c*", "no_wildcard"),
            ("b.*", "token_required")]:
        say(client, action="subscribe", channel=channel)
        assert answer(client).get("code") == code, channel
    say(client, action="subscribe", channel="a.b.*", recover={"epoch": "", "offset": 0}, strict=True)
    assert answer(client)["status"] == "subscribed"  # it is a member
    for grant, status in [("b.*", 101), ("b.1", 403), ("b.1*", 403), ("*", 101)]:
        token = key.by_pyjwt(pushd={"subscribe": [grant]})
        assert pushd.raw().ask(handshake(f"/ws?channel=b.*&token={token}")).status == status, grant
    refusal = pushd.raw().ask(handshake("/ws?channel=c.*"))
    assert refusal.status == 403 and "wildcard=allow" in json.loads(refusal.body)["error"]


def test_a_sharded_cluster_has_none(start, tmp_path):
    cluster = RedisCluster(tmp_path)
    try:
        cluster.start()
        sharded = start("--redis", cluster.url, *RULES).wait_for_status("ok")
        client = connect(sharded)
        say(client, action="subscribe", channel="orders.*")
        refusal = answer(client)
        assert refusal["code"] == "no_wildcard" and "sharded" in refusal["error"]
        options = ("--redis-cluster-pubsub", "plain", "--channel", "*: wildcard=allow")
        plain = start("--redis", cluster.url, *options).wait_for_status("ok")
        client = connect(plain, "channel=orders.*")
        plain.publish("orders.7", "7")
        assert answer(client)["data"] == 7
    finally:
        cluster.kill()
