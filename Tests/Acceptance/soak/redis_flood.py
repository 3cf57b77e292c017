#!/usr/bin/env python3
"""Floods one node of pushd through Redis: 200,000 small messages a second for 10 s, for 10 subscribers.

    .build/acceptance-venv/bin/python Tests/Acceptance/soak/redis_flood.py --pushd .build/release/pushd

Reports what arrived, whether Redis or pushd cut a connection and logged that, whether delivery continues afterwards,
and the slowest response to GET /health. The exit status is 1 if a message is missing although no connection was cut, or
arrives twice or out of order; if delivery does not resume; or if /health is not answered in time.
"""

import argparse
import http.client
import itertools
import json
import multiprocessing
import pathlib
import signal
import socket
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support import free_port, wait_until
from support.certificates import Authority
from support.pushd import ROOT, Pushd, ask
from support.raw import CLOSE, RawClient, decode_frames
from support.redis_server import RedisServer

CHANNEL = "flood"
DIGITS = 8  # a message consists of its number
FRAME_HEAD = bytes([0x81, DIGITS])
BATCH = 1000  # messages per write
LAST = 10**DIGITS - 1  # the number of the message after the flood


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushd", default=str(ROOT / ".build/release/pushd"), help="the binary")
    parser.add_argument("--pushd-option", action="append", default=[], help="an extra argument for pushd")
    parser.add_argument("--rate", type=int, default=200_000, help="messages a second")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--subscribers", type=int, default=10)
    parser.add_argument("--output-buffer-limit", default="32mb 8mb 60", help="Redis' client-output-buffer-limit pubsub")
    parser.add_argument("--health-limit", type=float, default=1, help="seconds within which /health must answer")
    parser.add_argument(
        "--pause", type=float, default=0, help="seconds for which pushd is frozen, so that Redis cuts it"
    )
    parser.add_argument("--tls", action="store_true", help="over TLS")
    return parser.parse_args()


def command(number):
    channel = f"push:{CHANNEL}"
    return b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%s\r\n$%d\r\n%0*d\r\n" % (
        len(channel),
        channel.encode(),
        DIGITS,
        DIGITS,
        number,
    )


def publish(port, rate, seconds, results):
    """A process that pipelines prepared batches at this rate; returns how many messages had how many receivers."""
    count = int(rate * seconds) // BATCH
    batches = [b"".join(map(command, range(batch * BATCH, (batch + 1) * BATCH))) for batch in range(count)]
    counts = {}
    connection = socket.create_connection(("127.0.0.1", port))
    reader = threading.Thread(target=read_counts, args=[connection, count * BATCH, counts])
    reader.start()
    began = time.monotonic()
    for number, batch in enumerate(batches):
        time.sleep(max(0, began + number * BATCH / rate - time.monotonic()))
        connection.sendall(batch)
    written = time.monotonic() - began
    reader.join()
    results.put({"counts": counts, "written": written, "answered": time.monotonic() - began})


def read_counts(connection, expected, counts):
    rest, answers = b"", 0
    while answers < expected:
        *lines, rest = (rest + connection.recv(1 << 20)).split(b"\r\n")
        answers += len(lines)
        for line in set(lines):
            counts[line.decode()] = counts.get(line.decode(), 0) + lines.count(line)


class Subscriber:
    """Keeps the bytes it received; `closed` says why it was disconnected."""

    def __init__(self, address):
        self.client = RawClient(address).upgrade(f"/ws?channel={CHANNEL}")
        self.closed = None

    def read(self):
        """Reads to the end of the stream. The bytes are parsed afterwards."""
        self.client.socket.settimeout(None)
        while self.closed is None:
            try:
                data = self.client.socket.recv(1 << 18)
            except OSError as failure:
                self.closed = str(failure)
                return
            if not data:
                self.closed = "the end of the stream"
            self.client.received += data

    def report(self):
        """Parses the messages: all frames have the same length, so they are split quickly. A Close may follow."""
        received, size = bytes(self.client.received), len(FRAME_HEAD) + DIGITS
        end = received.rfind(FRAME_HEAD) + size if FRAME_HEAD in received else 0
        numbers = [int(number) for number in received[:end].split(FRAME_HEAD)[1:]]
        frames, _ = decode_frames(received[end:])
        codes = [int.from_bytes(frame.payload[:2], "big") for frame in frames if frame.opcode == CLOSE]
        return {
            "received": len(numbers),
            "last": numbers[-1] if numbers else None,
            "wrong": sum(first >= second for first, second in itertools.pairwise(numbers)),
            "holes": sum(first + 1 < second < LAST for first, second in itertools.pairwise(numbers))
            + (numbers[:1] != [0]),
            "closed": f"close code {codes[0]}" if codes else self.closed,
        }


def subscribe(address, count, ready, stop, results):
    """A process with the subscribers; at the end it returns what each received."""
    subscribers = [Subscriber(address) for _ in range(count)]
    threads = [threading.Thread(target=subscriber.read, daemon=True) for subscriber in subscribers]
    for thread in threads:
        thread.start()
    ready.set()
    stop.wait()
    results.put([subscriber.report() for subscriber in subscribers])


def watch_health(address, stop, results):
    """A process that requests /health twenty times a second over one connection."""
    latencies, statuses, failures = [], set(), 0
    connection = http.client.HTTPConnection(*address, timeout=10)
    while not stop.wait(0.05):
        began = time.monotonic()
        try:
            statuses.add(json.loads(ask(connection, "GET", "/health").body)["status"])
        except OSError:
            failures += 1
            connection.close()
        latencies.append(time.monotonic() - began)
    results.put({"asked": len(latencies), "worst": max(latencies), "failures": failures, "statuses": sorted(statuses)})


