"""Redis Cluster: sharded pub/sub by slot, failovers, moving slots, and ordinary pub/sub as an option."""

import collections
import json
import random
import time

import pytest
from support import wait_until
from support.redis_cluster import RedisCluster
from support.steady_load import Load
from test_redis_outage import cpu_share
from test_redis_random_joins import CHANNELS, Joiner

PLAIN = ("--redis-cluster-pubsub", "plain")


@pytest.fixture
def start_cluster(tmp_path):
    """Starts a RedisCluster with these options and stops it after the test."""
    clusters = []

    def start_cluster(**options):
        clusters.append(RedisCluster(tmp_path, **options))
        return clusters[-1].start()

    yield start_cluster
    for cluster in clusters:
        cluster.kill()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Three masters, for tests that kill none of them; slots that a test moves stay moved."""
    cluster = RedisCluster(tmp_path_factory.mktemp("cluster"))
    try:
        yield cluster.start()
    finally:
        cluster.kill()


@pytest.fixture
def replicated(start_cluster):
    """Three masters, each with a replica."""
    return start_cluster(has_replicas=True)


@pytest.fixture
def start_nodes(start):
    def start_nodes(cluster, *options, count=2):
        return [start("--redis", cluster.url, *options).wait_for_status("ok") for _ in range(count)]

    return start_nodes


def channels_of_all(cluster, count):
    """This many channels of each master."""
    return [channel for master in cluster.masters for channel in cluster.channels(master, count)]


def is_at(nodes, master, channels):
    """Whether the nodes have sharded subscriptions to exactly these channels at this master."""
    counts = master.ask("PUBSUB", "SHARDNUMSUB", *(f"push:{channel}" for channel in channels))
    return cluster_channels(master) == set(channels) and set(counts[1::2]) == {len(nodes)}


def cluster_channels(master):
    return {name.decode().removeprefix("push:") for name in master.ask("PUBSUB", "SHARDCHANNELS", "push:*")}


# Sharded


def test_each_channel_is_subscribed_at_the_master_of_its_slot(start_nodes, cluster):
    nodes = start_nodes(cluster)
    channels = {master: cluster.channels(master, 5) for master in cluster.masters}
    clients = [node.connect(*channels[master]) for node in nodes for master in cluster.masters]
    for master in cluster.masters:
        wait_until(lambda: is_at(nodes, master, channels[master]), "these subscriptions and no others")
        assert master.ask("PUBSUB", "CHANNELS", "push:*") == []
        for channel in channels[master]:
            assert cluster.spublish(f"push:{channel}", f"to {channel}") == 2
    for client, names in zip(clients, list(channels.values()) * 2):
        assert [client.recv(timeout=5) for _ in names] == [f"to {channel}" for channel in names]
        client.close()
    for master in cluster.masters:
        wait_until(lambda: not cluster_channels(master), "no subscriptions")


@pytest.mark.parametrize("channel", ["ü *?[a] \\x", "{tag}one", "{tag}two", "{}empty", "a{b}c{d}", "}{"])
def test_any_channel_name_goes_to_its_slot(start_nodes, cluster, channel):
    [node] = start_nodes(cluster, count=1)
    client = node.connect(channel)
    assert cluster.spublish(f"push:{channel}", "hello") == 1
    assert client.recv(timeout=5) == "hello"
    assert node.publish(channel, "by HTTP") == 1
    assert client.recv(timeout=5) == "by HTTP"


@pytest.mark.parametrize("payload", [b"\xff\x00", b"", b"x" * 1_000_000], ids=len)
def test_the_payload_arrives_verbatim(start_nodes, cluster, payload):
    [node] = start_nodes(cluster, count=1)
    client = node.raw().upgrade("/ws?channel=news")
    assert cluster.spublish("push:news", payload) == 1
    assert client.read_frame().payload == payload


def test_http_publish_reaches_the_other_node_through_every_shard(start_nodes, cluster):
    nodes = start_nodes(cluster)
    channels = channels_of_all(cluster, 3)
    here, there = (node.connect(*channels) for node in nodes)
    for channel in channels:
        for node in nodes:
            assert node.publish(channel, f"to {channel}") == 1
            assert [here.recv(timeout=5), there.recv(timeout=5)] == [f"to {channel}"] * 2


def test_client_publish_reaches_the_other_node(start_nodes, cluster):
    here, there = (node.connect("c") for node in start_nodes(cluster, "--allow-client-publish"))
    here.send('{"action":"publish","channel":"c","data":{"a":1}}')
    assert there.recv(timeout=5) == '{"a":1}'
    assert {here.recv(timeout=5), here.recv(timeout=5)} == {'{"status":"published","channel":"c"}', '{"a":1}'}


def test_a_message_right_after_the_reply_is_not_missed(start_nodes, cluster):
    [node] = start_nodes(cluster, "--max-channels", "1000", count=1)
    client = node.connect("first")
    for channel in channels_of_all(cluster, 50):
        client.send(json.dumps({"action": "subscribe", "channel": channel}))
        assert json.loads(client.recv(timeout=5)) == {"status": "subscribed", "channel": channel}
        assert cluster.spublish(f"push:{channel}", f"to {channel}") == 1
        assert client.recv(timeout=5) == f"to {channel}"


def test_joining_waits_for_nothing_but_redis(start_nodes, cluster):
    """Compared with ordinary pub/sub on the same servers, because the time depends on the machine."""

    def seconds(*options):
        [node] = start_nodes(cluster, *options, "--max-channels", "1000", count=1)
        client = node.connect("first")
        began = time.monotonic()
        for channel in channels_of_all(cluster, 20):
            client.send(json.dumps({"action": "subscribe", "channel": channel}))
            assert json.loads(client.recv(timeout=5)) == {"status": "subscribed", "channel": channel}
        return time.monotonic() - began

    assert seconds() < 10 * seconds(*PLAIN) + 1


@pytest.mark.alone
def test_everything_arrives_once_and_in_order(start_nodes, cluster):
    with Load(start_nodes(cluster), channels_of_all(cluster, 10), cluster.spublish, rate=2000) as load:
        load.reader.wait_for(10_000, seconds=30)
        load.finish()
        load.assert_everything_arrived(load.publisher.sent)


def test_one_node_of_the_url_is_enough(start, cluster):
    node = start("--redis", f"redis+cluster://127.0.0.1:1,127.0.0.1:{cluster.masters[2].port}").wait_for_status("ok")
    for channel in channels_of_all(cluster, 1):
        client = node.connect(channel)
        assert cluster.spublish(f"push:{channel}", "hello") == 1
        assert client.recv(timeout=5) == "hello"


def test_a_password(start_cluster, start_nodes):
    cluster = start_cluster(password="se-cr_t", has_replicas=True)
    with Load(start_nodes(cluster), channels_of_all(cluster, 3), cluster.spublish) as load:
        cluster.kill_master(1)
        cluster.wait_for_promotion(1)
        load.wait_for_delivery()
        load.check()


def test_the_cluster_may_start_after_pushd(tmp_path, start):
    cluster = RedisCluster(tmp_path)
    node = start("--redis", cluster.url)
    try:
        wait_until(lambda: node.health()["redis"].get("reason"), "a reason")
        assert node.health()["status"] == "degraded"
        assert cpu_share(node, 1) < 0.1
        cluster.start()
        node.wait_for_status("ok")
        client = node.connect("c")
        assert cluster.spublish("push:c", "hello") == 1
        assert client.recv(timeout=5) == "hello"
    finally:
        cluster.kill()


def test_redis_has_the_channels_with_subscribers(start_nodes, cluster):
    """After many random joins and leaves with moving slots in between."""
    [node] = start_nodes(cluster, "--workers", "2", "--max-channels", "1000", count=1)
    chance = random.Random(1)
    joiners = [Joiner(node, chance) for _ in range(10)]
    for to in cluster.masters:
        for _ in range(500):
            chance.choice(joiners).change()
        for channel in chance.sample(CHANNELS, 20):
            cluster.move_channel(f"push:{channel}", to)
        for joiner in joiners:
            joiner.read_replies()
        joined = set().union(*(joiner.channels for joiner in joiners))
        for master in cluster.masters:
            own = {channel for channel in joined if cluster.owner(f"push:{channel}") is master}
            wait_until(lambda: cluster_channels(master) == own, f"exactly these {len(own)} channels")


# Failover


def test_delivery_resumes_when_a_master_is_killed(start_nodes, replicated):
    nodes = start_nodes(replicated)
    own = replicated.channels(replicated.masters[0], 4)
    with Load(nodes, channels_of_all(replicated, 4), replicated.spublish) as load:
        replicated.kill_master(0)
        for node in nodes:
            node.wait_for_status("degraded")
        replicated.wait_for_promotion(0)
        load.wait_for_delivery()
        for node in nodes:
            node.wait_for_status("ok")
        load.check()
        load.assert_everything_arrived([message for message in load.publisher.sent if message.channel not in own])


def test_a_frozen_master_is_left_for_its_replica(start_nodes, replicated):
    """Its links stay open."""
    frozen = replicated.masters[0]
    with Load(start_nodes(replicated), channels_of_all(replicated, 4), replicated.spublish) as load:
        frozen.freeze()
        try:
            replicated.wait_for_promotion(0)
            load.wait_for_delivery()
        finally:
            frozen.thaw()
        replicated.wait_until_ok()
        load.check()


def test_a_master_that_hands_over_is_left_for_its_replica(start_nodes, replicated):
    """CLUSTER FAILOVER: no process ends; the old master becomes the replica and at first still delivers messages.

    Its last messages also reach the new master, over the cluster bus and tens of milliseconds later, when the nodes may
    already be subscribed there.
    """
    nodes = start_nodes(replicated)
    own = replicated.channels(replicated.masters[0], 4)
    with Load(nodes, channels_of_all(replicated, 4), replicated.spublish) as load:
        first = load.publisher.begun - 20
        replicated.replicas[0].ask("CLUSTER", "FAILOVER")
        replicated.wait_for_promotion(0)
        of_that_moment = range(first, load.publisher.begun)
        load.wait_for_delivery()
        wait_until(lambda: is_at(nodes, replicated.masters[0], own), "the subscriptions at the new master", seconds=2)
        load.check(may_repeat=of_that_moment)


def test_an_old_master_that_comes_back_disturbs_nobody(start_nodes, replicated):
    with Load(start_nodes(replicated), channels_of_all(replicated, 4), replicated.spublish) as load:
        replicated.kill_master(0)
        replicated.wait_for_promotion(0)
        load.wait_for_delivery()
        first = load.publisher.begun
        replicated.replicas[0].start()
        replicated.wait_until_ok()
        load.wait_for_delivery()
        load.finish()
        load.assert_everything_arrived([message for message in load.publisher.sent if message.number >= first])


def test_every_master_may_fail_in_turn(start_nodes, replicated):
    with Load(start_nodes(replicated), channels_of_all(replicated, 4), replicated.spublish) as load:
        for number in range(3):
            replicated.kill_master(number)
            replicated.wait_for_promotion(number)
            load.wait_for_delivery()
            replicated.replicas[number].start()
            replicated.wait_until_ok()
        load.check()


def test_only_clients_of_that_shard_are_told_of_the_gap(start_nodes, replicated):
    [node] = start_nodes(replicated, count=1)
    disturbed, quiet = (replicated.channels(master, 1)[0] for master in replicated.masters[:2])
    client = node.connect(disturbed, quiet, subprotocols=["pushd.v1"])
    replicated.kill_master(0)
    replicated.wait_for_promotion(0)
    event = json.loads(client.recv(timeout=10))
    assert (event["event"], event["channel"]) == ("gap", disturbed)
    assert event["seconds"] > 0
    node.wait_for_status("ok")
    replicated.spublish(f"push:{quiet}", '"next"')
    assert json.loads(client.recv(timeout=5)) == {"channel": quiet, "data": "next"}


def test_a_dead_shard_does_not_stop_the_others(start_nodes, start_cluster):
    cluster = start_cluster()
    nodes = start_nodes(cluster)
    dead = cluster.channels(cluster.masters[0], 1)
    *alive, other = cluster.channels(cluster.masters[1], 3) + cluster.channels(cluster.masters[2], 3)
    with Load(nodes, alive, cluster.spublish) as load:
        first = load.publisher.begun
        cluster.kill_master(0)
        for node in nodes:
            node.wait_for_status("degraded")
            assert cpu_share(node, 1) < 0.2  # part of this is the load
            assert node.request("POST", f"/publish?channel={dead[0]}", "hello").status == 503
            assert node.publish(other, "hello") == 0
        load.finish()
        load.assert_everything_arrived([message for message in load.publisher.sent if message.number >= first])
    cluster.masters[0].start()
    for node in nodes:
        node.wait_for_status("ok")


# Slots that move


def test_nothing_that_redis_accepted_is_lost_when_slots_move(start_nodes, cluster):
    nodes = start_nodes(cluster)
    first, second, third = cluster.masters
    moving = cluster.channels(first, 30)
    with Load(nodes, moving + cluster.channels(second, 3), cluster.spublish, rate=500) as load:
        for to in (second, third, first):
            for channel in moving:
                cluster.move_channel(f"push:{channel}", to)
            load.wait_for_delivery()
        load.finish()
        arrived = collections.Counter(arrival.number for one in load.reader.arrivals.values() for arrival in one)
        accepted = {message.number: message.receivers for message in load.publisher.sent if message.receivers}
        lost = [number for number, receivers in accepted.items() if arrived[number] < receivers]
        assert not lost, f"Redis had receivers for these: {lost[:10]}"
        load.assert_once_and_in_order()
        assert [node.health()["status"] for node in nodes] == ["ok", "ok"]


def test_http_publishes_follow_slots_that_move(start_nodes, cluster):
    nodes = start_nodes(cluster)
    here, there = (node.connect("c") for node in nodes)
    expected = []
    for round_number in range(3):
        for master in cluster.masters:
            cluster.move_channel("push:c", master)
            wait_until(lambda: is_at(nodes, master, ["c"]), "the subscriptions at the new owner")
            for node in nodes:
                expected.append(f"message {len(expected)} of round {round_number}")
                assert node.publish("c", expected[-1]) == 1
    assert [here.recv(timeout=5) for _ in expected] == expected
    assert [there.recv(timeout=5) for _ in expected] == expected


def test_owners_that_disagree_do_not_make_it_spin(start_nodes, start_cluster):
    """The old owner already redirects to the new one, which still redirects back."""
    cluster = start_cluster()
    [node] = start_nodes(cluster, count=1)
    old, new = cluster.masters[:2]
    [channel] = cluster.channels(old, 1)
    client = node.connect(channel)
    slot = cluster.slot(f"push:{channel}")
    old.ask("CLUSTER", "SETSLOT", slot, "NODE", new.id)
    assert cpu_share(node, 1) < 0.1
    for master in cluster.masters:
        master.ask("CLUSTER", "SETSLOT", slot, "NODE", new.id)
    cluster.owners[slot] = new
    wait_until(lambda: is_at([node], new, [channel]), "the subscription at the new owner")
    assert cluster.spublish(f"push:{channel}", "hello") == 1
    assert client.recv(timeout=5) == "hello"


# Ordinary pub/sub on a cluster


def test_plain_publishes_arrive_from_every_node_of_the_cluster(start_nodes, cluster):
    clients = [node.connect("c") for node in start_nodes(cluster, *PLAIN)]
    for number, master in enumerate(cluster.masters):
        cluster.publish("push:c", f"message {number}", master)
        assert [client.recv(timeout=5) for client in clients] == [f"message {number}"] * 2
    assert not any(cluster_channels(master) for master in cluster.masters)


def test_plain_http_publish_reaches_the_other_node(start_nodes, cluster):
    nodes = start_nodes(cluster, *PLAIN)
    clients = [node.connect("c") for node in nodes]
    for node in nodes:
        assert node.publish("c", "hello") == 1
        assert [client.recv(timeout=5) for client in clients] == ["hello"] * 2


def test_plain_delivery_resumes_when_the_master_it_uses_is_killed(start_nodes, replicated):
    nodes = start_nodes(replicated, *PLAIN, count=1)
    client = nodes[0].connect("c")
    for number in range(3):
        used = [master for master in replicated.masters if master.ask("PUBSUB", "NUMSUB", "push:c")[1]]
        assert len(used) <= 1, "subscribed twice"
        replicated.kill_master(number)
        replicated.wait_for_promotion(number)
        wait_until(lambda: nodes[0].health()["status"] == "ok", "ok", seconds=2)
        replicated.publish("push:c", f"message {number}")
        assert client.recv(timeout=5) == f"message {number}"
        replicated.replicas[number].start()
        replicated.wait_until_ok()


def test_plain_nodes_at_a_master_that_becomes_a_replica_hear_the_others(start_nodes, replicated):
    """A cluster forwards a message from any node, so nothing needs to change, and /health stays ok."""
    nodes = start_nodes(replicated, *PLAIN)
    clients = [node.connect("c") for node in nodes]
    old = replicated.masters[0]
    assert old.ask("PUBSUB", "NUMSUB", "push:c") == [b"push:c", 2]
    replicated.replicas[0].ask("CLUSTER", "FAILOVER")
    replicated.wait_for_promotion(0)
    replicated.wait_until_ok()
    assert old.replication()["role"] == "slave"
    replicated.publish("push:c", "at the new master", replicated.masters[0])
    assert [client.recv(timeout=5) for client in clients] == ["at the new master"] * 2
    late = start_nodes(replicated, *PLAIN, count=1)[0]  # the first master in its URL is the new one
    nodes, clients = [*nodes, late], [*clients, late.connect("c")]
    for node in nodes:
        node.publish("c", "from a node")
        assert [client.recv(timeout=5) for client in clients] == ["from a node"] * 3
    assert [(node.health()["status"], node.health()["redis"]["reconnects"]) for node in nodes] == [("ok", 0)] * 3
