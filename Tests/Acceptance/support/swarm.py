"""Many WebSocket subscribers in one thread, each keeping the bytes it received."""

import contextlib
import selectors
import time

from .raw import RawClient, decode_frames


class Subscriber:
    def __init__(self, pushd, channel):
        self.channel = channel
        self.client = RawClient(pushd.address).upgrade(f"/ws?channel={channel}")
        self.client.socket.setblocking(False)

    def is_complete(self, size):
        return len(self.client.received) >= size

    def messages(self):
        frames, size = decode_frames(self.client.received)
        assert size == len(self.client.received), "ends within a frame"
        return [frame.payload for frame in frames]


class Swarm:
    """Subscribers, a number of them for every channel of every node."""

    def __init__(self, nodes, channels, count):
        self.of_node = [[Subscriber(node, channel) for channel in channels for _ in range(count)] for node in nodes]
        self.all = [subscriber for subscribers in self.of_node for subscriber in subscribers]

    def close(self):
        for subscriber in self.all:
            subscriber.client.close()

    def receive(self, size, seconds):
        """Reads until every subscriber has `size` bytes, plus everything that is available then."""
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            for subscriber in self.all:
                selector.register(subscriber.client.socket, selectors.EVENT_READ, subscriber)
            waiting = len(self.all)
            while waiting:
                assert time.monotonic() < deadline, f"{waiting} subscribers still wait after {seconds} s"
                for key, _ in selector.select(timeout=1):
                    subscriber = key.data
                    was_complete = subscriber.is_complete(size)
                    with contextlib.suppress(BlockingIOError):
                        assert subscriber.client.receive_more(), "a subscriber was disconnected"
                    waiting -= subscriber.is_complete(size) - was_complete
