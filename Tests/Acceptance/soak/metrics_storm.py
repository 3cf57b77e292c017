#!/usr/bin/env python3
"""Measures a client's ping while 4 clients pipeline 400 requests each, with 9,000 open WebSockets.

    .build/acceptance-venv/bin/python Tests/Acceptance/soak/metrics_storm.py --pushd .build/release/pushd

The requests are for /metrics and each --path. The exit status is 1 if a ping took longer than --limit milliseconds.
"""

import argparse
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.crowd import percentile
from support.limits import allow_all_descriptors
from support.pushd import ROOT, Pushd
from support.storm import IdleCrowd, Pinger, ask_in_a_pipeline


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushd", default=str(ROOT / ".build/release/pushd"), help="the binary")
    parser.add_argument("--pushd-option", action="append", default=[], help="an extra argument for pushd")
    parser.add_argument("--connections", type=int, default=9000)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--requests", type=int, default=400, help="of each client, in one pipeline")
    parser.add_argument("--path", action="append", default=["/metrics"])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--limit", type=float, default=20, help="milliseconds")
    return parser.parse_args()


def main():
    options = parse_options()
    allow_all_descriptors()
    Pushd.command = (options.pushd,)
    worst = 0
    with tempfile.TemporaryDirectory(prefix="metrics-storm-") as directory:
        node = Pushd(pathlib.Path(directory), *options.pushd_option)
        idle = IdleCrowd(node.address, count=options.connections).start()
        print(f"{'':24}{'pings':>8}{'p50 ms':>9}{'p99 ms':>9}{'worst ms':>10}  answers")
        for path in options.path * options.runs:
            pinger = Pinger(node.address).start()
            statuses = ask_in_a_pipeline(node.address, path, options.requests, options.clients)
            waits = pinger.stop()
            assert not isinstance(waits, str), waits
            p50, p99 = (1000 * percentile(waits, share) for share in (0.5, 0.99))
            worst = max(worst, 1000 * waits[-1])
            columns = f"{path:24}{len(waits):>8}{p50:>9.2f}{p99:>9.2f}{1000 * waits[-1]:>10.2f}"
            print(f"{columns}  {dict(statuses)}", flush=True)
        idle.stop()
        node.stop()
    if worst > options.limit:
        print(f"does not hold: a ping waited for {worst:.1f} ms")
    return worst > options.limit


if __name__ == "__main__":
    sys.exit(main())
