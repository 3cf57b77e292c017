"""The loads under which pushd is measured.

Each load waits for all effects of a unit before the next unit begins, so that the number of loop turns does not depend
on timing.
"""

import contextlib
import json
import selectors
from dataclasses import dataclass

import redis
from support import wait_until
from support.raw import TEXT
from support.redis_server import RedisServer
from support.sse import EventClient

from secure import ContentCounter, secure_client, secure_port

PAYLOAD = b"x" * 128
FRAME_BYTES = 4 + len(PAYLOAD)
EVENT_BYTES = len(b"data: \n\n") + len(PAYLOAD)
BLOCK_BYTES = 5  # around an event that is too small to be compressed
PUSHER_EVENT = {"event": "message", "channel": "c0", "data": json.dumps(PAYLOAD.decode())}
PUSHER_BYTES = 4 + len(json.dumps(PUSHER_EVENT, separators=(",", ":")))


class Audience:
    """Clients in one thread that only count received bytes (with TLS, the content of its records).

    A target of /sse is opened as an event stream, one of /app as a client of Pusher's protocol in the channel c0, others
    as WebSockets; all of an audience are of one kind.
    """

    def __init__(self, pushd, targets, tls=None, headers=()):
        self.selector = selectors.DefaultSelector()
        sizes = {"/sse": EVENT_BYTES, "/app": PUSHER_BYTES}
        self.message_bytes = sizes.get(targets[0][:4], FRAME_BYTES)
        if headers:
            self.message_bytes += BLOCK_BYTES
        for target in targets:
            client = opened(secure_client(pushd, tls) if tls else pushd.raw(), target, headers)
            self.selector.register(client.socket, selectors.EVENT_READ, ContentCounter(tls) if tls else len)

    def receive(self, messages):
        """Waits for this many messages in total on all connections."""
        missing = messages * self.message_bytes
        while missing > 0:
            ready = self.selector.select(timeout=10)
            assert ready, f"{missing} bytes never came"
            for key, _ in ready:
                data = key.fileobj.recv(65_536)
                assert data, "a subscriber was disconnected"
                missing -= key.data(data)
        assert missing == 0, "more came than was published"


def opened(client, target, headers=()):
    if target.startswith("/app"):
        return joined(client.upgrade(target))
    if not target.startswith("/sse"):
        return client.upgrade(target, **dict(headers))
    EventClient(client, target, **dict(headers)).opened()
    while not client.received.endswith(b"\n"):  # the time to come back, which may be in a body in gzip
        client.receive_more()
    client.received.clear()
    return client


def joined(client):
    """A client of Pusher's protocol, once it is in the channel."""
    client.read_json()
    client.send_frame(TEXT, json.dumps({"event": "pusher:subscribe", "data": {"channel": "c0"}}).encode())
    assert client.read_json()["event"] == "pusher_internal:subscription_succeeded"
    return client


class Load:
    """`warm_up` units come before the `units` that are measured."""

    @contextlib.contextmanager
    def around(self, directory):
        """Starts what the load needs besides pushd, and yields pushd's options."""
        yield ()


@dataclass(frozen=True)
class Publishing(Load):
    """Publishes over one keep-alive HTTP connection to each channel in turn. A unit is a message."""

    channels: int
    subscribers: int  # per channel
    units: int
    warm_up: int
    in_flight: int = 1
    shares_connections: bool = False  # each connection joins all channels
    path: str = "/ws"
    headers: tuple = ()  # those of streams in gzip

    @contextlib.contextmanager
    def around(self, directory):
        yield ("--compression", "on") if self.headers else ()

    def run(self, pushd, units):
        audience = self._audience(pushd)
        publisher = pushd.raw()
        for first in range(0, units, self.in_flight):
            numbers = range(first, min(first + self.in_flight, units))
            publisher.send(b"".join(self.request(number) for number in numbers))
            for _ in numbers:
                assert publisher.read_response().status == 200
            audience.receive(len(numbers) * self.subscribers)

    def _audience(self, pushd):
        return Audience(pushd, self._targets(), headers=self.headers)

    def _targets(self):
        names = [f"channel=c{number}" for number in range(self.channels)]
        if self.shares_connections:
            names = ["&".join(names)]
        return [f"{self.path}?{name}" for name in names for _ in range(self.subscribers)]

    def request(self, number):
        target = f"/publish?channel=c{number % self.channels}"
        head = f"POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(PAYLOAD)}\r\n\r\n"
        return head.encode() + PAYLOAD


@dataclass(frozen=True)
class PublishingToPusher(Publishing):
    """The same for clients of Pusher's protocol."""

    @contextlib.contextmanager
    def around(self, directory):
        yield "--pusher-app", "1:key:secret"

    def _targets(self):
        return ["/app/key?protocol=7"] * self.subscribers


@dataclass(frozen=True, kw_only=True)
class PublishingOverTLS(Publishing):
    """The same for subscribers over TLS 1.3; one message at a time, so that each is a record."""

    records: str

    @contextlib.contextmanager
    def around(self, directory):
        yield secure_port(directory, self.records)

    def _audience(self, pushd):
        return Audience(pushd, self._targets(), tls="1.3")


@dataclass(frozen=True)
class Connecting(Load):
    """A unit is a connection: accepted, upgraded, subscribed to a shared channel, and closed by the client."""

    units: int
    warm_up: int

    def run(self, pushd, units):
        Audience(pushd, ["/ws?channel=c"])
        before = pushd.descriptors()
        for _ in range(units):
            # A turn that handles the end of a connection may also accept the next one; waiting separates the turns.
            with pushd.raw() as client:
                client.upgrade("/ws?channel=c")
            wait_until(lambda: pushd.descriptors() == before, "closed by pushd", pause=0)


@dataclass(frozen=True)
class FromRedis(Load):
    """Publishes in Redis, one message at a time, for one subscriber. A unit is a message."""

    units: int
    warm_up: int

    @contextlib.contextmanager
    def around(self, directory):
        server = RedisServer(directory)
        try:
            yield "--redis", server.start().url
        finally:
            server.kill()

    def run(self, pushd, units):
        audience = Audience(pushd.wait_for_status("ok"), ["/ws?channel=c"])
        url = pushd.options[pushd.options.index("--redis") + 1]
        with redis.Redis.from_url(url) as publisher:
            for _ in range(units):
                publisher.publish("push:c", PAYLOAD)
                audience.receive(1)
