"""Histories with Redis: numbers, recovery and healing across nodes, and through restarts of both."""

import json
import subprocess

import pytest
from support import wait_until
from support.commands import answer, connect, say
from support.pushd import run_pushd
from support.redis_cluster import RedisCluster
from support.redis_server import RedisServer

RULE = ("--channel", "kept.*: history=100/60s")
CHANNEL = "kept.a"


@pytest.fixture
def kept_redis(tmp_path):
    """A Redis that has everything again after it was killed."""
    server = RedisServer(tmp_path, "--appendonly", "yes", "--appendfsync", "always").start()
    yield server
    server.kill()


@pytest.fixture
def nodes(start, kept_redis):
    return [start("--redis", kept_redis.url, *RULE).wait_for_status("ok") for _ in range(2)]


def subscribed(client, **options):
    say(client, action="subscribe", channel=CHANNEL, **options)
    return answer(client)


def place(reply):
    return {"epoch": reply["epoch"], "offset": reply["offset"]}


def data(client, count):
    """The data of the next messages, which must have successive offsets."""
    messages = [answer(client) for _ in range(count)]
    assert all("data" in message for message in messages), messages
    first = messages[0]["offset"]
    assert [message["offset"] for message in messages] == list(range(first, first + count))
    return [message["data"] for message in messages]


def publish(node, *numbers):
    for number in numbers:
        node.publish(CHANNEL, str(number))


