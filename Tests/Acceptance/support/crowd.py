"""A hostile crowd, the busy channels it attacks, and a healthy subscriber that measures what it feels of it.

Each part is a process of its own. They speak to a daemon at `address`, over TLS where there is a `context`.
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

BUSY = ("busy0", "busy1", "busy2")  # channels that a publisher keeps busy
REST = 0.03  # seconds in which a hostile client reads nothing
READ_SIZE = 1 << 18


def open_client(address, context=None, **options):
    options = {"timeout": 20} | options
    return TLSClient(address, context, **options).shake_hands() if context else RawClient(address, **options)


class Part:
    """A process that works until it is told to stop, and then hands over what it found out."""

    def __init__(self, address, context=None, **options):
        self.ready, self.stopping = multiprocessing.Event(), multiprocessing.Event()
        self.receiver, self.sender = multiprocessing.Pipe(duplex=False)
        self.address, self.context, self.options = address, context, options
        self.process = multiprocessing.Process(target=self._run, daemon=True)

    def work(self, **options):
        """Sets `ready`, works until `stopping` is set, and returns what was found out."""
        raise NotImplementedError

    def open(self, **options):
        return open_client(self.address, self.context, **options)

    def _run(self):
        try:
            self.sender.send(self.work(**self.options))
        except (OSError, AssertionError, ValueError) as failure:  # the daemon is gone, most likely
            self.sender.send(repr(failure))
            self.ready.set()

    def start(self):
        self.process.start()
        assert self.ready.wait(60), f"{type(self).__name__} could not begin"
        return self

    def stop(self):
        """What `work` returned; a text if it failed."""
        self.stopping.set()
        found = self.receiver.recv() if self.receiver.poll(20) else "did not stop"
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
        return found


class Audience(Part):
    """Subscribers of the busy channels that read everything and look at nothing."""

    def work(self, count):
        clients = [self.open().upgrade(f"/ws?channel={name}") for name in BUSY for _ in range(count)]
        os.nice(10)  # as if they ran on other machines
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
                        size = readers[number](room)  # TLS records are read and not opened
                    if not size:
                        lost += 1
                        poll.unregister(number)
        return lost


def do_not_wait_for_a_core():
    """As if it ran on a machine of its own: what it measures is the daemon's delay."""
    with contextlib.suppress(PermissionError):
        os.nice(-10)


class Publisher(Part):
    """Publishes a few messages at once to each busy channel, again and again, and waits for no answer.

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
    """A healthy subscriber; returns the sorted seconds from publishing to receiving its messages."""

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
    """Pipelines commands, and reads when it is told to."""

    def __init__(self, part, number, commands):
        self.client = part.open(receive_buffer=16384).upgrade(f"/ws?channel={BUSY[number % len(BUSY)]}")
        self.socket = self.client.socket
        self.socket.setblocking(False)
        self.commands, self.left = commands, memoryview(b"")

    def push(self):
        """Sends what the server takes."""
        with contextlib.suppress(BlockingIOError):
            while True:
                if not self.left:
                    is_secure = isinstance(self.client, TLSClient)
                    self.left = memoryview(self.client.encrypt(self.commands) if is_secure else self.commands)
                self.left = self.left[self.socket.send(self.left) :]

    def pull(self, room):
        """Reads what there is; False at the end of the stream."""
        with contextlib.suppress(BlockingIOError):
            while self.socket.recv_into(room):
                pass
            return False
        return True


def pipeline(count=2000, every=8):
    """Pings with long answers, and now and then a channel is left and joined again."""
    answered = encode_frame(TEXT, json.dumps({"action": "ping", "id": "i" * 200}).encode())
    frames = [answered if number % 2 else encode_frame(PING, b"p" * 120) for number in range(count)]
    for number in range(0, count, every):
        name = BUSY[number // every % len(BUSY)]
        for action in ("unsubscribe", "subscribe"):
            frames[number] += encode_frame(TEXT, json.dumps({"action": action, "channel": name}).encode())
    return b"".join(frames)


class HostileCrowd(Part):
    """Clients that push, rest and read, all at the same time; whoever is thrown out comes back.

    Returns how often that was.
    """

    def work(self, count):
        commands, room = pipeline(), bytearray(READ_SIZE)
        clients = [HostileClient(self, number, commands) for number in range(count)]
        os.nice(10)
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
    """The busy channels of one daemon for as long as a `with` statement lasts, and measurements of them."""

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
        """What a healthy subscriber measures now; a text if the daemon is gone."""
        probe = Probe(self.address, self.context).start()
        probe.process.join(seconds)  # ends early only if the daemon does
        return probe.stop()

    @contextlib.contextmanager
    def crowd(self, count=24):
        """Attacks while the statement lasts."""
        crowd = HostileCrowd(self.address, self.context, count=count).start()
        try:
            yield
        finally:
            crowd.stop()
