"""Clients that join at random moments and recover from random places, each with a model of what comes next."""

import multiprocessing
import random
import re
import selectors

from .raw import TEXT, RawClient

OPTIONS = ("--workers", "2", "--channel", "c: history=10000/600s")
MAX_BACK, MAX_READ, IN_FLIGHT = 20, 10, 32
FRAME = re.compile(
    rb'\{"channel":"c","offset":(?P<offset>\d+),"data":(?P<data>\d+)\}'
    rb'|\{"status":"subscribed","channel":"c","recovered":(?P<recovered>true|false),"epoch":"(?P<epoch>\w+)","offset":(?P<last>\d+)\}'
    rb'|(?P<left>\{"status":"unsubscribed","channel":"c"\})'
    rb'|(?P<other>\{"(?:error|event)".*?\})'
)
UNSUBSCRIBE = b'{"action":"unsubscribe","channel":"c"}'


class Joiner:
    """A connection, and the model of what it gets."""

    def __init__(self, client, dice):
        self.client, self.dice = client.upgrade("/ws?channel=", Sec_WebSocket_Protocol="pushd.v1"), dice
        self.joins = self.messages = 0
        self.last = None  # the last message, or where the subscription has begun
        self.is_subscribed = self.is_leaving = False
        self.subscribe(b"", 0)

    def subscribe(self, epoch, offset):
        self.last = offset
        self.say(b'{"action":"subscribe","channel":"c","recover":{"epoch":"%s","offset":%d}}' % (epoch, offset))

    def say(self, text):
        self.client.send_frame(TEXT, text)

    def receive(self):
        """Reads what there is, and holds it against the model."""
        assert self.client.receive_more(), "the connection was closed"
        end = 0
        for found in FRAME.finditer(bytes(self.client.received)):
            end = found.end()
            self.take(found)
        del self.client.received[:end]

    def take(self, found):
        if found["offset"]:
            offset = int(found["offset"])
            assert self.is_subscribed, "a message came without a subscription"
            assert offset == self.last + 1, f"{offset} came after {self.last}"
            assert int(found["data"]) == offset, f"message {offset} has the text {found['data']}"
            self.last = offset
            self.messages += 1
            self.leave_at_random()
        elif found["left"]:
            assert self.is_leaving, "it was unsubscribed by itself"
            self.is_subscribed = self.is_leaving = False
            self.subscribe(self.epoch, self.last - self.dice.randint(0, min(MAX_BACK, self.last)))
        else:
            assert not found["other"], found["other"]
            self.subscribed(found)

    def subscribed(self, found):
        assert not self.is_subscribed, "it was subscribed twice"
        self.is_subscribed, self.epoch = True, found["epoch"]
        self.joins += 1
        if found["recovered"] == b"false":
            assert self.joins == 1, f"not recovered after {self.last}, the last one is {found['last']}"
            self.last = int(found["last"])
        self.rest = self.dice.randint(0, MAX_READ)
        if self.rest == 0:
            self.leave()

    def leave_at_random(self):
        self.rest -= 1
        if self.rest == 0:
            self.leave()

    def leave(self):
        self.is_leaving = True
        self.say(UNSUBSCRIBE)


def join(address, seed, connections, joins, outcomes):
    """A process with some connections; tells how many joins and messages there were, or what was wrong."""
    dice, selector = random.Random(seed), selectors.DefaultSelector()
    try:
        all_joiners = [Joiner(RawClient(address, timeout=60), dice) for _ in range(connections)]
        for joiner in all_joiners:
            selector.register(joiner.client.socket, selectors.EVENT_READ, joiner)
        while sum(joiner.joins for joiner in all_joiners) < joins:
            ready = selector.select(timeout=60)
            assert ready, "nothing came for a minute"
            for key, _ in ready:
                key.data.receive()
        counts = [(joiner.joins, joiner.messages) for joiner in all_joiners]
        outcomes.put(tuple(map(sum, zip(*counts))))
    except Exception as problem:  # also what a regular expression did not expect
        outcomes.put(f"{type(problem).__name__}: {problem}")


def publish(address, published):
    """Publishes 1, 2, 3 ... as fast as the answers come."""
    client, number = RawClient(address, timeout=60), 0
    while True:
        bodies = [str(number + place + 1).encode() for place in range(IN_FLIGHT)]
        client.send(
            b"".join(
                b"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
                for body in bodies
            )
        )
        for _ in bodies:
            assert client.read_response().status == 200
        number += IN_FLIGHT
        published.value = number


def run(pushd, joins, processes=2, connections=4, seed=1):
    """Returns the joins, the messages of all connections and the messages published."""
    outcomes, published = multiprocessing.Queue(), multiprocessing.Value("q", 0)
    publisher = multiprocessing.Process(target=publish, args=(pushd.address, published), daemon=True)
    publisher.start()
    joiners = [
        multiprocessing.Process(
            target=join, args=(pushd.address, seed * 1000 + number, connections, joins // processes, outcomes), daemon=True)
        for number in range(processes)
    ]
    for process in joiners:
        process.start()
    try:
        found = [outcomes.get(timeout=3600) for _ in joiners]
    finally:
        for process in (publisher, *joiners):
            process.terminate()
            process.join()
    problems = [outcome for outcome in found if isinstance(outcome, str)]
    assert not problems, problems
    return (*map(sum, zip(*found)), published.value)
