#!/usr/bin/env python3
"""Opens 500 WebSockets a second while the backend that decides about them misbehaves, and measures another client.

    .build/acceptance-venv/bin/python Tests/Acceptance/soak/hook_storm.py --pushd .build/release/pushd --seconds 600

The backend first answers, then hangs, answers garbage, resets, is slow, answers 503 and is away, each for --seconds. The
client that is measured pings over its WebSocket. Another one publishes, which the backend is told as events. The exit
status is 1 if the 0.99 quantile of the pings' round trips is more than --worst-ratio times that with a backend that
answers, if a client had an answer that it may not have, if the daemon's memory grew by more than --most-growth MiB, or
if the backend does not get every event afterwards, in order and once.
"""

import argparse
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.backend import Backend
from support.connects import CONDUCTS, Connects, Speaker, behave, misbehave, told
from support.crowd import percentile
from support.limits import allow_all_descriptors
from support.pushd import ROOT, Pushd
from support.storm import Pinger


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushd", default=str(ROOT / ".build/release/pushd"), help="the binary")
    parser.add_argument("--pushd-option", action="append", default=[], help="an extra argument for pushd")
    parser.add_argument("--rate", type=float, default=500, help="WebSockets per second")
    parser.add_argument("--seconds", type=float, default=600, help="of each conduct")
    parser.add_argument("--worst-ratio", type=float, default=1.2)
    parser.add_argument("--most-growth", type=float, default=64, help="MiB")
    return parser.parse_args()


def main():
    options = parse_options()
    allow_all_descriptors()
    Pushd.command = (options.pushd,)
    problems, usual = [], None
    backend = Backend()
    with tempfile.TemporaryDirectory(prefix="hook-storm-") as directory:
        hooks = ["--hook-connect", f"{backend.url}/connect", "--hook-events", f"{backend.url}/events"]
        events = ["--hook-event", "published", "--channel", "spoken: publish=anyone"]
        node = Pushd(pathlib.Path(directory), *hooks, *events, *options.pushd_option)
        speaker = Speaker(node.address)
        speaker.thread.start()
        print(f"{'backend':10}{'pings':>8}{'p50 ms':>9}{'p99 ms':>9}{'worst ms':>10}{'MiB':>6}  answers")
        for conduct, allowed in CONDUCTS.items():
            misbehave(backend, "answer")
            pinger = Pinger(node.address).start()  # connected before
            misbehave(backend, conduct)
            connects = Connects(node.address, rate=options.rate).start()
            time.sleep(options.seconds)
            statuses, waits = connects.stop(), pinger.stop()
            behave(backend)
            assert not isinstance(waits, str) and not isinstance(statuses, str), (waits, statuses)
            p50, p99 = (1000 * percentile(waits, share) for share in (0.5, 0.99))
            memory = node.resident_bytes() / 2**20
            columns = f"{conduct!s:10}{len(waits):>8}{p50:>9.2f}{p99:>9.2f}{1000 * waits[-1]:>10.2f}{memory:>6.0f}"
            print(f"{columns}  {dict(statuses)}", flush=True)
            usual = usual or (p99, memory)
            if p99 > options.worst_ratio * usual[0]:
                problems.append(f"{conduct}: p99 is {p99 / usual[0]:.2f} times that with a backend that answers")
            if memory - usual[1] > options.most_growth:
                problems.append(f"{conduct}: the memory grew by {memory - usual[1]:.0f} MiB")
            if not set(statuses) <= allowed:
                problems.append(f"{conduct}: answers {dict(statuses)}")
            wait_until_up(node)
        speaker.stop()
        problems += events_problems(backend, speaker.count)
        node.stop()
    backend.close()
    print("\n".join(problems))
    return bool(problems)


def events_problems(backend, count):
    """What is wrong with the events, after as long as the last retry may be away."""
    deadline = time.monotonic() + 60
    while len(backend.events) < count and time.monotonic() < deadline:
        time.sleep(0.1)
    print(f"{len(backend.events)} of {count} events, in {len(backend.attempts)} batches with those sent again")
    return [] if told(backend) == list(range(count)) else ["events are missing, out of order or twice"]


def wait_until_up(node):
    """A backend that was away is asked again after some seconds."""
    while True:
        try:
            return node.connect("c").close()
        except Exception:  # refused
            time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
