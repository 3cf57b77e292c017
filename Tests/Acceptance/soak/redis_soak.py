#!/usr/bin/env python3
"""Disturbs Redis again and again under load, and checks how two nodes of pushd cope.

    .build/acceptance-venv/bin/python Tests/Acceptance/soak/redis_soak.py --pushd .build/release/pushd

Two nodes, 1,000 subscribers, 200 messages a second and 2,000 more channels by default. Redis is killed and restarted,
frozen, made to close its subscribers' links, and made to refuse the password. The table at the end shows for each kind
how long it took from Redis' recovery until messages arrived on all channels at both nodes. The exit status is 1 if a
check failed.
"""

import argparse
import collections
import itertools
import json
import pathlib
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field

import redis

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support import wait_until
from support.limits import allow_all_descriptors
from support.pushd import ROOT, Pushd, ask
from support.raw import RawClient, decode_frames
from support.redis_server import RedisServer
from support.steady_load import Publisher, Reader, numbered, parse
from support.swarm import Subscriber

PASSWORD, OTHER_PASSWORD = "soak-password", "another-password"
MARGIN = 0.05  # seconds before a disturbance in which a message may already be affected
NODES = 2


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushd", default=str(ROOT / ".build/release/pushd"), help="the binary")
    parser.add_argument("--pushd-option", action="append", default=[], help="an extra argument for pushd")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--freezes", type=int, default=5)
    parser.add_argument("--client-kills", type=int, default=5, help="CLIENT KILL TYPE pubsub")
    parser.add_argument("--wrong-passwords", type=int, default=1)
    parser.add_argument("--steady-seconds", type=float, default=3, help="seconds of load between the disturbances")
    parser.add_argument("--down-seconds", type=float, default=2, help="how long a killed Redis is away")
    parser.add_argument("--freeze-seconds", type=float, default=20)
    parser.add_argument("--silence", type=float, default=15, help="pushd's --redis-silence, which is passed if not 15")
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=200, help="messages a second")
    parser.add_argument("--http-rate", type=float, default=10, help="additional messages a second over HTTP")
    parser.add_argument("--channels", type=int, default=10, help="channels with this load")
    parser.add_argument("--more-channels", type=int, default=2000, help="channels with subscribers but no messages")
    parser.add_argument("--resume-limit", type=float, default=1, help="seconds until delivery resumes")
    parser.add_argument("--http-limit", type=float, default=6, help="seconds until an HTTP publish is answered")
    parser.add_argument("--cpu-limit", type=float, default=3, help="percent of a core while Redis is away")
    parser.add_argument("--rss-slack-mb", type=float, default=8, help="allowed growth of the resident set")
    return parser.parse_args()


@dataclass
class Disturbance:
    kind: str
    began: float = 0
    again: float = 0  # when Redis answers again
    first: dict = field(default_factory=dict)  # by publisher: the number of the first message from then on
    degraded: list = field(default_factory=list)  # seconds until /health said so, for each node that did
    resumed: list = field(default_factory=list)  # for each node: seconds until all channels had delivered
    resynced: float = 0  # seconds until Redis had all subscriptions of both nodes again
    cpu: list = field(default_factory=list)  # percent of a core while away
    lines: list = field(default_factory=list)  # of the log, for each node
    reconnects: list = field(default_factory=list)  # for each node
    reasons: set = field(default_factory=set)


class GapClient:
    """A client of pushd.v1, which receives gap notices."""

    def __init__(self, node, channel):
        self.channel = channel
        self.client = RawClient(node.address).upgrade(f"/ws?channel={channel}", Sec_WebSocket_Protocol="pushd.v1")
        self.client.socket.setblocking(False)

    def gaps(self):
        frames, _ = decode_frames(self.client.received)
        objects = [json.loads(frame.payload) for frame in frames]
        return [one["seconds"] for one in objects if one.get("event") == "gap" and one["channel"] == self.channel]