def function(server, *words):
    """Publishes as any other program does."""
    command = ["redis-cli", "-p", str(server.port), "FCALL", "pushd_publish", "1", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def position(node, channel=CHANNEL):
    response = node.get(f"/position?channel={channel}")
    assert response.status == 200, response.body
    return json.loads(response.body)


def test_all_nodes_have_the_same_numbers(nodes):
    clients = [connect(node) for node in nodes]
    replies = [subscribed(client) for client in clients]
    assert place(replies[0]) == place(replies[1]) and replies[0]["offset"] == 0
    for number in range(10):
        publish(nodes[number % 2], number)
    for client in clients:
        assert data(client, 10) == list(range(10))
    assert place(position(nodes[0])) == place(position(nodes[1])) == {"epoch": replies[0]["epoch"], "offset": 10}


def test_a_client_recovers_at_another_node(nodes):
    first = connect(nodes[0])
    here = place(subscribed(first))
    publish(nodes[0], 1, 2)
    assert data(first, 2) == [1, 2]
    first.close()
    publish(nodes[1], 3, 4)
    second = connect(nodes[1])
    reply = subscribed(second, recover=here | {"offset": 2})
    assert reply["recovered"] is True and reply["offset"] == 4
    publish(nodes[0], 5)
    assert data(second, 3) == [3, 4, 5]


def test_any_redis_client_publishes_with_history(nodes, kept_redis):
    client = connect(nodes[0])
    epoch = subscribed(client)["epoch"]
    assert function(kept_redis, "push:kept.a", "1") == f"{epoch}:1"
    publish(nodes[1], 2)
    assert data(client, 2) == [1, 2]
    kept_redis.publish("push:kept.a", "plain")  # it has no number, and is not kept
    assert answer(client) == {"channel": CHANNEL, "data": "plain"}
    assert function(kept_redis, "push:news", "x") == ""
    late = connect(nodes[1])
    assert subscribed(late, history=10)["offset"] == 2
    assert data(late, 2) == [1, 2]


def test_histories_are_read_without_a_subscription(nodes):
    publish(nodes[0], *range(5))
    assert position(nodes[1])["offset"] == 5
    client = connect(nodes[1])
    say(client, action="history", channel=CHANNEL, limit=2)
    reply = answer(client)
    assert [message["data"] for message in reply["history"]] == [3, 4] and reply["offset"] == 5
    listing = json.loads(nodes[1].get("/v1/channels/kept.a/history?limit=3").body)
    assert [message["data"] for message in listing["history"]] == [2, 3, 4]
    cleared = json.loads(nodes[1].request("DELETE", "/v1/channels/kept.a/history").body)
    assert cleared["history"] == [] and cleared["offset"] == 5
    assert json.loads(nodes[0].get("/v1/channels/kept.a/history").body)["history"] == []
    publish(nodes[0], 5)
    wait_until(lambda: position(nodes[1])["offset"] == 6, "the message at the other node")


def test_histories_survive_the_nodes(start, nodes, kept_redis):
    publish(nodes[0], *range(5))
    here = place(position(nodes[0]))
    for node in nodes:
        node.stop()
    node = start("--redis", kept_redis.url, *RULE).wait_for_status("ok")
    publish(node, 5)
    client = connect(node)
    reply = subscribed(client, recover=here | {"offset": 3}, strict=True)
    assert reply["recovered"] is True and reply["epoch"] == here["epoch"]
    assert data(client, 3) == [3, 4, 5]


def test_what_comes_while_the_links_are_down_is_healed(nodes, kept_redis):
    clients = [connect(node) for node in nodes]
    for client in clients:
        subscribed(client)
    with kept_redis.client() as redis:
        for round in range(3):
            redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            for number in range(round * 10, round * 10 + 10):
                redis.execute_command("FCALL", "pushd_publish", 1, "push:kept.a", number)
            for client in clients:
                assert data(client, 10) == list(range(round * 10, round * 10 + 10))
    for node in nodes:
        metrics = node.fresh_metrics()
        assert metrics.sum("pushd_history_healed_messages_total") > 0
        assert metrics.sum("pushd_history_losses_total") == 0


def test_a_killed_redis_that_has_a_file_loses_nothing(nodes, kept_redis):
    clients = [connect(node) for node in nodes]
    here = [place(subscribed(client)) for client in clients][0]
    publish(nodes[0], 0, 1)
    kept_redis.kill()
    for node in nodes:
        node.wait_for_status("degraded")
    kept_redis.start()
    assert function(kept_redis, "push:kept.a", "2") == f"{here['epoch']}:3"  # perhaps before the nodes are back
    for client in clients:
        assert data(client, 3) == [0, 1, 2]
    late = connect(nodes[1])
    assert subscribed(late, recover=here)["recovered"] is True
    assert data(late, 3) == [0, 1, 2]


def test_a_redis_that_forgets_is_told(nodes, kept_redis):
    client = connect(nodes[0])
    here = place(subscribed(client))
    publish(nodes[0], 0, 1)
    assert data(client, 2) == [0, 1]
    with kept_redis.client() as redis:
        redis.flushall()
    publish(nodes[1], 2)
    gap = answer(client)
    assert gap | {"epoch": ""} == {"event": "gap", "channel": CHANNEL, "recovered": False, "epoch": "", "offset": 0}
    assert gap["epoch"] != here["epoch"]
    assert data(client, 1) == [2]
    late = connect(nodes[1])
    assert subscribed(late, recover=here | {"offset": 2})["recovered"] is False
    assert nodes[0].fresh_metrics().sum("pushd_history_losses_total") == 1


def test_a_storm_of_recoveries_does_not_reach_redis(nodes, kept_redis):
    publish(nodes[0], *range(20))
    here = place(position(nodes[0])) | {"offset": 0}
    with kept_redis.client() as redis:
        redis.config_resetstat()
        clients = [connect(nodes[1]) for _ in range(200)]
        for client in clients:
            say(client, action="subscribe", channel=CHANNEL, recover=here)
        for client in clients:
            assert answer(client)["recovered"] is True
            assert data(client, 20) == list(range(20))
        calls = {name: one["calls"] for name, one in redis.info("commandstats").items()}
    assert calls.get("cmdstat_evalsha", 0) <= 2 and calls.get("cmdstat_subscribe", 0) <= 2, calls


def test_while_redis_is_away_the_node_serves_what_it_has(nodes, kept_redis):
    client = connect(nodes[0])
    here = place(subscribed(client))
    publish(nodes[0], 0, 1, 2)
    assert data(client, 3) == [0, 1, 2]
    kept_redis.kill()
    nodes[0].wait_for_status("degraded")
    late = connect(nodes[0])
    assert subscribed(late, recover=here)["recovered"] is True
    assert data(late, 3) == [0, 1, 2]
    kept_redis.start()
    function(kept_redis, "push:kept.a", "3")
    assert data(late, 1) == [3] == data(client, 1)


def test_keys_go_through_redis(nodes):
    client = connect(nodes[1])
    subscribed(client)
    response = nodes[0].request("POST", "/publish?channel=kept.a&key=k", b"1")
    assert response.status == 200, response.body
    assert data(client, 1) == [1]


def test_a_cluster_has_each_history_in_its_slot(start, tmp_path):
    cluster = RedisCluster(tmp_path)
    try:
        cluster.start()
        nodes = [start("--redis", cluster.url, *RULE).wait_for_status("ok") for _ in range(2)]
        for channel in ("kept.a", "kept.{b}c", "kept.d}e", "kept.{}"):
            client = connect(nodes[0])
            say(client, action="subscribe", channel=channel)
            epoch = answer(client)["epoch"]
            for number in range(3):
                nodes[number % 2].publish(channel, str(number))
            assert data(client, 3) == [0, 1, 2]
            owner = cluster.owner(f"push:{channel}")
            assert owner.ask("FCALL", "pushd_publish", 1, f"push:{channel}", "3") == f"{epoch}:4".encode()
            assert data(client, 1) == [3]
            late = connect(nodes[1])
            say(late, action="subscribe", channel=channel, recover={"epoch": epoch, "offset": 1})
            assert answer(late)["recovered"] is True
            assert data(late, 3) == [1, 2, 3]
    finally:
        cluster.kill()


def test_a_refused_script_is_logged(start, redis_server):
    with redis_server.client() as redis:
        redis.execute_command("ACL", "SETUSER", "default", "-evalsha")
        node = start("--redis", redis_server.url, *RULE).wait_for_status("ok")
        client = connect(node)
        assert "epoch" in subscribed(client)  # the client has not to wait for ever
        wait_until(lambda: "histories cannot be read" in node.log(), "a line in the log")
        assert node.request("POST", "/publish?channel=kept.a", b"x").status == 503
        redis.execute_command("ACL", "SETUSER", "default", "+evalsha")
    wait_until(lambda: node.request("POST", "/publish?channel=kept.a", b"1").status == 200, "a publish")
    gap = answer(client)  # it may have missed something
    assert gap["event"] == "gap" and gap["recovered"] is False


def test_a_history_needs_a_server_with_its_slot():
    ended = run_pushd(*RULE, "--redis", "redis+cluster://127.0.0.1:1", "--redis-cluster-pubsub", "plain")
    assert ended.returncode == 64
    assert "history" in ended.stderr and "--redis-cluster-pubsub sharded" in ended.stderr
