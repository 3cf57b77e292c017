"""Measures the cost of compression: CPU per delivery and memory per idle connection, with and without it.

    compression.py [--rounds N]

1,000 subscribers receive 1 KiB of JSON, one message at a time; 15,000 idle ones show the memory. The kinds are measured
alternately in shuffled order, each on a fresh pushd with one worker on its own core; the results are medians.
"""

import argparse
import json
import os
import random
import selectors
import statistics

from throwaway import throwaway_pushd  # also makes `support` importable

from support.raw import decode_frames

from loads import opened

KINDS = {
    "plain": ("/ws", {}),
    "compressed": ("/ws", {"Sec_WebSocket_Extensions": "permessage-deflate; client_max_window_bits"}),
    "sse": ("/sse", {}),
    "sse in gzip": ("/sse", {"Accept_Encoding": "gzip"}),
}
SUBSCRIBERS, MESSAGES, IDLE = 1_000, 300, 15_000


def message(number):
    """1 KiB of JSON, different for each message."""
    dice = random.Random(number)
    items = []
    while len(text := json.dumps({"update": number, "items": items})) < 1_024:
        items.append({"id": dice.randrange(10**6), "name": f"item {dice.randrange(99)}", "price": dice.random() * 100})
    return text[:1_023].encode() + b"}"


class Subscribers:
    def __init__(self, pushd, count, path, headers):
        self.selector = selectors.DefaultSelector()
        self.clients = []
        self.ends = None
        for _ in range(count):
            client = opened(pushd.raw(), f"{path}?channel=c", headers)
            client.socket.setblocking(False)
            self.selector.register(client.socket, selectors.EVENT_READ)
            self.clients.append(client)
        if path == "/sse":
            self.ends = b"\x00\x00\xff\xff" if headers else b"\n\n"

    def _is_complete(self, client):
        """Whether a client has got a message."""
        if self.ends:
            return client.received.endswith(self.ends)
        return decode_frames(client.received, deflates=client.deflates)[1]

    def receive_message(self):
        """Waits until every subscriber has received one message, and returns its size on the wire."""
        first = self.clients[0]
        while not self._is_complete(first):
            first.socket.setblocking(True)
            first.receive_more()
        first.socket.setblocking(False)
        size = len(first.received)
        first.received.clear()
        missing = size * (len(self.clients) - 1)
        while missing:
            for key, _ in self.selector.select(timeout=10):
                missing -= len(key.fileobj.recv(65_536))
        return size


def cpu_per_delivery(pushd, kind):
    """Microseconds of the server's CPU, and the bytes of a message on the wire."""
    subscribers = Subscribers(pushd, SUBSCRIBERS, *KINDS[kind])
    publisher = pushd.http()
    sizes = []
    for number in range(MESSAGES):
        if number == 10:  # warmed up
            began = pushd.cpu_seconds()
        publisher.request("POST", "/publish?channel=c", body=message(number))
        publisher.getresponse().read()
        sizes.append(subscribers.receive_message())
    deliveries = (MESSAGES - 10) * SUBSCRIBERS
    return (pushd.cpu_seconds() - began) / deliveries * 1e6, statistics.mean(sizes)


def bytes_per_idle_connection(pushd, kind):
    Subscribers(pushd, 500, *KINDS[kind])  # for memory that is allocated only once
    before = pushd.resident_bytes()
    Subscribers(pushd, IDLE, *KINDS[kind])
    return (pushd.resident_bytes() - before) / IDLE


def measure(measurement, kind):
    with throwaway_pushd("--compression", "on", "--workers", "1") as pushd:
        os.sched_setaffinity(pushd.process.pid, {0})
        return measurement(pushd, kind)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    cpu, wire, memory = ({kind: [] for kind in KINDS} for _ in range(3))
    for _ in range(rounds):
        for kind in random.sample(list(KINDS), len(KINDS)):
            cost, size = measure(cpu_per_delivery, kind)
            memory[kind].append(measure(bytes_per_idle_connection, kind))
            cpu[kind].append(cost)
            wire[kind].append(size)
    print(f"{'kind':12} {'us/delivery':>11} {'ratio':>6} {'bytes on the wire':>18} {'B/idle conn':>12} {'ratio':>6}")
    for kind in KINDS:
        cost, idle = statistics.median(cpu[kind]), statistics.median(memory[kind])
        ratios = cost / statistics.median(cpu["plain"]), idle / statistics.median(memory["plain"])
        print(f"{kind:12} {cost:11.2f} {ratios[0]:6.2f} {statistics.median(wire[kind]):18.0f} {idle:12.0f} {ratios[1]:6.2f}")


if __name__ == "__main__":
    main()
