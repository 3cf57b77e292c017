#!/usr/bin/env python3
"""Clients join a channel at random moments, and recover from random places, while a publisher is as fast as it can be.

    .build/acceptance-venv/bin/python Tests/Acceptance/soak/exact_cut.py --pushd .build/release/pushd --joins 1000000

Connections of both loops subscribe, read for a random while, unsubscribe, and subscribe again with a place up to 20
messages before the last that they have. A model of each connection knows which message comes next: the exit status is 1
if one comes twice, is missing, comes without a subscription, or has another text.
"""

import argparse
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.cuts import OPTIONS, run
from support.pushd import ROOT, Pushd


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushd", default=str(ROOT / ".build/release/pushd"), help="the binary")
    parser.add_argument("--joins", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    Pushd.command = (options.pushd,)
    with tempfile.TemporaryDirectory(prefix="cut-") as directory:
        pushd, began = Pushd(pathlib.Path(directory), *OPTIONS), time.monotonic()
        try:
            joins, messages, published = run(pushd, options.joins, seed=options.seed)
        except AssertionError as problem:
            sys.exit(f"exact_cut: {problem}")
        finally:
            pushd.stop()
    print(f"{joins:,} joins, {messages:,} messages received, {published:,} published, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
