"""A drop test: clients of channels with a history are cut again and again, while Redis, its links and the nodes fail.

Every client must get each accepted message of its channel once and in order, or be told that some are gone.
"""

import collections
import http.client
import json
import random
import selectors
import socket
import threading
import time

from . import wait_until
from .pushd import BINARY, Pushd
from .raw import decode_frames, encode_frame
from .redis_server import RedisServer

CLOSE, PING, PONG = 8, 9, 10
RULE = ("--channel", "kept.*: history=1000/10m")


class DropSite:
    """Two nodes and a Redis that has everything again after it was killed.

    With `appendfsync everysec` a busy disk makes Redis write what it has accepted up to two seconds later.
    """

    def __init__(self, directory, binary=BINARY, *options):
        self.directory, self.binary, self.options = directory, binary, options
        self.redis = RedisServer(directory, "--appendonly", "yes", "--appendfsync", "always").start()
        self.started = 0
        self.nodes = []
        try:
            for _ in range(2):
                self.nodes.append(self._start())
                self.nodes[-1].wait_for_status("ok")
        except BaseException:
            self.stop()
            raise

    def _start(self, *options):
        self.started += 1
        directory = self.directory / f"node{self.started}"
        directory.mkdir()
        kind = type("Node", (Pushd,), {"command": (self.binary,)})
        return kind(directory, "--redis", self.redis.url, *RULE, *self.options, *options)

    def kill_redis(self, seconds):
        self.redis.kill()
        time.sleep(seconds)
        self.redis.start()

    def cut_links(self):
        with self.redis.client() as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            time.sleep(0.3)
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def kill_node(self, number, scene):
        node = self.nodes[number]
        node.process.kill()
        node.process.wait()
        time.sleep(0.3)
        self.nodes[number] = scene.nodes[number] = self._start("--listen", f"127.0.0.1:{node.port}")

    def stop(self):
        for node in self.nodes:
            node.process.kill()
            node.process.wait()
        self.redis.kill()


class DropClient:
    """A client that comes back to any node, and asks for what it has missed."""

    def __init__(self, scene, number):
        self.scene, self.number = scene, number
        self.channel = scene.channels[number % len(scene.channels)]
        self.place = None  # epoch and offset of the last message
        self.socket = None
        self.retry_at = 0

    def connect(self):
        node = random.choice(self.scene.nodes)
        recover = f"&recover={self.place[0]}:{self.place[1]}" if self.place else ""
        self.received, self.is_open = b"", False
        self.socket = socket.socket()
        self.socket.settimeout(5)
        try:
            self.socket.connect(node.address)
        except OSError:
            self.socket.close()
            self.socket, self.retry_at = None, time.monotonic() + 0.2
            return
        self.socket.sendall(
            f"GET /ws?channel={self.channel}{recover or '&history=0'} HTTP/1.1\r\nHost: {node.host}:{node.port}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: pushd.v1\r\n\r\n".encode()
        )
        self.socket.setblocking(False)
        self.cut_at = time.monotonic() + random.expovariate(1 / self.scene.life_seconds)
        self.scene.selector.register(self.socket, selectors.EVENT_READ, self)

    def close(self, retry_after=0.0):
        if self.socket:
            self.scene.selector.unregister(self.socket)
            self.socket.close()
            self.socket, self.retry_at = None, time.monotonic() + retry_after

    def readable(self):
        try:
            data = self.socket.recv(262_144)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            return self.close(retry_after=0.1)
        self.received += data
        if not self.is_open:
            head, end, rest = self.received.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self.scene.refusals[head.split(b"\r\n")[0]] += 1
                return self.close(retry_after=0.2)
            self.is_open, self.received = True, rest
        frames, length = decode_frames(self.received)
        self.received = self.received[length:]
        for frame in frames:
            if frame.opcode == PING:
                self.socket.send(encode_frame(PONG, frame.payload))
            elif frame.opcode == CLOSE:
                return self.close(retry_after=0.1)
            else:
                self.take(json.loads(frame.payload))
                if not self.socket:
                    return

    def take(self, message):
        scene = self.scene
        if message.get("status") == "subscribed":
            if self.place and not message["recovered"]:
                scene.losses.append((time.monotonic(), self.channel, "recovered", self.place, message))
                self.place = None
            if self.place:
                scene.recoveries += 1
            elif "epoch" in message:
                self.place = (message["epoch"], message["offset"])
            self.until = message.get("offset")
        elif message.get("event") == "gap":
            scene.losses.append((time.monotonic(), self.channel, "gap", self.place, message))
            self.place = (message["epoch"], message["offset"]) if "epoch" in message else None
            if not self.place:
                self.close(retry_after=0.1)  # to learn where the numbers go on
        elif "offset" in message:
            scene.deliveries += 1
            if self.place and message["offset"] != self.place[1] + 1:
                scene.faults.append(f"{self.channel}: {message['offset']} after {self.place}")
            if self.place:
                self.place = (self.place[0], message["offset"])
                scene.note(self.channel, self.place, message["data"])
        else:
            scene.faults.append(f"{self.channel}: {message}")


