"""Nodes behind HAProxy that are replaced one by one, and clients and a publisher that record every failure."""

import asyncio
import collections
import http.client
import random
import time

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from . import free_port, wait_until
from .background import Background
from .proxies import NAME, HAProxy
from .pushd import Pushd, ask
from .tls import trusting

EVERY = 50  # one of this many clients joins the busy channel


class Cluster:
    """Nodes on one Redis, and HAProxy in front of them."""

    def __init__(self, directory, authority, redis_url, *options, changes=()):
        self.directory = directory
        self.options = ["--redis", redis_url, "--publish-key", "key", "--trusted-proxy", "127.0.0.1", *options]
        self.options += ["--allow-origin", f"https://{NAME}"]
        self.ports = [free_port() for _ in range(3)]
        self.starts = 0
        self.nodes = [self._start(port) for port in self.ports]
        proxy_directory = directory / "haproxy"
        proxy_directory.mkdir()
        self.proxy = HAProxy(proxy_directory, authority, *self.ports, changes=changes)

    def _start(self, port):
        self.starts += 1
        directory = self.directory / f"start{self.starts}"
        directory.mkdir()
        node = Pushd(directory, "--listen", f"127.0.0.1:{port}", *self.options)
        return node.wait_for_status("ok")

    def roll(self):
        """Replaces each node as an operator does: stop it, wait for its end, start a new one, wait for it."""
        for index, port in enumerate(self.ports):
            old = self.nodes[index]
            old.signal()
            assert old.wait(60) == 0, old.log()
            self.nodes[index] = self._start(port)
            up = f"Server pushd/node{index + 1} is UP"
            wait_until(lambda: up in self.proxy.log(), "HAProxy to see it")

    def connections(self):
        return sum(node.health()["connections"] for node in self.nodes)

    def stop(self):
        self.proxy.stop()
        for node in self.nodes:
            node.stop()


class Clients(Background):
    """Clients that reconnect whenever they are closed, and others that stay only for a moment.

    `failures` are failed handshakes; `codes` are the close codes of connections.
    """

    def __init__(self, proxy, count):
        super().__init__()
        self.proxy, self.count = proxy, count
        self.context = trusting(proxy.authority)
        self.open, self.newcomers, self.failures = 0, 0, []
        self.codes = collections.Counter()
        self.received = collections.Counter()

    def work(self):
        asyncio.run(self._play())

    async def _play(self):
        gate = asyncio.Semaphore(50)
        tasks = [asyncio.create_task(self._stay(number, gate)) for number in range(self.count)]
        tasks.append(asyncio.create_task(self._come_and_go()))
        while not self.stopped.is_set():
            await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _connect(self, query):
        return connect(
            f"wss://{NAME}/ws?{query}",
            host="127.0.0.1",
            port=self.proxy.port,
            ssl=self.context,
            server_hostname=NAME,
            compression=None,
            ping_interval=None,
            close_timeout=1,
            proxy=None,
            open_timeout=20,
        )

    async def _stay(self, number, gate):
        query = "channel=all&channel=busy" if number % EVERY == 0 else "channel=all"
        while True:
            try:
                async with gate:
                    client = await self._connect(query)
            except (OSError, InvalidHandshake, TimeoutError) as failure:
                self.failures.append(repr(failure))
                await asyncio.sleep(1)
                continue
            self.open += 1
            try:
                async for message in client:
                    self.received[message] += 1
            except ConnectionClosed:
                pass
            finally:
                self.open -= 1
            self.codes[client.close_code] += 1
            await asyncio.sleep(random.random() / 2)

    async def _come_and_go(self):
        while True:
            try:
                async with self._connect("channel=passing"):
                    self.newcomers += 1
            except (OSError, InvalidHandshake, TimeoutError) as failure:
                self.failures.append(repr(failure))
            await asyncio.sleep(0.01)


class Publisher(Background):
    """Publishes at a steady rate over a keep-alive connection to the proxy; `failures` are answers other than 200."""

    def __init__(self, proxy, rate=100):
        super().__init__()
        self.proxy, self.pause = proxy, 1 / rate
        self.published, self.failures, self.slowest = 0, [], 0

    def work(self):
        connection = self._open()
        while not self.stopped.wait(self.pause):
            began = time.monotonic()
            try:
                response = ask(connection, "POST", "/publish?channel=busy", "tick", {"Authorization": "Bearer key"})
                if response.status != 200:
                    self.failures.append(f"{response.status} {response.body[:100]!r}")
            except (OSError, http.client.HTTPException) as failure:
                self.failures.append(repr(failure))
                connection = self._open()
            self.published += 1
            self.slowest = max(self.slowest, time.monotonic() - began)
        connection.close()

    def _open(self):
        return self.proxy.http()


def roll_under_load(cluster, count, rate=100):
    """Replaces all nodes while clients and a publisher are active; returns both."""
    with Clients(cluster.proxy, count) as clients:
        wait_until(lambda: clients.open == count or clients.failure, f"{count} clients", seconds=120)
        with Publisher(cluster.proxy, rate) as publisher:
            cluster.roll()
        wait_until(lambda: clients.open == count or clients.failure, "all clients again", seconds=60)
        cluster.proxy.request("POST", "/publish?channel=all", "the end", {"Authorization": "Bearer key"})
        wait_until(lambda: clients.received["the end"] == count, "the last message everywhere", seconds=20)
    return clients, publisher