class Flood:
    def __init__(self, options, directory):
        self.options = options
        self.problems = []
        words = ["--client-output-buffer-limit", f"pubsub {options.output_buffer_limit}"]
        plain_port = free_port()
        tls = None
        if options.tls:
            authority = Authority(directory)
            tls = authority.sign("server")
            words += ["--port", str(plain_port)]  # an additional port for the publisher
        self.redis = RedisServer(directory, *words, tls=tls).start()
        self.publish_port = plain_port if tls else self.redis.port
        words = ["--redis", self.redis.url, "--ping-interval", "3600", *options.pushd_option]
        words += ["--redis-ca", str(authority.file)] if tls else []
        try:
            self.node = Pushd(directory, *words)
        except BaseException:
            self.redis.kill()
            raise

    def run(self):
        self.node.wait_for_status("ok")
        results = {name: multiprocessing.Queue() for name in ("published", "received", "health")}
        ready, stop = multiprocessing.Event(), multiprocessing.Event()
        options, address = self.options, self.node.address
        processes = [
            multiprocessing.Process(
                target=subscribe, args=(address, options.subscribers, ready, stop, results["received"])
            ),
            multiprocessing.Process(target=watch_health, args=(address, stop, results["health"])),
            multiprocessing.Process(
                target=publish, args=(self.publish_port, options.rate, options.seconds, results["published"])
            ),
        ]
        for process in processes:
            process.daemon = True
        processes[0].start()
        ready.wait()
        processes[1].start()
        cpu, began = self.node.cpu_seconds(), time.monotonic()
        processes[2].start()
        if options.pause:
            self.pause(options.pause)
        self.published = results["published"].get()
        ended = time.monotonic()
        self.cpu = (self.node.cpu_seconds() - cpu) / (ended - began)
        self.recover()
        self.recovered = time.monotonic() - ended
        stop.set()
        self.received, self.health = results["received"].get(), results["health"].get()
        for process in processes:
            process.join()
        # Redis 7.0 does not yet count them in INFO.
        self.cuts = self.redis.log().count("for overcoming of output buffer limits")
        self.redis_health = self.node.health()["redis"]

    def pause(self, seconds):
        self.node.signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.node.signal(signal.SIGCONT)

    def recover(self):
        """Waits until a message published now arrives at a new subscriber."""
        wait_until(lambda: self.node.health()["status"] == "ok", "ok on /health", seconds=60)
        with RawClient(self.node.address, timeout=60).upgrade(f"/ws?channel={CHANNEL}") as client:
            wait_until(lambda: self.redis.publish(f"push:{CHANNEL}", LAST) == 1, "pushd's subscription", seconds=60)
            while client.read_frame().payload != b"%d" % LAST:
                pass

    def check(self):
        accepted = self.published["counts"].get(":1", 0) + 1  # plus the last one
        for number, subscriber in enumerate(self.received):
            self.require(not subscriber["wrong"], f"subscriber {number}: a message twice or out of order")
            if not subscriber["closed"]:
                self.require(subscriber["last"] == LAST, f"subscriber {number}: delivery did not resume")
                missing = accepted - subscriber["received"]
                self.require(missing == 0 or self.cuts, f"subscriber {number}: {missing} lost, and Redis cut no link")
        if self.cuts:
            self.require(self.redis_health["reconnects"] >= self.cuts, "more links cut than made again")
            self.require(self.lines(), "Redis cut the link and the log does not say so")
        else:
            self.require(not self.redis_health["reconnects"], "the link was made again though Redis did not cut it")
        limit = self.options.health_limit + self.options.pause
        self.require(not self.health["failures"], f"{self.health['failures']} times no answer on /health")
        self.require(self.health["worst"] < limit, f"/health took {self.health['worst']:.2f} s, not {limit:g}")

    def require(self, holds, problem):
        if not holds:
            self.problems.append(problem)

    def lines(self):
        """The log lines about Redis after the first connection."""
        return [line for line in self.node.log().splitlines() if "redis" in line.lower()][1:]

    def print_report(self):
        counts, written = self.published["counts"], self.published["written"]
        total = sum(counts.values())
        print(f"published   {total:,} in {written:.2f} s, {total / written:,.0f} a second", end="; ")
        print(f"with a receiver {counts.get(':1', 0):,}, without {counts.get(':0', 0):,}")
        for number, one in enumerate(self.received):
            print(f"subscriber {number}: {one['received']:,} messages, {one['holes']} holes", end="")
            print(f", cut off: {one['closed']}" if one["closed"] else "")
        print(f"links that Redis cut for the output buffer's limit: {self.cuts}; {self.redis_health}")
        print(f"delivery of a new message {self.recovered:.2f} s after the flood")
        health = self.health
        print(f"/health asked {health['asked']} times, worst {health['worst'] * 1000:.1f} ms", end=", ")
        print(f"{health['failures']} failures, said {', '.join(health['statuses'])}")
        print(f"pushd used {100 * self.cpu:.0f} % of a core")
        for line in self.lines():
            print(f"log: {line}")

    def stop(self):
        try:
            self.node.stop()
        except AssertionError as failure:
            self.problems.append(str(failure).partition("\n")[0])
        self.redis.kill()


def main():
    options = parse_options()
    Pushd.command = (options.pushd,)
    with tempfile.TemporaryDirectory(prefix="redis-flood-") as directory:
        flood = Flood(options, pathlib.Path(directory))
        try:
            flood.run()
            flood.check()
            flood.print_report()
        finally:
            flood.stop()
    for problem in flood.problems:
        print(f"does not hold: {problem}")
    return 1 if flood.problems else 0


if __name__ == "__main__":
    sys.exit(main())
