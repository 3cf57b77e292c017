"""Measures the cost of TLS: CPU per delivery and memory per idle connection, without TLS and with both record layers.

    tls.py [--rounds N] [--nchan]        (with nginx and nchan, if they are there)

1,000 subscribers receive 128 bytes, one message at a time and 16 in flight; 3,000 idle ones show the memory.
Subscribers count bytes and do not decrypt them: a subscriber that is slower with TLS would change how many messages the
server flushes together, and distort the ratio. The kinds are measured alternately in shuffled order, each on a fresh
pushd with one worker on its own core; the results are medians.
"""

import argparse
import os
import random
import resource
import statistics
import tempfile

from throwaway import throwaway_pushd  # also makes `support` importable

from bench import growth
from loads import Audience, Publishing
from nchan import throwaway_nchan
from secure import secure_port
from support import free_port

KINDS = {"plain": (None, "openssl")} | {
    f"TLS {version} {records}": (version, records) for version in ("1.2", "1.3") for records in ("openssl", "compact")
}
SUBSCRIBERS, IDLE = 1_000, 3_000


def cpu_per_delivery(pushd, version, in_flight):
    """The server's CPU time in microseconds."""
    load = Publishing(channels=1, subscribers=SUBSCRIBERS, units=0, warm_up=0)
    audience = Audience(pushd, ["/ws?channel=c0"] * SUBSCRIBERS, version)
    publisher = pushd.raw()
    rounds, warm_up = (400, 10) if in_flight == 1 else (200, 10)
    for number in range(warm_up + rounds):
        if number == warm_up:
            began = pushd.cpu_seconds()
        publisher.send(load.request(0) * in_flight)
        for _ in range(in_flight):
            assert publisher.read_response().status in (200, 201)  # nchan: Created
        audience.receive(in_flight * SUBSCRIBERS)
    return (pushd.cpu_seconds() - began) / (rounds * in_flight * SUBSCRIBERS) * 1e6


def bytes_per_idle_connection(pushd, version):
    growth(pushd, ["/ws?channel=c"] * 100, version)  # for memory that is allocated only once
    return growth(pushd, ["/ws?channel=c"] * IDLE, version)["Anonymous"]


def server(records, directory):
    if records == "nchan":
        return throwaway_nchan(free_port(), secure_port(directory))
    return throwaway_pushd("--workers", "1", "--ping-interval", "3600", *secure_port(directory, records))


def measure(measurement, version, records, *arguments):
    with tempfile.TemporaryDirectory() as directory, server(records, directory) as pushd:
        os.sched_setaffinity(pushd.process.pid, {0})
        return measurement(pushd, version, *arguments)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--nchan", action="store_true")
    given = parser.parse_args()
    rounds, kinds = given.rounds, dict(KINDS)
    if given.nchan:
        kinds["nchan TLS 1.3"] = ("1.3", "nchan")
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    single, batched, idle = ({kind: [] for kind in kinds} for _ in range(3))
    for _ in range(rounds):
        for kind, how in random.sample(list(kinds.items()), len(kinds)):
            single[kind].append(measure(cpu_per_delivery, *how, 1))
            batched[kind].append(measure(cpu_per_delivery, *how, 16))
            idle[kind].append(measure(bytes_per_idle_connection, *how))
    print(f"{'':15} {'us/delivery':>12} {'ratio':>6} {'16 at once':>12} {'ratio':>6} {'B/idle conn':>12}")
    for kind in kinds:
        line = f"{kind:15}"
        for figures in (single, batched):
            median = statistics.median(figures[kind])
            line += f" {median:12.3f} {median / statistics.median(figures['plain']):6.2f}"
        print(f"{line} {statistics.median(idle[kind]):12.0f}")


if __name__ == "__main__":
    main()
