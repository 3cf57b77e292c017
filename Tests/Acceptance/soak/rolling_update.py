#!/usr/bin/env python3
"""Replaces three nodes behind HAProxy one after the other, and checks that clients and a publisher do not notice.

    .build/acceptance-venv/bin/python Tests/Acceptance/soak/rolling_update.py --pushd .build/release/pushd

The exit status is 1 if a client was refused, was closed without 1001 or did not reconnect, or if a publish failed.
"""

import argparse
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.certificates import Authority
from support.limits import allow_all_descriptors
from support.pushd import ROOT, Pushd
from support.redis_server import RedisServer
from support.rolling import Cluster, roll_under_load


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushd", default=str(ROOT / ".build/release/pushd"), help="the binary")
    parser.add_argument("--clients", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=100, help="publishes a second")
    parser.add_argument("--drain-delay", type=int, default=3, help="in seconds; HAProxy checks every second")
    parser.add_argument("--drain", type=int, default=5, help="seconds")
    parser.add_argument("--no-retries", action="store_true", help="HAProxy tries each connection once")
    return parser.parse_args()


def main():
    options = parse_options()
    allow_all_descriptors()
    Pushd.command = (options.pushd,)
    words = ["--drain-delay", str(options.drain_delay), "--drain", str(options.drain)]
    changes = [("    option redispatch\n", "    retries 0\n")] if options.no_retries else []
    with tempfile.TemporaryDirectory(prefix="rolling-update-") as directory:
        directory = pathlib.Path(directory)
        redis = RedisServer(directory).start()
        cluster = Cluster(directory, Authority(directory), redis.url, *words, changes=changes)
        try:
            began = time.monotonic()
            clients, publisher = roll_under_load(cluster, options.clients, options.rate)
            seconds = time.monotonic() - began
        finally:
            cluster.stop()
            redis.kill()
    print(f"{options.clients:,} clients, {clients.newcomers:,} newcomers, {seconds:.0f} s")
    print(f"refused handshakes {len(clients.failures)}, ends {dict(clients.codes)}")
    print(f"{publisher.published:,} publishes, {len(publisher.failures)} failed, slowest {1000 * publisher.slowest:.0f} ms")
    for failure in (clients.failures + publisher.failures)[:10]:
        print(f"does not hold: {failure}")
    return 1 if clients.failures or publisher.failures or set(clients.codes) - {1001} else 0


if __name__ == "__main__":
    sys.exit(main())
