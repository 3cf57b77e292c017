"""Numbered messages at a steady rate, and their readers: for tests of what a disturbance of Redis loses."""

import collections
import itertools
import selectors
import time

import redis

from . import wait_until
from .background import Background
from .raw import decode_frames
from .swarm import Swarm

# `receivers` is Redis' reply; None if it did not accept the message.
Sent = collections.namedtuple("Sent", "number channel began receivers")
Arrival = collections.namedtuple("Arrival", "number channel time")


def numbered(channel, number):
    return f"{channel} {number:07}"


def parse(payload):
    channel, _, number = payload.decode().rpartition(" ")
    return channel, int(number)


class Publisher(Background):
    """Publishes to the channels in turn. `publish(redis_channel, text)` returns the number of receivers."""

    def __init__(self, publish, channels, rate=200, prefix="push:"):
        super().__init__()
        self.publish = publish
        self.channels = itertools.cycle(channels)
        self.rate = rate
        self.prefix = prefix
        self.begun = 0  # the number of the next message
        self.sent = []

    def work(self):
        due = time.monotonic()
        while not self.stopped.wait(max(0, due - time.monotonic())):
            self._publish_one(next(self.channels))
            due = max(due + 1 / self.rate, time.monotonic() - 0.1)  # do not make up for a freeze

    def _publish_one(self, channel):
        number, began, receivers = self.begun, time.monotonic(), None
        self.begun += 1
        try:
            receivers = self.publish(f"{self.prefix}{channel}", numbered(channel, number))
        except (redis.RedisError, OSError):
            pass  # Redis is away
        self.sent.append(Sent(number, channel, began, receivers))


class Reader(Background):
    """Reads for subscribers of support.swarm in a thread, and records arrivals for the watched ones."""

    def __init__(self, subscribers, watched=None):
        super().__init__()
        self.subscribers = subscribers
        self.arrivals = {subscriber: [] for subscriber in (subscribers if watched is None else watched)}
        self.parsed = dict.fromkeys(self.arrivals, 0)  # bytes
        self.last = {}  # by watched subscriber and channel: the last number
        self.lost = []
        self.last_read = time.monotonic()

    def work(self):
        with selectors.DefaultSelector() as selector:
            for subscriber in self.subscribers:
                selector.register(subscriber.client.socket, selectors.EVENT_READ, subscriber)
            while not self.stopped.is_set():
                for key, _ in selector.select(timeout=0.1):
                    if not self._read(key.data):
                        selector.unregister(key.fileobj)
                        self.lost.append(key.data)

    def _read(self, subscriber):
        """Returns False at the end of the stream."""
        try:
            data = subscriber.client.socket.recv(65536)
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        self.last_read = time.monotonic()
        subscriber.client.received += data
        if subscriber in self.arrivals:
            self._note(subscriber)
        return bool(data)

    def _note(self, subscriber):
        frames, size = decode_frames(subscriber.client.received[self.parsed[subscriber] :])
        self.parsed[subscriber] += size
        for frame in frames:
            channel, number = parse(frame.payload)
            self.arrivals[subscriber].append(Arrival(number, channel, self.last_read))
            self.last[subscriber, channel] = number

    def has_reached(self, number, channels=None):
        """Whether each watched subscriber got a message of its channel with at least this number."""
        return all(
            self.last.get((subscriber, subscriber.channel), -1) >= number
            for subscriber in self.arrivals
            if channels is None or subscriber.channel in channels
        )

    def wait_for(self, number, seconds=10, channels=None):
        assert not self.lost, f"{len(self.lost)} subscribers were disconnected"
        what = f"number {number} everywhere"
        wait_until(lambda: self.failure or self.has_reached(number, channels), what, seconds, pause=0.002)
        if self.failure:
            raise AssertionError("the reader failed") from self.failure

    def settle(self):
        """Waits until nothing has arrived for half a second."""
        wait_until(lambda: time.monotonic() - self.last_read > 0.5, "silence", seconds=60)


class Load:
    """Publishes to channels and reads them at nodes: before, during and after a disturbance."""

    def __init__(self, nodes, channels, publish, rate=200):
        self.nodes = nodes
        self.swarm = Swarm(nodes, channels, 1)
        self.reader = Reader(self.swarm.all)
        self.publisher = Publisher(publish, channels, rate)

    def __enter__(self):
        self.reader.thread.start()
        self.publisher.thread.start()
        self.wait_for_delivery(seconds=10)
        return self

    def __exit__(self, *_):
        self.publisher.stop()
        self.reader.stop()
        self.swarm.close()

    def wait_for_delivery(self, seconds=2, channels=None):
        """Waits until messages published from now on have arrived at each node, on all or the given channels."""
        self.reader.wait_for(self.publisher.begun, seconds, channels)

    def finish(self):
        """Stops publishing and waits for pending messages."""
        self.publisher.stop()
        self.reader.settle()

    def check(self, may_repeat=()):
        """Checks that everything arrives now, after the disturbance.

        Everything that arrived since the beginning must have arrived in order and once, except for `may_repeat`.
        """
        self.wait_for_delivery()
        first = self.publisher.begun
        self.wait_for_delivery()
        self.finish()
        messages = [message for message in self.publisher.sent if message.number >= first]
        self.assert_everything_arrived(messages, may_repeat)

    def assert_everything_arrived(self, messages, may_repeat=()):
        """Checks that each of them arrived at each node, and that everything arrived once and in order."""
        missed = [message for message in messages if message.receivers != len(self.nodes)]
        assert messages and not missed, f"not for each node: {missed[:10]}"
        self.assert_once_and_in_order(may_repeat)
        for subscriber, arrivals in self.reader.arrivals.items():
            missing = {message.number for message in messages if message.channel == subscriber.channel}
            missing -= {arrival.number for arrival in arrivals}
            assert not missing, f"lost on {subscriber.channel}: {sorted(missing)[:10]}"

    def assert_once_and_in_order(self, may_repeat=()):
        """Redis may execute a command late that it did not answer in time; that message also arrives once."""
        accepted = {message.number for message in self.publisher.sent if message.receivers is not None}
        for arrivals in self.reader.arrivals.values():
            numbers = [arrival.number for arrival in arrivals]
            twice = [number for number, count in collections.Counter(numbers).items() if count > 1]
            twice = [number for number in twice if number not in may_repeat]
            assert not twice, f"twice: {twice[:10]}"
            in_order = [number for number in dict.fromkeys(numbers) if number in accepted]
            wrong = [(one, next) for one, next in itertools.pairwise(in_order) if one > next]
            assert not wrong, f"out of order: {wrong[:10]}"
