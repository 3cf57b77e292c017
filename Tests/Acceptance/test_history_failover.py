"""Histories through failovers of Sentinel: a loss of writes is told, and a failover without one is not noticed."""

import pytest
from support import wait_until
from support.commands import answer, connect, say
from support.sentinels import Sentinels
from test_history_redis import CHANNEL, RULE, data, place, publish, subscribed


@pytest.fixture
def sentinels(tmp_path):
    sentinels = Sentinels(tmp_path)
    yield sentinels.start()
    sentinels.kill()


@pytest.fixture
def nodes(start, sentinels):
    return [start("--redis", sentinels.url, *RULE).wait_for_status("ok") for _ in range(2)]


def fail_over(sentinels, nodes):
    sentinels.master.kill()
    for node in nodes:
        node.wait_for_status("degraded")
    if sentinels.replica.is_frozen:
        sentinels.replica.thaw()
    sentinels.wait_for_election()
    for node in nodes:
        node.wait_for_status("ok")


def wait_for_replica(sentinels):
    """Waits until the replica has all writes so far (WAIT would only look at those of its own connection)."""
    with sentinels.master.client() as master, sentinels.replica.client() as replica:
        written = master.info("replication")["master_repl_offset"]
        wait_until(lambda: replica.info("replication")["slave_repl_offset"] >= written, "the replica to have it all")


def test_a_failover_that_loses_nothing_is_not_noticed(nodes, sentinels):
    clients = [connect(node) for node in nodes]
    before = place(subscribed(clients[0]))
    subscribed(clients[1])
    publish(nodes[0], 1, 2, 3)
    for client in clients:
        assert data(client, 3) == [1, 2, 3]
    wait_for_replica(sentinels)
    fail_over(sentinels, nodes)
    publish(nodes[1], 4)
    for client in clients:
        assert data(client, 1) == [4], "the numbers go on, and no gap is told"
    for node in nodes:
        back = connect(node)
        reply = subscribed(back, recover=before)
        assert reply["recovered"] is True and place(reply) == {"epoch": before["epoch"], "offset": 4}
        assert data(back, 4) == [1, 2, 3, 4]
        assert node.fresh_metrics().sum("pushd_history_losses_total") == 0


def test_a_failover_that_loses_writes_is_told(nodes, sentinels):
    clients = [connect(node) for node in nodes]
    for client in clients:
        subscribed(client)
    publish(nodes[0], 1, 2)
    wait_for_replica(sentinels)
    with sentinels.master.client() as redis:
        # The replica gets nothing any more.
        sentinels.replica.freeze()
        redis.client_kill_filter(_type="slave")
    publish(nodes[0], 3, 4)
    for client in clients:
        assert data(client, 4) == [1, 2, 3, 4]
    lost = connect(nodes[0])
    last = place(subscribed(lost))
    assert last["offset"] == 4
    fail_over(sentinels, nodes)
    publish(nodes[1], 5)
    for client in clients:
        gap = answer(client)
        assert (gap["event"], gap["recovered"]) == ("gap", False) and gap["epoch"] != last["epoch"]
        texts = []
        while 5 not in texts:
            texts.append(answer(client)["data"])
    for node in nodes:
        back = connect(node)
        say(back, action="subscribe", channel=CHANNEL, recover=last)
        reply = answer(back)
        assert reply["recovered"] is False and reply["epoch"] == gap["epoch"]