class HttpPublisher(Publisher):
    """Publishes at a node over HTTP; returns None if it answered 503."""

    def __init__(self, node, channel, rate):
        super().__init__(self._post, [channel], rate, prefix="")
        self.node, self.connection = node, node.http()
        self.slowest = 0
        self.statuses = collections.Counter()

    def _post(self, channel, text):
        began = time.monotonic()
        try:
            status = ask(self.connection, "POST", f"/publish?channel={channel}", text).status
        except OSError:
            self.connection.close()
            status = "no answer"
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.statuses[status] += 1
        return 1 if status == 200 else None


class Soak:
    def __init__(self, options, directory):
        self.options = options
        self.directory = directory
        self.redis = RedisServer(directory, password=PASSWORD)
        self.nodes = []
        self.disturbances = []
        self.problems = []
        self.connection = None

    # Set-up

    def start(self):
        options = self.options
        self.redis.start()
        for number in range(NODES):
            path = self.directory / f"pushd{number}"
            path.mkdir()
            words = ["--redis", self.redis.url.replace("//", f"//:{PASSWORD}@"), "--ping-interval", "3600"]
            words += ["--max-channels", "10000", *options.pushd_option]
            if options.silence != 15:
                words += ["--redis-silence", f"{options.silence:g}"]
            self.nodes.append(Pushd(path, *words).wait_for_status("ok"))
        self.channels = [f"load{number}" for number in range(options.channels)]
        self.quiet = [f"quiet{number}" for number in range(options.more_channels)]
        self.of_node = [self._connect(node) for node in self.nodes]
        self.gap_clients = [GapClient(node, self.channels[0]) for node in self.nodes]
        subscribers = [one for ones in self.of_node for one in ones]
        self.watched = [ones[: options.channels + 1] for ones in self.of_node]
        watched = [one for ones in self.watched for one in ones]
        self.reader = Reader(subscribers + self.gap_clients, watched)
        self.publisher = Publisher(self._publish, self.channels, options.rate)
        self.http = HttpPublisher(self.nodes[0], "http", options.http_rate)
        for thread in (self.reader.thread, self.publisher.thread, self.http.thread):
            thread.start()
        self._wait_for_delivery(self.publisher.begun)

    def _connect(self, node):
        """Connects a subscriber to each loaded channel and to the HTTP channel; the others share the quiet channels."""
        count = self.options.clients // NODES
        share = -(-len(self.quiet) // count)
        subscribers = []
        for number in range(count):
            channel = "http" if number == len(self.channels) else self.channels[number % len(self.channels)]
            quiet = self.quiet[number * share : (number + 1) * share]
            subscribers.append(Subscriber(node, "&channel=".join([channel, *quiet])))
            subscribers[-1].channel, subscribers[-1].quiet = channel, quiet
        return subscribers

    def _publish(self, channel, text):
        """The connection has no timeout, so a frozen Redis executes this message when it is resumed."""
        if self.connection is None:
            self.connection = self.redis.client()
        return self.connection.publish(channel, text)

    def _wait_for_delivery(self, number, seconds=60):
        self.reader.wait_for(number, seconds, self.channels)

    # Disturbances

    def run(self):
        options = self.options
        self.warm_up = self._disturb("warm-up", self.redis.kill, self.redis.start, options.down_seconds)
        self.gaps_before = [len(client.gaps()) for client in self.gap_clients]
        self.before = [resources(node) for node in self.nodes]
        plan = [("kill", self.redis.kill, self.redis.start, options.down_seconds)] * options.kills
        plan += [("freeze", self.redis.freeze, self.redis.thaw, options.freeze_seconds)] * options.freezes
        plan += [("client kill", self._kill_clients, lambda: None, 0)] * options.client_kills
        plan += [("password", self._refuse, self._accept, options.down_seconds)] * options.wrong_passwords
        for number, (kind, *rest) in enumerate(plan, 1):
            print(f"{number}/{len(plan)} {kind}", end=": ", flush=True)
            self.disturbances.append(self._disturb(kind, *rest))
            print(row(self.disturbances[-1:]), flush=True)
        self._deliver_everywhere()
        for node in self.nodes:
            node.wait_for_status("ok")
        self.after = [resources(node) for node in self.nodes]

    def _disturb(self, kind, leave, come_back, seconds):
        self._wait_for_delivery(self.publisher.begun + int(self.options.steady_seconds * self.options.rate))
        for node in self.nodes:
            node.wait_for_status("ok")
        one = Disturbance(kind)
        logs = [len(node.log()) for node in self.nodes]
        reconnects = [node.health()["redis"]["reconnects"] for node in self.nodes]
        one.began = time.monotonic()
        leave()
        if seconds:
            self._stay_away(one, seconds)
        come_back()
        one.again = time.monotonic()
        one.first = {publisher: publisher.begun for publisher in (self.publisher, self.http)}
        self._time_resumption(one)
        for node, length, before in zip(self.nodes, logs, reconnects):
            node.wait_for_status("ok")
            one.reconnects.append(node.health()["redis"]["reconnects"] - before)
            one.lines.append(sum("redis" in line.lower() for line in node.log()[length:].splitlines()))
        return one

    def _stay_away(self, one, seconds):
        """Polls /health until it is degraded, then measures the CPU."""
        waiting = list(self.nodes)
        limit = 1 if one.kind != "freeze" else self.options.silence / 3 + 2  # a third, plus the time between two probes
        while waiting and time.monotonic() < one.began + limit:
            for node in list(waiting):
                if node.health()["status"] == "degraded":
                    one.degraded.append(time.monotonic() - one.began)
                    waiting.remove(node)
            time.sleep(0.02)
        self._require(not waiting, f"{one.kind}: {len(waiting)} nodes did not say degraded within {limit:g} s")
        began, cpu = time.monotonic(), [node.cpu_seconds() for node in self.nodes]
        time.sleep(max(1, one.began + seconds - began))
        share = 100 / (time.monotonic() - began)
        one.cpu = [(node.cpu_seconds() - before) * share for node, before in zip(self.nodes, cpu)]
        for node in self.nodes:
            health = node.health()
            status = health["status"]
            one.reasons.add(health["redis"].get("reason"))
            self._require(status == "degraded", f"{one.kind}: {status} on /health while Redis was away")

    def _time_resumption(self, one):
        """Measures how long it takes until Redis has all subscriptions and all channels deliver new messages."""
        wanted = [f"push:{channel}" for channel in self.channels + self.quiet]
        with self.redis.client() as client:

            def has_all():
                return all(count == NODES for _, count in client.pubsub_numsub(*wanted))

            self._expect(has_all, f"{one.kind}: the subscriptions of both nodes in Redis", seconds=20)
        one.resynced = time.monotonic() - one.again
        first = one.first[self.publisher]
        self._wait_for_delivery(first + len(self.channels))
        for subscribers in self.watched:
            first_arrivals = [
                next(arrival.time for arrival in self.reader.arrivals[subscriber] if arrival.number >= first)
                for subscriber in subscribers
                if subscriber.channel in self.channels
            ]
            one.resumed.append(max(first_arrivals) - one.again)

    def _kill_clients(self):
        with self.redis.client() as client:
            killed = client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        self._require(killed >= NODES, f"client kill: only {killed} links")

    def _refuse(self):
        """Redis requires another password, and all clients must log in again."""
        with self.redis.client() as client:
            client.config_set("requirepass", OTHER_PASSWORD)
            client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def _accept(self):
        with redis.Redis(port=self.redis.port, password=OTHER_PASSWORD) as client:
            client.config_set("requirepass", PASSWORD)

    def _deliver_everywhere(self):
        """Publishes to each quiet channel, because the resynchronisation must not have missed any."""
        with self.redis.client() as client, client.pipeline(transaction=False) as pipeline:
            for number, channel in enumerate(self.quiet):
                pipeline.publish(f"push:{channel}", numbered(channel, number))
            wrong = sum(count != NODES for count in pipeline.execute())
        self._require(not wrong, f"{wrong} of {len(self.quiet)} quiet channels are not subscribed at both nodes")
        self._wait_for_delivery(self.publisher.begun)
        self.publisher.stop()
        self.http.stop()
        self.reader.settle()

    # Checks

    def check(self):
        options = self.options
        for one in self.disturbances:
            for seconds in one.resumed:
                limit = options.resume_limit
                self._require(seconds <= limit, f"{one.kind}: delivery resumed after {seconds:.2f} s, not {limit:g}")
            for percent in one.cpu:
                limit = options.cpu_limit
                self._require(percent < limit, f"{one.kind}: {percent:.1f} % CPU while Redis was away, not {limit:g}")
        for one in self.disturbances:
            if one.kind == "password":
                told = any("WRONGPASS" in (reason or "").upper() for reason in one.reasons)
                self._require(told, f"password: /health gave {one.reasons} as the reason, not WRONGPASS")
        self._check_messages()
        self._check_gaps()
        self._check_leaks()
        self._require(not self.reader.lost, f"{len(self.reader.lost)} subscribers were disconnected")
        self._require(set(self.http.statuses) <= {200, 503}, f"HTTP publishes were answered {dict(self.http.statuses)}")
        slowest = self.http.slowest
        self._require(slowest < options.http_limit, f"an HTTP publish took {slowest:.1f} s, not {options.http_limit:g}")

    def _check_messages(self):
        self.lost_while_up = 0
        for number, subscribers in enumerate(self.of_node):
            expected = self._expected(number)
            for subscriber in subscribers:
                received = collections.defaultdict(list)
                for payload in subscriber.messages():
                    channel, message = parse(payload)
                    received[channel].append(message)
                for channel, numbers in received.items():
                    is_right = all(first < second for first, second in itertools.pairwise(numbers))
                    self._require(is_right, f"node {number}: {channel}: a message twice or out of order")
                lost = expected[subscriber.channel] - set(received[subscriber.channel])
                self.lost_while_up += len(lost)
                what = f"node {number}: {subscriber.channel}: {len(lost)} lost, such as {sorted(lost)[:5]}"
                self._require(not lost, what)
                for channel in subscriber.quiet:
                    count = len(received[channel])
                    self._require(count == 1, f"node {number}: {channel}: {count} messages, not 1")

    def _expected(self, node):
        """For each channel the messages published while this node's link was up.

        That is from the first one that arrived after a disturbance until shortly before the next disturbance.
        """
        starts = [self.warm_up, *self.disturbances]
        ends = [one.began for one in self.disturbances] + [time.monotonic()]
        expected = collections.defaultdict(set)
        for subscriber in self.watched[node]:
            channel = subscriber.channel
            publisher = self.http if channel == "http" else self.publisher
            sent = [message for message in publisher.sent if message.channel == channel]
            if publisher is self.http:
                sent = [message for message in sent if message.receivers]  # answered 200
            numbers = [arrival.number for arrival in self.reader.arrivals[subscriber] if arrival.channel == channel]
            for start, end in zip(starts, ends):
                first = next((number for number in numbers if number >= start.first[publisher]), None)
                if first is not None:
                    expected[channel] |= {
                        message.number for message in sent if message.number >= first and message.began < end - MARGIN
                    }
        return expected

    def _check_gaps(self):
        for number, (client, before) in enumerate(zip(self.gap_clients, self.gaps_before)):
            gaps = client.gaps()[before:]
            lost = sum(one.reconnects[number] > 0 for one in self.disturbances)
            self._require(len(gaps) == lost, f"node {number}: {len(gaps)} gaps told for {lost} lost links")

    def _check_leaks(self):
        for number, (before, after) in enumerate(zip(self.before, self.after)):
            more = after["descriptors"] - before["descriptors"]
            self._require(more <= 0, f"node {number}: {more} more descriptors")
            grown = after["rss_mb"] - before["rss_mb"]
            self._require(grown <= self.options.rss_slack_mb, f"node {number}: {grown:.1f} MB more resident memory")

    def _require(self, holds, problem):
        if not holds:
            self.problems.append(problem)

    def _expect(self, condition, what, seconds):
        try:
            wait_until(condition, what, seconds, pause=0.02)
        except AssertionError as failure:
            self.problems.append(str(failure))

    def stop(self):
        for node in self.nodes:
            try:
                node.stop()
            except AssertionError as failure:
                self.problems.append(str(failure).partition("\n")[0])
        self.redis.kill()


def resources(node):
    pages = int(pathlib.Path(f"/proc/{node.process.pid}/statm").read_text().split()[1])
    return {"descriptors": fewest_descriptors(node), "rss_mb": pages * resource.getpagesize() / (1 << 20)}


def fewest_descriptors(node):
    """The minimum over half a second, so that connections of HTTP requests that just ended do not count."""
    counts = []
    for _ in range(10):
        counts.append(node.descriptors())
        time.sleep(0.05)
    return min(counts)


COLUMNS = ("count", "degraded", "resumed", "slowest", "resynced", "CPU", "log lines")


def row(disturbances):
    def most(values, text):
        values = list(values)
        return text.format(max(values)) if values else "-"

    resumed = [seconds for one in disturbances for seconds in one.resumed]
    cells = [
        str(len(disturbances)),
        most((seconds for one in disturbances for seconds in one.degraded), "{:.2f} s"),
        f"{statistics.median(resumed):.2f} s",
        most(resumed, "{:.2f} s"),
        most((one.resynced for one in disturbances), "{:.2f} s"),
        most((percent for one in disturbances for percent in one.cpu), "{:.1f} %"),
        most((lines for one in disturbances for lines in one.lines), "{}"),
    ]
    return "".join(f"{cell:>11}" for cell in cells)


def print_table(soak):
    print(f"\n{'':14}" + "".join(f"{name:>11}" for name in COLUMNS))
    for kind in dict.fromkeys(one.kind for one in soak.disturbances):
        print(f"{kind:14}" + row([one for one in soak.disturbances if one.kind == kind]))
    print("resumed: the median, slowest and all others: the worst; seconds from the moment Redis answered again")
    for number, (before, after) in enumerate(zip(soak.before, soak.after)):
        print(f"node {number}: descriptors {before['descriptors']} -> {after['descriptors']}", end=", ")
        print(f"resident memory {before['rss_mb']:.1f} -> {after['rss_mb']:.1f} MB")
    accepted = sum(message.receivers is not None for message in soak.publisher.sent)
    print(f"{len(soak.publisher.sent)} messages, Redis accepted {accepted}", end="; ")
    print(f"{soak.lost_while_up} lost while the links were up")
    print(f"HTTP: {dict(soak.http.statuses)}, the slowest answer after {soak.http.slowest:.2f} s")


def main():
    options = parse_options()
    allow_all_descriptors()
    sys.setswitchinterval(0.001)  # the publishing and reading threads must be on time
    Pushd.command = (options.pushd,)
    with tempfile.TemporaryDirectory(prefix="redis-soak-") as directory:
        soak = Soak(options, pathlib.Path(directory))
        try:
            soak.start()
            soak.run()
            soak.check()
            print_table(soak)
        finally:
            soak.stop()
    for problem, count in collections.Counter(soak.problems).most_common(40):
        print(f"does not hold: {problem}" + (f" ({count} times)" if count > 1 else ""))
    return 1 if soak.problems else 0


if __name__ == "__main__":
    sys.exit(main())
