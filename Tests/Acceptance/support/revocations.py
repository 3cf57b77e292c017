"""Users with a connection to each of several nodes, whose tokens are revoked while they connect again and again."""

import contextlib
import json
import random
import statistics
import time

from .raw import CLOSE, RawClient, handshake
from .steady_load import Load
from .storm import IdleCrowd


class RevokedUser:
    """A user with a token, connected to every node."""

    def __init__(self, nodes, key, name):
        self.nodes, self.name = nodes, name
        self.request = handshake("/ws?channel=a", Authorization=f"Bearer {key.token(sub=name, iat=int(time.time()))}")
        self.clients = []
        for node in nodes:
            client = RawClient(node.address)
            assert client.ask(self.request).status == 101
            self.clients.append(client)

    def revoke(self, attempts):
        """Revokes all tokens of the user through one node, while the user connects again.

        Returns the milliseconds until the last of the connections was closed.
        """
        racing = [RawClient(node.address) for node in self.nodes for _ in range(attempts)]
        for client in racing:
            client.send(self.request)
        began = time.monotonic()
        response = random.choice(self.nodes).request("POST", "/v1/revoke", json.dumps({"user": self.name}))
        assert response.status == 200 and json.loads(response.body)["other_nodes"] == "told", response
        for client in self.clients:
            expect_revoked(client)
        waited = 1000 * (time.monotonic() - began)
        for client in racing:
            if client.read_response().status == 101:
                expect_revoked(client)
        for client in self.clients + racing:
            client.close()
        return waited

    def slips_in(self):
        """How many of the nodes take the old token."""
        statuses = []
        for node in self.nodes:
            with contextlib.closing(RawClient(node.address)) as client:
                statuses.append(client.ask(self.request).status)
        assert set(statuses) <= {101, 401}, statuses
        return statuses.count(101)


def expect_revoked(client):
    """Reads messages up to the Close frame, which must say that the token was revoked."""
    while (frame := client.read_frame()).opcode != CLOSE:
        pass
    assert int.from_bytes(frame.payload[:2], "big") == 4401, frame


def revoke_all(nodes, key, count, attempts=2, at_once=100):
    """Revokes the tokens of `count` users one after the other; returns the waits in milliseconds, and who slips in."""
    waits, intruders = [], 0
    for start in range(0, count, at_once):
        users = [RevokedUser(nodes, key, f"user-{number}") for number in range(start, min(start + at_once, count))]
        waits += [user.revoke(attempts) for user in users]
        intruders += sum(user.slips_in() for user in users)
    return sorted(waits), intruders


def described(waits, intruders):
    percentile = statistics.quantiles(waits, n=100)
    return (
        f"{len(waits)} revocations: gone from all nodes after {statistics.median(waits):.1f} ms, p99 {percentile[98]:.1f} ms, "
        f"at most {waits[-1]:.1f} ms; {intruders} slipped back in"
    )


class LoadedNodes:
    """Nodes with many idle clients, and messages that come through Redis for some others all the time."""

    def __init__(self, nodes, redis_server, idle):
        self.nodes = nodes
        self.crowds = [IdleCrowd(node.address, count=idle).start() for node in nodes]
        self.redis = redis_server.client()
        self.load = Load(nodes, ["a", "b"], self.redis.publish, rate=300)

    def __enter__(self):
        self.load.__enter__()
        return self

    def __exit__(self, *failure):
        self.load.__exit__(*failure)
        self.redis.close()
        for crowd in self.crowds:
            crowd.stop()
