#!/usr/bin/env python3
"""Attacks pushd with many hostile clients: the process must survive, and a healthy subscriber must stay fast.

    .build/acceptance-venv/bin/python Tests/Acceptance/soak/hostile_crowd.py --pushd .build/release/pushd --runs 100

The hostile clients pipeline pings, joins and leaves, read nothing for 30 ms, then everything. The channels they join
and leave have 140 subscribers per worker and a steady publisher. The runs cover 1 and 2 workers, each pacing, with and
without TLS. Each run starts a daemon, measures a healthy subscriber's latency without and with the attack, and sends
SIGTERM to the daemon during the attack. The exit status is 1 if a daemon crashed or did not end with status 0, or if
the ratio of p99 with and without the attack (the median over a set-up's runs) is more than --worst-ratio.
"""

import argparse
import collections
import itertools
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.certificates import Authority
from support.crowd import Siege, percentile
from support.limits import allow_all_descriptors
from support.pushd import ROOT, Pushd
from support.tls import trusting

SETUPS = list(itertools.product((1, 2), ("latency", "balanced", "throughput"), ("plain", "tls")))


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushd", default=str(ROOT / ".build/release/pushd"), help="the binary")
    parser.add_argument("--pushd-option", action="append", default=[], help="an extra argument for pushd")
    parser.add_argument("--runs", type=int, default=len(SETUPS))
    parser.add_argument("--only", default="", help="only set-ups whose name contains this, such as '2 balanced tls'")
    parser.add_argument("--seconds", type=float, default=3, help="duration of each of a run's two measurements")
    parser.add_argument("--hostile", type=int, default=24, help="hostile clients")
    parser.add_argument("--subscribers", type=int, default=140, help="subscribers per busy channel and worker")
    parser.add_argument("--worst-ratio", type=float, default=1.5)
    return parser.parse_args()


class Runs:
    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.authority = Authority(directory)
        self.pair = self.authority.sign("server")
        # Pairs of sorted latencies by set-up, without and with the attack.
        self.measured = collections.defaultdict(list)
        self.problems = []

    def run(self, number, setup):
        workers, pacing, transport = setup
        directory = self.directory / f"run{number}"
        directory.mkdir()
        words = ["--workers", str(workers), "--pacing", pacing, *self.options.pushd_option]
        context = None
        if transport == "tls":
            words += ["--listen", "127.0.0.1:0", "--listen", "tls:127.0.0.1:0"]  # the first one is for Pushd itself
            words += ["--tls-cert", self.pair.certificate, "--tls-key", self.pair.key]
            context = trusting(self.authority)
        node = Pushd(directory, *map(str, words))
        try:
            problem = self._attack(node, setup, context)
        except AssertionError as failure:
            problem = f"{failure}, and the daemon's status is {node.process.poll()}"
        finally:
            node.process.kill()
            node.process.wait()
        if problem:
            self.problems.append(f"run {number}, {' '.join(map(str, setup))}: {problem}")
            print(self.problems[-1], flush=True)

    def _attack(self, node, setup, context):
        """The problem, or None."""
        address = (node.host, tls_port(node)) if context else node.address
        with Siege(address, context, self.options.subscribers * setup[0]) as siege:
            usual = siege.latencies(self.options.seconds)
            with siege.crowd(self.options.hostile):
                disturbed = siege.latencies(self.options.seconds)
                node.signal()  # has no effect on a daemon that is crashing
                try:
                    status = node.wait(20)
                except subprocess.TimeoutExpired:
                    return "did not end on SIGTERM"
        if status:
            return f"died by signal {-status}" if status < 0 else f"ended with status {status}"
        if isinstance(usual, str) or isinstance(disturbed, str):
            return f"the healthy subscriber was cut off: {usual if isinstance(usual, str) else disturbed}"
        self.measured[setup].append((usual, disturbed))
        return None

    def report(self):
        print(f"\n{'workers, pacing, transport':28}{'runs':>5}{'p50 ms':>16}{'p99 ms':>18}{'p99 ratio':>11}")
        for setup, runs in sorted(self.measured.items()):
            p50, p99 = ([milliseconds(runs, side, share) for side in (0, 1)] for share in (0.5, 0.99))
            ratio = statistics.median(percentile(hit, 0.99) / percentile(usual, 0.99) for usual, hit in runs)
            columns = [f"{usual:.2f} -> {with_crowd:.2f}" for usual, with_crowd in (p50, p99)]
            print(f"{' '.join(map(str, setup)):28}{len(runs):>5}{columns[0]:>16}{columns[1]:>18}{ratio:>11.2f}")
            if ratio > self.options.worst_ratio:
                self.problems.append(f"{' '.join(map(str, setup))}: p99 is {ratio:.2f} times its usual")


def milliseconds(runs, side, share):
    return 1000 * statistics.median(percentile(run[side], share) for run in runs)


def tls_port(node):
    return int(re.search(r"listening on (?:tls:)?127\.0\.0\.1:(\d+) with TLS", node.log())[1])


def main():
    options = parse_options()
    allow_all_descriptors()
    # The daemon does not lose a core to the processes of the rig, which would be on other machines.
    Pushd.command = ("nice", "-n", "-5", options.pushd)
    setups = [setup for setup in SETUPS if options.only in " ".join(map(str, setup))]
    with tempfile.TemporaryDirectory(prefix="hostile-crowd-") as directory:
        runs = Runs(options, pathlib.Path(directory))
        for number, setup in zip(range(options.runs), itertools.cycle(setups)):
            runs.run(number, setup)
        runs.report()
    for problem in runs.problems:
        print(f"does not hold: {problem}")
    print(f"{options.runs} runs, {len(runs.problems)} problems")
    return 1 if runs.problems else 0


if __name__ == "__main__":
    sys.exit(main())
