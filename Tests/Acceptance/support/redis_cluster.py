"""A Redis Cluster of local processes: masters that share the slots, each with or without a replica."""

import contextlib

import redis
from redis.crc import key_slot

from . import free_port, wait_until
from .redis_server import RedisServer

SLOTS = 16384


class Node(RedisServer):
    def __init__(self, directory, *options, password=None):
        self.bus_port = free_port()
        options = ("--masterauth", password, *options) if password else options
        super().__init__(
            directory,
            *("--cluster-enabled", "yes", "--cluster-port", str(self.bus_port), "--cluster-node-timeout", "1000"),
            *("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"),
            *options,
            password=password,
        )
        self.id = None
        self.connection = None

    def start(self):
        super().start()
        self.id = self.ask("CLUSTER", "MYID").decode()
        return self

    def ask(self, *words):
        """Uses a persistent connection, so frequent calls are cheap; a frozen node does not block the test."""
        if self.connection is None:
            self.connection = self.client(socket_timeout=1)
        return self.connection.execute_command(*words)

    def cluster_is_ok(self):
        with contextlib.suppress(redis.RedisError):
            return b"cluster_state:ok" in self.ask("CLUSTER", "INFO")
        return False

    def replication(self):
        """The replication part of INFO; empty if the node does not answer."""
        with contextlib.suppress(redis.RedisError):
            return self.ask("INFO", "replication")
        return {}


class RedisCluster:
    """`masters` own the slots; `replicas` has each one's replica, or None."""

    def __init__(self, directory, *options, masters=3, has_replicas=False, password=None):
        self.directory = directory
        self.password = password
        self.masters = [self._node(f"master{number}", *options) for number in range(masters)]
        self.replicas = [None] * masters
        if has_replicas:
            self.replicas = [self._node(f"replica{number}", *options) for number in range(masters)]
        self.owners = [self.masters[slot * masters // SLOTS] for slot in range(SLOTS)]

    def _node(self, name, *options):
        directory = self.directory / name
        directory.mkdir()
        return Node(directory, *options, password=self.password)

    @property
    def nodes(self):
        return [node for node in self.masters + self.replicas if node]

    @property
    def url(self):
        user = f":{self.password}@" if self.password else ""
        return f"redis+cluster://{user}{','.join(f'127.0.0.1:{master.port}' for master in self.masters)}"

    def start(self):
        first = self.masters[0]
        for node in self.nodes:
            node.start()
        for number, master in enumerate(self.masters):
            slots = [slot for slot, owner in enumerate(self.owners) if owner is master]
            master.ask("CLUSTER", "ADDSLOTSRANGE", slots[0], slots[-1])
            master.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node in self.nodes[1:]:
            node.ask("CLUSTER", "MEET", "127.0.0.1", first.port, first.bus_port)
        for master, replica in zip(self.masters, self.replicas):
            if replica:
                wait_until(lambda: self._knows(replica, master), "a replica that knows its master")
                replica.ask("CLUSTER", "REPLICATE", master.id)
        self.wait_until_ok()
        return self

    def _knows(self, node, other):
        return other.id in str(node.ask("CLUSTER", "NODES"))

    def wait_until_ok(self):
        """Waits until all running nodes agree on all slots and all replicas follow their masters."""
        running = [node for node in self.nodes if node.is_running()]
        wait_until(lambda: all(self._agrees(node) for node in running), "a cluster that agrees", seconds=30)
        for replica in filter(None, self.replicas):
            if replica in running:
                wait_until(lambda: replica.replication().get("master_link_status") == "up", "its link")

    def _agrees(self, node):
        """Whether this node assigns every slot as `owners` does, and knows all nodes."""
        return (
            node.cluster_is_ok()
            and ports_of_slots(node) == [owner.port for owner in self.owners]
            and all(self._knows(node, other) for other in self.nodes)
        )

    # Publishing

    def slot(self, channel):
        return key_slot(channel.encode())

    def owner(self, channel):
        return self.owners[self.slot(channel)]

    def spublish(self, channel, payload):
        """Publishes to the channel's shard and returns how many clients got it there; follows MOVED."""
        node = self.owner(channel)
        try:
            return node.ask("SPUBLISH", channel, payload)
        except redis.exceptions.MovedError as moved:
            return self.node_at(moved.port).ask("SPUBLISH", channel, payload)

    def publish(self, channel, payload, node=None):
        """Uses ordinary PUBLISH, which reaches all nodes; returns how many of this node's clients got it."""
        return (node or self.masters[0]).ask("PUBLISH", channel, payload)

    def node_at(self, port):
        return next(node for node in self.nodes if node.port == port)

    def channels(self, master, count, prefix="push:"):
        """Names of pushd channels, each in a different slot of this master."""
        names = {}
        for number in range(100 * SLOTS):
            name = f"c{number:05}"
            slot = self.slot(f"{prefix}{name}")
            if self.owners[slot] is master:
                names.setdefault(slot, name)
                if len(names) == count:
                    return list(names.values())
        raise AssertionError("too many channels")

    # Changes

    def move_slot(self, slot, to):
        """Moves a slot without keys as redis-cli does."""
        source = self.owners[slot]
        if source is to:
            return
        to.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id)
        to.ask("CLUSTER", "SETSLOT", slot, "NODE", to.id)
        source.ask("CLUSTER", "SETSLOT", slot, "NODE", to.id)
        self.owners[slot] = to
        for other in self.masters:
            if other not in (source, to):
                other.ask("CLUSTER", "SETSLOT", slot, "NODE", to.id)

    def move_channel(self, channel, to):
        self.move_slot(self.slot(channel), to)

    def kill_master(self, number):
        self.masters[number].kill()

    def wait_for_promotion(self, number):
        """Waits until this master's replica is elected, then swaps the two."""
        old, new = self.masters[number], self.replicas[number]
        wait_until(lambda: new.replication().get("role") == "master", "a promoted replica", seconds=30)
        self.masters[number], self.replicas[number] = new, old
        self.owners = [new if owner is old else owner for owner in self.owners]

    def kill(self):
        for node in self.nodes:
            node.kill()


def ports_of_slots(node):
    """The port of each slot's master in this node's view; empty if it does not answer."""
    ports = [None] * SLOTS
    with contextlib.suppress(redis.RedisError):
        for first, last, master, *_ in node.ask("CLUSTER", "SLOTS"):
            ports[first : last + 1] = [master[1]] * (last + 1 - first)
    return ports
