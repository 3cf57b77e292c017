#!/usr/bin/env python3
"""1,000 reloads under 1,000 live connections, with random valid and invalid files.

    .build/acceptance-venv/bin/python Tests/Acceptance/soak/reloads.py --pushd .build/release/pushd

Connections of three kinds (without a token, and with tokens of two keys) are subscribed to a channel that stays open
and to one that rules take away and give back. After each reload a model says which connections must be closed, which
unsubscribed, and all others must still get messages. All the while probes try what no file allows. The exit status is 1
if a connection was lost that had not lost a right, if one kept what it had lost, if a probe was let through, or if
memory has grown by more than --growth MiB.
"""

import argparse
import json
import pathlib
import random
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.limits import allow_all_descriptors
from support.pushd import ROOT, Pushd
from support.reloads import run


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushd", default=str(ROOT / ".build/release/pushd"), help="the binary")
    parser.add_argument("--reloads", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--growth", type=float, default=8, help="MiB")
    parser.add_argument("--seed", type=int, default=None)
    return parser.parse_args()


def main():
    options = parse_options()
    allow_all_descriptors()
    seed = random.randrange(1 << 32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    Pushd.command = (options.pushd,)
    nodes = []

    def start(*arguments):
        nodes.append(Pushd(pathlib.Path(directory), *arguments))
        return nodes[-1]

    with tempfile.TemporaryDirectory() as directory:
        began = time.monotonic()
        growth = run(start, pathlib.Path(directory), options.reloads, options.connections, seed) / (1 << 20)
        print(f"{options.reloads} reloads in {time.monotonic() - began:.0f} s, memory grew by {growth:.1f} MiB")
        nodes[0].stop()
    sys.exit(growth > options.growth)


if __name__ == "__main__":
    main()
