"""A hostile crowd, the busy channels it attacks, and a healthy subscriber that measures the effect.

Each part is a separate process. They connect to a daemon at `address`, with TLS if there is a `context`.
"""

import contextlib
import json
import multiprocessing
import os
import select
import struct
import time

from .raw import PING, TEXT, RawClient, decode_frames, encode_frame
from .tls import TLSClient

BUSY = ("busy0", "busy1", "busy2")  # channels with constant traffic
REST = 0.03  # seconds during which a hostile client reads nothing
READ_SIZE = 1 << 18


def open_client(address, context=None, **options):
    options = {"timeout": 20} | options
    return TLSClient(address, context, **options).shake_hands() if context else RawClient(address, **options)


class Part:
    """A process that works until it is stopped and then returns its result."""

    def __init__(self, address, context=None, **options):
        self.ready, self.stopping = multiprocessing.Event(), multiprocessing.Event()
        self.receiver, self.sender = multiprocessing.Pipe(duplex=False)
        self.address, self.context, self.options = address, context, options
        self.process = multiprocessing.Process(target=self._run, daemon=True)

    def work(self, **options):
        """Sets `ready`, works until `stopping` is set, and returns the result."""
        raise NotImplementedError

    def open(self, **options):
        return open_client(self.address, self.context, **options)

    def _run(self):
        try:
            self.sender.send(self.work(**self.options))
        except (OSError, AssertionError, ValueError) as failure:  # the daemon is probably gone
            self.sender.send(repr(failure))
            self.ready.set()

    def start(self):
        self.process.start()
        assert self.ready.wait(60), f"{type(self).__name__} could not begin"
        return self

    def stop(self):
        """Returns the result of `work`, or a text if it failed."""
        self.stopping.set()
        found = self.receiver.recv() if self.receiver.poll(20) else "did not stop"
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
        return found


class Audience(Part):
    """Subscribers of the busy channels that read everything without parsing it."""

    def work(self, count):
        clients = [self.open().upgrade(f"/ws?channel={name}") for name in BUSY for _ in range(count)]
        os.nice(19)  # as if these clients ran on other machines
        readers = {client.socket.fileno(): client.socket.recv_into for client in clients}
        lost, room = 0, bytearray(READ_SIZE)
        with select.epoll() as poll:
            for client in clients:
                client.socket.setblocking(False)
                poll.register(client.socket, select.EPOLLIN)
            self.ready.set()
            while not self.stopping.wait(0.01) and lost < len(clients):
                for number, _ in poll.poll(0, len(clients)):
                    size = 0
                    with contextlib.suppress(ConnectionError):
                        size = readers[number](room)  # TLS records are read but not decrypted
                    if not size:
                        lost += 1
                        poll.unregister(number)
        return lost


def do_not_wait_for_a_core():
    """Raises the priority, as if the process ran on another machine, so that it measures the daemon's delay."""
    with contextlib.suppress(PermissionError):
        os.nice(-10)


class Publisher(Part):
    """Publishes a few messages at once to each busy channel, again and again, without waiting for answers.

    Returns the bytes of the answers.
    """

    def work(self, at_once=2, pause=0.002):
        client = self.open()
        body = b"x" * 64
        head = "POST /publish?channel={} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n"
        requests = b"".join((head.format(name, len(body)).encode() + body) * at_once for name in BUSY)
        answered = 0
        self.ready.set()
        while not self.stopping.wait(pause):
            client.send(requests)
            client.socket.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while size := len(client.socket.recv(READ_SIZE)):
                    answered += size
                break
            client.socket.settimeout(20)
        return answered


class Probe(Part):
    """A healthy subscriber; returns the sorted latencies of its messages in seconds."""

    def work(self, pause=0.004):
        do_not_wait_for_a_core()
        subscriber, publisher = self.open().upgrade("/ws?channel=healthy"), self.open()
        head = b"POST /publish?channel=healthy HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\n"
        latencies = []
        self.ready.set()
        while not self.stopping.wait(pause):
            publisher.send(head + struct.pack("d", time.monotonic()))
            assert publisher.read_response().status == 200
            began = struct.unpack("d", subscriber.read_frame().payload)[0]
            latencies.append(time.monotonic() - began)
        return sorted(latencies)


class HostileClient:
    """Pipelines commands, and reads only when `pull` is called."""

    def __init__(self, part, number, commands):
        self.client = part.open(receive_buffer=16384).upgrade(f"/ws?channel={BUSY[number % len(BUSY)]}")
        self.socket = self.client.socket
        self.socket.setblocking(False)
        self.commands, self.left = commands, memoryview(b"")

    def push(self):
        """Sends as much as the server accepts."""
        with contextlib.suppress(BlockingIOError):
            while True:
                if not self.left:
                    is_secure = isinstance(self.client, TLSClient)
                    self.left = memoryview(self.client.encrypt(self.commands) if is_secure else self.commands)
                self.left = self.left[self.socket.send(self.left) :]

    def pull(self, room):
        """Reads the available bytes; returns False at the end of the stream."""
        with contextlib.suppress(BlockingIOError):
            while self.socket.recv_into(room):
                pass
            return False
        return True


def pipeline(count=2000, every=8):
    """Pings with long answers; now and then it leaves and rejoins a channel."""
    answered = encode_frame(TEXT, json.dumps({"action": "ping", "id": "i" * 200}).encode())
    frames = [answered if number % 2 else encode_frame(PING, b"p" * 120) for number in range(count)]
    for number in range(0, count, every):
        name = BUSY[number // every % len(BUSY)]
        for action in ("unsubscribe", "subscribe"):
            frames[number] += encode_frame(TEXT, json.dumps({"action": action, "channel": name}).encode())
    return b"".join(frames)


class HostileCrowd(Part):
    """Clients that push, rest and read, all at the same time; disconnected clients come back.

    Returns how often a client was disconnected.
    """

    def work(self, count):
        commands, room = pipeline(), bytearray(READ_SIZE)
        clients = [HostileClient(self, number, commands) for number in range(count)]
        os.nice(19)
        self.ready.set()
        thrown_out = 0
        while not self.stopping.wait(REST):
            reads_until = time.monotonic() + REST
            while time.monotonic() < reads_until:
                for number, client in enumerate(clients):
                    is_open = False
                    with contextlib.suppress(ConnectionError):
                        is_open = client.pull(room)
                        client.push()
                    if not is_open:
                        client.client.close()
                        thrown_out += 1
                        clients[number] = HostileClient(self, number, commands)
                time.sleep(0.001)
        return thrown_out


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Siege:
    """The busy channels of one daemon during a `with` statement, and measurements of them."""

    def __init__(self, address, context=None, subscribers=320):
        self.address, self.context = address, context
        self.load = [Audience(address, context, count=subscribers), Publisher(address, context)]

    def __enter__(self):
        for part in self.load:
            part.start()
        return self

    def __exit__(self, *_):
        self.found = [part.stop() for part in reversed(self.load)]

    def latencies(self, seconds):
        """A healthy subscriber's latencies now; a text if the daemon is gone."""
        probe = Probe(self.address, self.context).start()
        probe.process.join(seconds)  # ends early only if the daemon ends
        return probe.stop()

    @contextlib.contextmanager
    def crowd(self, count=24):
        """Attacks during the `with` statement."""
        crowd = HostileCrowd(self.address, self.context, count=count).start()
        try:
            yield
        finally:
            crowd.stop()
