"""A master, its replica and three Sentinels that watch them, all of them processes of the test."""

import contextlib
import itertools
import subprocess

import redis

from . import wait_until
from .redis_server import RedisServer

NAME = "mymaster"
QUORUM = 2
# Milliseconds instead of up to ten seconds. If pings are as rare as DOWN_AFTER, a new master seems down at once; if
# they are more than five times as frequent as INFO, each replica counts as unfit.
HASTE = ("ping-period", "400", "info-period", "500", "publish-period", "500", "ask-period", "500")
# The last one votes but does not stand for election: a tie between three candidates would mean waiting for the next
# election.
DOWN_AFTER = (1000, 1000, 2500)
# Replication that starts at once and notices a broken link soon.
REPLICATION = ("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1")


class Sentinel(RedisServer):
    """A Sentinel: a redis-server that stores its state in its configuration file."""

    def __init__(self, directory, master_port, down_after, password=None):
        super().__init__(directory)
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"sentinel monitor {NAME} 127.0.0.1 {master_port} {QUORUM}",
            f"sentinel down-after-milliseconds {NAME} {down_after}",
            f"sentinel failover-timeout {NAME} 3000",
        ]
        if password:
            lines.append(f"sentinel auth-pass {NAME} {password}")
        (directory / "sentinel.conf").write_text("\n".join(lines) + "\n")

    def start(self):
        assert not self.is_running(), "it runs already"
        with (self.directory / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", "sentinel.conf", "--sentinel"], cwd=self.directory, stdout=log, stderr=log
            )
        wait_until(self._is_up, "an answer from Sentinel")
        self.ask("DEBUG", *HASTE)
        return self

    def ask(self, *words):
        with self.client() as client:
            return client.execute_command("SENTINEL", *words)

    def master_port(self):
        """The port of the master in its view; None if it does not answer."""
        with contextlib.suppress(redis.RedisError):
            return int(self.ask("GET-MASTER-ADDR-BY-NAME", NAME)[1])
        return None

    def knows_all(self, master_port):
        """Whether it could lead a failover of this master: it knows the others and an up-to-date replica."""
        master = fields(self.ask("MASTER", NAME))
        replicas = [fields(replica) for replica in self.ask("REPLICAS", NAME)]
        return (
            master["port"] == str(master_port)
            and master["flags"] == "master"
            and master["num-other-sentinels"] == "2"
            and len(replicas) == 1
            and replicas[0]["flags"] == "slave"
            and replicas[0]["master-link-status"] == "ok"
        )


def fields(answer):
    words = [word.decode() for word in answer]
    return dict(zip(words[::2], words[1::2]))


class Sentinels:
    """`master` and `replica` are the servers in these roles; a failover swaps them."""

    def __init__(self, directory, password=None):
        self.directory = directory
        self.password = password
        self.numbers = itertools.count(1)
        options = (*REPLICATION, "--masterauth", password) if password else REPLICATION
        self.master = RedisServer(self._new_directory("server"), *options, password=password)
        replica_of = ("--replicaof", f"127.0.0.1 {self.master.port}")
        self.replica = RedisServer(self._new_directory("server"), *options, *replica_of, password=password)
        self.all = [
            Sentinel(self._new_directory("sentinel"), self.master.port, milliseconds, password)
            for milliseconds in DOWN_AFTER
        ]

    def _new_directory(self, kind):
        directory = self.directory / f"{kind}{next(self.numbers)}"
        directory.mkdir()
        return directory

    @property
    def url(self):
        user = f":{self.password}@" if self.password else ""
        return f"redis+sentinel://{user}{','.join(f'127.0.0.1:{one.port}' for one in self.all)}/{NAME}"

    def start(self):
        self.start_servers()
        self.start_sentinels()
        return self

    def start_servers(self):
        self.master.start()
        self.replica.start()
        wait_until(lambda: self._info(self.replica).get("master_link_status") == "up", "the replica's link to its master")

    def start_sentinels(self):
        for sentinel in self.all:
            sentinel.start()
        self.wait_until_ready()

    def wait_until_ready(self):
        """Waits until each running Sentinel could lead a failover."""
        running = [sentinel for sentinel in self.all if sentinel.is_running()]
        wait_until(
            lambda: all(sentinel.knows_all(self.master.port) for sentinel in running),
            "Sentinels that know each other, the master and the replica",
            seconds=30,
        )

    def _info(self, server):
        """Its INFO; empty while it does not answer (a server that becomes a replica disconnects its clients)."""
        with contextlib.suppress(redis.ConnectionError), server.client() as client:
            return client.info("replication")
        return {}

    def wait_for_election(self):
        """Waits until a Sentinel names the replica as the master, then swaps `master` and `replica`."""
        expected = self.replica.port
        asked = [sentinel for sentinel in self.all if not sentinel.is_frozen]
        wait_until(lambda: any(one.master_port() == expected for one in asked), "a new master", seconds=30)
        self.master, self.replica = self.replica, self.master
        assert self._info(self.master)["role"] == "master"

    def wait_for_demotion(self):
        """Waits until the restarted old master follows the new one and the Sentinels know it."""
        wait_until(lambda: self._info(self.replica).get("role") == "slave", "the old master's new role", seconds=30)
        wait_until(lambda: self._info(self.replica)["master_link_status"] == "up", "its link", seconds=30)
        self.wait_until_ready()

    def publish(self, channel, payload):
        """Publishes on the master and returns how many Redis clients got it."""
        return self.master.publish(channel, payload)

    def kill(self):
        for server in (self.master, self.replica, *self.all):
            server.kill()
