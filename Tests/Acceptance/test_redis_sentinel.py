"""Redis with Sentinels: pushd finds the master, follows failovers, and does not depend on one Sentinel."""

import contextlib
import json

import pytest
from support import wait_until
from support.sentinels import NAME, Sentinels
from support.steady_load import Load
from test_redis_outage import cpu_share

CHANNELS = [f"c{number}" for number in range(10)]


@pytest.fixture
def stopped_sentinels(tmp_path):
    """Sentinels and their servers, not running; the test starts them."""
    sentinels = Sentinels(tmp_path)
    yield sentinels
    sentinels.kill()


@pytest.fixture
def sentinels(stopped_sentinels):
    return stopped_sentinels.start()


@pytest.fixture
def nodes(start, sentinels):
    return [start("--redis", sentinels.url).wait_for_status("ok") for _ in range(2)]


def assert_delivery(nodes, sentinels, text="hello"):
    """A message through the master, and one over HTTP at the first node, reach all nodes."""
    clients = [node.connect("c") for node in nodes]
    wait_until(lambda: sentinels.publish("push:c", text) == len(nodes), "the nodes' subscriptions in the master")
    for client in clients:
        while client.recv(timeout=5) != text:
            pass  # published before the other node was subscribed
    assert nodes[0].publish("c", f"{text} by HTTP") >= 1
    for client in clients:
        assert client.recv(timeout=5) == f"{text} by HTTP"
        client.close()


@contextlib.contextmanager
def load_on(nodes, sentinels):
    """Publishes to the current master, with a timeout of half a second in case it is frozen."""
    connections = {}

    def publish(channel, payload):
        master = sentinels.master
        if master not in connections:
            connections[master] = master.client(socket_timeout=0.5)
        return connections[master].publish(channel, payload)

    with Load(nodes, CHANNELS, publish) as load:
        yield load
    for connection in connections.values():
        connection.close()


def test_it_finds_the_master(nodes, sentinels):
    assert_delivery(nodes, sentinels)
    assert sentinels.replica.publish("push:c", "on the replica") == 0
    redis = nodes[0].health()["redis"]
    assert (redis["state"], redis["reconnects"]) == ("connected", 0)


def test_http_publish_on_either_node_reaches_the_other(nodes):
    here, there = (node.connect("c") for node in nodes)
    for node, text in zip(nodes, ("from here", "from there")):
        assert node.publish("c", text) == 1
        assert [here.recv(timeout=5), there.recv(timeout=5)] == [text, text]


def test_delivery_resumes_when_the_master_is_killed(nodes, sentinels):
    with load_on(nodes, sentinels) as load:
        sentinels.master.kill()
        for node in nodes:
            node.wait_for_status("degraded")
        sentinels.wait_for_election()
        load.wait_for_delivery()
        for node in nodes:
            node.wait_for_status("ok")
        load.check()
    assert_delivery(nodes, sentinels)


def test_a_frozen_master_is_left_for_the_new_one(nodes, sentinels):
    """Its links stay open: only Sentinel's announcement and the silence show the failover."""
    with load_on(nodes, sentinels) as load:
        frozen = sentinels.master
        frozen.freeze()
        try:
            sentinels.wait_for_election()
            load.wait_for_delivery()
        finally:
            frozen.thaw()
        load.check()


def test_a_master_that_gives_up_its_role_is_left_for_the_new_one(nodes, sentinels):
    """It keeps running, and accepts messages as a master for seconds before its links are closed."""
    with load_on(nodes, sentinels) as load:
        sentinels.all[0].ask("FAILOVER", NAME)
        sentinels.wait_for_election()
        load.wait_for_delivery()
        load.check()


def test_an_old_master_that_comes_back_is_not_believed(nodes, sentinels):
    """It considers itself the master until a Sentinel reconfigures it."""
    with load_on(nodes, sentinels) as load:
        sentinels.master.kill()
        sentinels.wait_for_election()
        load.wait_for_delivery()
        sentinels.replica.start()
        assert sentinels.replica.publish("push:c0", "to nobody") == 0
        sentinels.wait_for_demotion()
        assert sentinels.replica.publish("push:c0", "to nobody") == 0
        load.check()


