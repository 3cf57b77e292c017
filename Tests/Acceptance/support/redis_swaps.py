"""What operators and hosting services do to a Redis that two nodes of pushd use.

There are two servers, one the replica of the other, and a name that resolves to one of them.
"""

import contextlib
import re
import signal
import time
from dataclasses import dataclass, field
from datetime import datetime

import redis

from . import free_port, namespace, pushd, wait_until
from .redis_server import RedisServer

NAME = "redis.test"
USER, PASSWORD = "node", "secret"
RULES = ("on", f">{PASSWORD}", "resetchannels", "&push:*", "&global_channel", "&pushd:probe:*", "&pushd:nodes:*", "-@all")
RULES += ("+subscribe", "+unsubscribe", "+psubscribe", "+publish", "+ping", "+role")
CLOSED = r"Redis closed the connection|connection reset by peer"
GONE = CLOSED + "|connection refused"
OVERRUN = "this node did not keep up: Redis cut the link at its output buffer limit"


@dataclass
class Outcome:
    """The effect of one disturbance on each node."""

    kind: str
    told: list = field(default_factory=list)  # seconds until the log named the cause
    back: list = field(default_factory=list)  # seconds from its end until the node was ok again
    problems: list = field(default_factory=list)


class Site:
    """`master` and `replica` are the servers in these roles."""

    def __init__(self, directory, start):
        """`start(kind, *options)` starts a pushd of this class, with its own hosts file."""
        self.hosts = directory / "hosts"
        port = free_port()
        self.port = port
        self.master, self.replica = (self._server(directory, f"127.0.0.{number}") for number in (1, 2))
        for server in (self.master, self.replica):
            server.start()
            self._allow(server)
        self.point_name_at(self.master)
        self._ask(self.replica, "REPLICAOF", self.master.address, port)
        self.wait_for_link()
        url = f"redis://{USER}:{PASSWORD}@{NAME}:{port}"
        command = namespace.command({"/etc/hosts": self.hosts}, pushd.BINARY)
        kind = type("PushdWithHosts", (pushd.Pushd,), {"command": command})
        self.nodes = [start(kind, "--redis", url).wait_for_status("ok") for _ in range(2)]
        self.clients = [node.connect("c") for node in self.nodes]

    def _server(self, directory, address):
        directory = directory / address
        directory.mkdir()
        options = ("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1")
        options += ("--replica-announce-ip", address)
        return RedisServer(directory, *options, address=address, port=self.port)

    @staticmethod
    def _ask(server, *words):
        with server.client() as client:
            return client.execute_command(*words)

    def _allow(self, server):
        self._ask(server, "ACL", "SETUSER", USER, *RULES)

    def wait_for_link(self):
        def is_up():
            with contextlib.suppress(redis.RedisError), self.replica.client() as replica, self.master.client() as master:
                is_linked = replica.info("replication").get("master_link_status") == "up"
                # The master notices it later, and does not fail over to a replica before.
                return is_linked and master.info("replication").get("slave0", {}).get("state") == "online"
            return False

        wait_until(is_up, "the replica's link to its master", seconds=30)

    def point_name_at(self, server):
        """Writes the file in place, because it is mounted."""
        self.hosts.write_text(f"127.0.0.1 localhost\n{server.address} {NAME}\n")

    def swap(self):
        """Swaps the roles by hand, as a hosting service does: no connection is closed."""
        self._ask(self.replica, "REPLICAOF", "NO", "ONE")
        self._ask(self.master, "REPLICAOF", self.replica.address, self.port)
        self.master, self.replica = self.replica, self.master

    def fail_over(self):
        self._ask(self.master, "FAILOVER", "TO", self.replica.address, self.port)
        self.master, self.replica = self.replica, self.master
        wait_until(lambda: self._role(self.master) == "master", "the failover")

    def _role(self, server):
        with server.client() as client:
            return client.info("replication")["role"]

    # Disturbances: each returns a function that ends it.

    def replicaof(self):
        self.swap()
        return lambda: self.point_name_at(self.master)

    def replicaof_and_back(self):
        self.swap()
        return self.swap

    def name_first(self):
        self.point_name_at(self.replica)
        self.swap()
        return lambda: None

    def failover(self):
        self.fail_over()
        return lambda: self.point_name_at(self.master)

    def kill_subscribers(self):
        self._ask(self.master, "CLIENT", "KILL", "TYPE", "pubsub")
        return lambda: None

    def kill_publishers(self):
        self._ask(self.master, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        return lambda: None

    def kill_by_id(self):
        with self.master.client() as client:
            for each in client.client_list(_type="pubsub"):
                client.execute_command("CLIENT", "KILL", "ID", each["id"])
        return lambda: None

    def delete_user(self):
        self._ask(self.master, "ACL", "DELUSER", USER)
        return lambda: self._allow(self.master)

    def take_channels(self):
        self._ask(self.master, "ACL", "SETUSER", USER, "resetchannels")
        return lambda: self._allow(self.master)

    def take_publish(self):
        self._ask(self.master, "ACL", "SETUSER", USER, "-publish")
        return lambda: self._allow(self.master)

    def change_password(self):
        """Connections survive a new password, so they are closed here."""
        self._ask(self.master, "ACL", "SETUSER", USER, "resetpass", ">other")
        self._ask(self.master, "CLIENT", "KILL", "USER", USER)
        return lambda: self._allow(self.master)

    def too_many_clients(self):
        client = self.master.client()
        client.config_set("maxclients", 1)
        client.execute_command("CLIENT", "KILL", "USER", USER)

        def end():
            client.config_set("maxclients", 10000)
            client.close()

        return end

    def idle_timeout(self):
        self._ask(self.master, "CONFIG", "SET", "timeout", 1)
        return lambda: self._ask(self.master, "CONFIG", "SET", "timeout", 0)

    def restart(self):
        self.master.kill()

        def end():
            self.master.start()
            self._allow(self.master)

        return end

    def overrun(self):
        """The nodes are stopped while more messages arrive than Redis' output buffer holds."""
        clients = [node.connect("flood") for node in self.nodes]
        self._ask(self.master, "CONFIG", "SET", "client-output-buffer-limit", "pubsub 65536 0 0")
        with self._stopped_nodes(), self.master.client() as client:
            wait_until(lambda: client.publish("push:flood", b"x" * 20_000) == 0, "the cut", seconds=30, pause=0)

        def end():
            self._ask(self.master, "CONFIG", "SET", "client-output-buffer-limit", "pubsub 33554432 0 0")
            for client in clients:
                client.close()

        return end

    @contextlib.contextmanager
    def _stopped_nodes(self):
        for node in self.nodes:
            node.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for node in self.nodes:
                node.signal(signal.SIGCONT)

    # Observing

    def disturb(self, kind):
        """Causes one disturbance and waits until everything works again."""
        outcome = Outcome(kind)
        pattern, is_overrun = re.compile(CAUSES[kind]), kind == "overrun"
        logs = [len(node.log()) for node in self.nodes]
        before = [node.fresh_metrics().sum("pushd_redis_overruns_total") for node in self.nodes]
        began = time.time()
        end = getattr(self, kind)()
        if is_overrun:  # the node was stopped until now
            began = time.time()
        for node, length in zip(self.nodes, logs):
            line = wait_until(lambda: told(node.log()[length:], pattern), f"{kind}: a line that names it", seconds=20)
            outcome.told.append(logged_at(line) - began)
        end()
        ended = time.time()
        for node in self.nodes:
            wait_until(lambda: node.health()["status"] == "ok", f"{kind}: ok", seconds=20)
            outcome.back.append(time.time() - ended)
        self._assert_delivery(outcome)
        for node, length, count in zip(self.nodes, logs, before):
            more = node.fresh_metrics().sum("pushd_redis_overruns_total") - count
            if more != is_overrun:
                outcome.problems.append(f"{more:g} overruns were counted")
            wrong = [line for line in warnings(node.log()[length:]) if OVERRUN in line and not is_overrun]
            outcome.problems += [f"misnamed: {line}" for line in wrong]
        self.wait_for_link()
        return outcome

    def _assert_delivery(self, outcome):
        """Messages from either node and from the master reach both nodes."""
        for number, node in enumerate(self.nodes):
            node.publish("c", f"from node {number}")
        self.master.publish("push:c", "from the master")
        for number, client in enumerate(self.clients):
            expected = {"from node 0", "from node 1", "from the master"}
            try:
                while expected:
                    expected.discard(client.recv(timeout=5))
            except TimeoutError:
                outcome.problems.append(f"node {number} did not hear {sorted(expected)}")

    def stop(self):
        for server in (self.master, self.replica):
            server.kill()


REPLICA = r"this is a replica of 127\.0\.0\.[12]:\d+; messages must be published at its master"
# The log line that each disturbance must cause.
CAUSES = {
    "replicaof": REPLICA,
    "replicaof_and_back": REPLICA,
    "name_first": REPLICA,
    "failover": REPLICA,
    "kill_subscribers": CLOSED,
    "kill_publishers": CLOSED,
    "kill_by_id": CLOSED,
    "delete_user": "AUTH was refused: WRONGPASS",
    "take_channels": "the probe was refused: NOPERM",
    "take_publish": "the probe was refused: NOPERM",
    "change_password": "AUTH was refused: WRONGPASS",
    "too_many_clients": "max number of clients reached",
    "idle_timeout": CLOSED,
    "restart": GONE,
    "overrun": OVERRUN,
}


def warnings(log):
    return [line for line in log.splitlines() if " warning redis " in line]


def told(log, pattern):
    return next((line for line in warnings(log) if pattern.search(line)), None)


def logged_at(line):
    return datetime.fromisoformat(line.split()[0].replace("Z", "+00:00")).timestamp()
