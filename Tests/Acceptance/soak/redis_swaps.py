#!/usr/bin/env python3
"""Changes Redis as operators do, again and again, and checks what two nodes of pushd report.

    .build/acceptance-venv/bin/python Tests/Acceptance/soak/redis_swaps.py --pushd .build/release/pushd --tries 20

There are two servers, one the replica of the other, and a name that resolves to the master (in a mount namespace with
its own /etc/hosts). Each try changes the roles or the name, kills connections, revokes permissions, or makes Redis cut
a node that does not keep up. Each time both nodes' logs must name the cause within --limit seconds, no other
disconnection may be called an overrun, and afterwards each node must receive the other's messages. The exit status is 1
if a check failed.
"""

import argparse
import pathlib
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support import pushd
from support.limits import allow_all_descriptors
from support.pushd import ROOT
from support.redis_swaps import CAUSES, Site


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushd", default=str(ROOT / ".build/release/pushd"), help="the binary")
    parser.add_argument("--pushd-option", action="append", default=[], help="an extra argument for pushd")
    parser.add_argument("--tries", type=int, default=20, help="of each kind")
    parser.add_argument("--only", default="", help="only kinds whose name contains this")
    parser.add_argument("--limit", type=float, default=5, help="seconds until the log names the cause")
    return parser.parse_args()


def run(options, directory):
    nodes = []

    def start(kind, *words):
        path = directory / f"pushd{len(nodes)}"
        path.mkdir()
        nodes.append(kind(path, *words, *options.pushd_option))
        return nodes[-1]

    site = Site(directory, start)
    outcomes = []
    try:
        for number in range(1, options.tries + 1):
            for kind in CAUSES:
                if options.only in kind:
                    outcomes.append(site.disturb(kind))
            print(f"{number}/{options.tries}", flush=True)
    finally:
        for node in nodes:
            node.stop()
        site.stop()
    return outcomes


def print_table(outcomes, options):
    problems = []
    print(f"{'':20}{'tries':>7}{'told, median':>14}{'slowest':>10}{'ok again':>10}{'slowest':>10}")
    for kind in dict.fromkeys(one.kind for one in outcomes):
        ones = [one for one in outcomes if one.kind == kind]
        told, back = ([s for one in ones for s in getattr(one, name)] for name in ("told", "back"))
        times = [statistics.median(told), max(told), statistics.median(back), max(back)]
        print(f"{kind:20}{len(ones):7}" + "".join(f"{t:{w}.2f}" for t, w in zip(times, (14, 10, 10, 10))))
        problems += [f"{kind}: {problem}" for one in ones for problem in one.problems]
        problems += [f"{kind}: told after {s:.1f} s, not {options.limit:g}" for s in told if s > options.limit]
    return problems


def main():
    options = parse_options()
    allow_all_descriptors()
    pushd.BINARY = options.pushd
    with tempfile.TemporaryDirectory(prefix="redis-swaps-") as directory:
        problems = print_table(run(options, pathlib.Path(directory)), options)
    for problem in problems[:40]:
        print(f"does not hold: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