def test_it_follows_there_and_back(nodes, sentinels):
    with load_on(nodes, sentinels) as load:
        for _ in range(2):
            sentinels.master.kill()
            sentinels.wait_for_election()
            load.wait_for_delivery()
            sentinels.replica.start()
            sentinels.wait_for_demotion()
        load.check()


def test_clients_are_told_of_the_gap(nodes, sentinels):
    client = nodes[0].connect("c", subprotocols=["pushd.v1"])
    sentinels.master.kill()
    sentinels.wait_for_election()
    event = json.loads(client.recv(timeout=10))
    assert (event["event"], event["channel"]) == ("gap", "c")
    assert event["seconds"] > 0


# Sentinels that are not there


def test_the_first_sentinel_may_be_away(start, sentinels):
    sentinels.all[0].kill()
    nodes = [start("--redis", sentinels.url).wait_for_status("ok")]
    assert_delivery(nodes, sentinels)


@pytest.mark.parametrize("number", range(3))
def test_it_follows_after_the_loss_of_a_sentinel(nodes, sentinels, number):
    sentinels.all[number].kill()
    with load_on(nodes, sentinels) as load:
        sentinels.master.kill()
        sentinels.wait_for_election()
        load.wait_for_delivery()
        load.check()


def test_a_frozen_sentinel_does_not_hold_it_up(nodes, sentinels):
    frozen = sentinels.all[0]
    frozen.freeze()
    try:
        with load_on(nodes, sentinels) as load:
            sentinels.master.kill()
            sentinels.wait_for_election()
            load.wait_for_delivery()
    finally:
        frozen.thaw()


def test_the_link_outlives_all_sentinels(nodes, sentinels):
    with load_on(nodes, sentinels) as load:
        for sentinel in sentinels.all:
            sentinel.kill()
        load.check()
        assert [node.health()["status"] for node in nodes] == ["ok", "ok"]
        assert [cpu_share(node, 1) < 0.1 for node in nodes] == [True, True]
        assert [node.health()["redis"]["reconnects"] for node in nodes] == [0, 0]


def test_sentinels_may_start_after_pushd(start, stopped_sentinels):
    node = start("--redis", stopped_sentinels.url)
    wait_until(lambda: node.health()["redis"].get("reason"), "a reason")
    assert node.health()["status"] == "degraded"
    assert cpu_share(node, 1) < 0.1
    stopped_sentinels.start()
    assert_delivery([node.wait_for_status("ok")], stopped_sentinels)


def test_it_does_not_spin_until_there_is_a_new_master(nodes, sentinels):
    for sentinel in sentinels.all[1:]:
        sentinel.kill()  # the last Sentinel has no majority
    sentinels.master.kill()
    for node in nodes:
        node.wait_for_status("degraded")
        assert cpu_share(node, 1) < 0.1
        assert node.health()["redis"]["reason"]


def test_an_unknown_master_is_named(start, sentinels):
    node = start("--redis", sentinels.url.replace(NAME, "nosuchmaster"))
    wait_until(lambda: "nosuchmaster" in (node.health()["redis"].get("reason") or ""), "a reason that names it")
    assert node.health()["status"] == "degraded"
    assert any("redis" in line.lower() and "nosuchmaster" in line for line in node.log().splitlines())


def test_a_password_of_the_servers(tmp_path, start):
    sentinels = Sentinels(tmp_path, password="se-cr_t")
    try:
        sentinels.start()
        nodes = [start("--redis", sentinels.url).wait_for_status("ok") for _ in range(2)]
        with load_on(nodes, sentinels) as load:
            sentinels.master.kill()
            sentinels.wait_for_election()
            load.wait_for_delivery()
            load.check()
    finally:
        sentinels.kill()
