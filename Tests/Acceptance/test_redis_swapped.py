"""Redis changes under the nodes: roles, name, permissions, closed links. The log names the cause, and the nodes
recover.

The long form is soak/redis_swaps.py.
"""

import re
import time

import pytest
from support import wait_until
from support.redis_swaps import CAUSES, REPLICA, Site, warnings


THERE_AND_BACK = ("replicaof", "failover")


@pytest.fixture
def site(tmp_path, start):
    site = Site(tmp_path, lambda kind, *options: start(*options, kind=kind))
    yield site
    site.stop()


@pytest.mark.parametrize("kind", CAUSES)
def test_the_cause_is_named_and_nodes_hear_each_other_again(site, kind):
    for _ in range(2 if kind in THERE_AND_BACK else 1):
        outcome = site.disturb(kind)
        assert not outcome.problems


def test_a_replica_is_listened_to_and_not_published_to(site):
    """This lasts until the name resolves to the master. Messages published at the master are not lost meanwhile."""
    site.swap()
    for node in site.nodes:
        node.wait_for_status("degraded")
        assert re.search(REPLICA, node.health()["redis"]["reason"])
    site.wait_for_link()
    site.master.publish("push:c", "by way of the replica")
    for client in site.clients:
        assert client.recv(timeout=5) == "by way of the replica"
    assert site.nodes[0].request("POST", "/publish?channel=c", "to the replica").status == 503
    for node in site.nodes:
        assert node.health()["status"] == "degraded"
    site.point_name_at(site.master)
    for node in site.nodes:
        node.wait_for_status("ok")
    assert site.nodes[0].publish("c", "to the master") == 1
    for client in site.clients:
        assert client.recv(timeout=5) == "to the master"


def test_a_replica_for_good_is_said_once_and_asked_again_and_again(tmp_path, start, site):
    node = start("--redis", site.replica.url)
    wait_until(lambda: re.search(REPLICA, node.log()), "the reason in the log")
    client = node.connect("d")
    cpu, began = node.cpu_seconds(), time.monotonic()
    wait_until(lambda: attempts(site.replica) > 10, "10 attempts to find a master there", seconds=30)
    assert (node.cpu_seconds() - cpu) / (time.monotonic() - began) < 0.1
    assert len(warnings(node.log())) == 1, node.log()
    site.master.publish("push:d", "by way of the replica")
    assert client.recv(timeout=5) == "by way of the replica"


def attempts(server):
    with server.client() as client:
        return client.info("commandstats").get("cmdstat_role", {}).get("calls", 0)


def test_the_next_attempt_is_told(start):
    node = start("--redis", "redis://127.0.0.1:1")
    line = wait_until(lambda: re.search(r"redis disconnected reason=.*", node.log()), "a line")[0]
    assert line.endswith("127.0.0.1:1: connection refused retry=within 500 ms")