class DropScene:
    """The clients, a publisher, and what was seen."""

    def __init__(self, nodes, channels, clients, life_seconds, rate):
        self.nodes = list(nodes)
        self.channels = [f"kept.{number}" for number in range(channels)]
        self.life_seconds, self.rate = life_seconds, rate
        self.selector = selectors.DefaultSelector()
        self.deliveries = self.recoveries = self.cuts = 0
        self.refusals = collections.Counter()
        self.losses, self.faults = [], []
        self.seen = collections.defaultdict(dict)  # by channel: data by place
        self.accepted = collections.defaultdict(list)  # by channel: numbers that a node has answered with 200
        self.unanswered = collections.Counter()
        self.is_publishing = True
        self.clients = [DropClient(self, number) for number in range(clients)]
        self.publisher = threading.Thread(target=self._publish)

    def note(self, channel, place, data):
        known = self.seen[channel].setdefault(place, data)
        if known != data:
            self.faults.append(f"{channel}: {data} and {known} at {place}")

    def _publish(self):
        connections, number, due = {}, 0, time.monotonic()
        while self.is_publishing:
            number, due = number + 1, due + 1 / self.rate
            node, channel = random.choice(self.nodes), self.channels[number % len(self.channels)]
            try:
                connection = connections.setdefault(node, None) or node.http()
                connections[node] = connection
                connection.request("POST", f"/publish?channel={channel}", str(number))
                response = connection.getresponse()
                response.read()
                if response.status == 200:
                    self.accepted[channel].append(number)
                else:
                    self.unanswered[response.status] += 1
            except (OSError, http.client.HTTPException):
                self.unanswered["no answer"] += 1
                if connections.get(node):
                    connections[node].close()
                connections[node] = None
                time.sleep(0.02)
            due = max(due, time.monotonic() - 0.5)
            time.sleep(max(due - time.monotonic(), 0))

    def turn(self, cuts=True):
        now = time.monotonic()
        for client in self.clients:
            if client.socket is None and now >= client.retry_at:
                client.connect()
            elif cuts and client.socket and now >= client.cut_at:
                self.cuts += 1
                client.close(retry_after=random.uniform(0, 1))
        for key, _ in self.selector.select(0.02):
            key.data.readable()

    def run(self, disturb):
        """Runs `disturb()` in another thread, and goes on until every client has everything."""
        while not all(client.place for client in self.clients):
            self.turn(cuts=False)
        self.publisher.start()
        chaos = threading.Thread(target=disturb)
        chaos.start()
        while chaos.is_alive():
            self.turn()
        self.is_publishing = False
        self.publisher.join()
        try:
            wait_until(self._is_settled, "every client to have everything", seconds=30, pause=0)
        except AssertionError:
            raise AssertionError(f"not everywhere: {self.laggards()[:5]}, {self.faults[:5]}, {self.losses[:5]}") from None
        for client in self.clients:
            client.close()

    def _ends(self):
        return {
            channel: json.loads(self.nodes[0].get(f"/position?channel={channel}").body) for channel in self.channels
        }

    def _is_settled(self):
        for _ in range(20):
            self.turn(cuts=False)
        self.ends = self._ends()
        return not self.laggards()

    def laggards(self):
        if not hasattr(self, "ends"):
            return []
        return [
            (client.channel, client.place, self.ends[client.channel])
            for client in self.clients
            if client.place != (self.ends[client.channel]["epoch"], self.ends[client.channel]["offset"])
        ]

    def problems(self):
        """What must not be: duplicates, holes, accepted messages that nobody got."""
        problems = list(self.faults)
        for channel, numbers in self.accepted.items():
            counts = collections.Counter(self.seen[channel].values())
            problems += [f"{channel}: {data} has {count} places" for data, count in counts.items() if count > 1]
            problems += [f"{channel}: {number} is gone" for number in numbers if counts[number] == 0]
            got = sorted((place[1], data) for place, data in self.seen[channel].items())
            if len({place[0] for place in self.seen[channel]}) == 1 and got != sorted(got, key=lambda one: one[1]):
                problems.append(f"{channel}: not in the order of publishing")
        return problems
