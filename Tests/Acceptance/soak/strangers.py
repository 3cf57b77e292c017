#!/usr/bin/env python3
"""1,500 clients without a key make pushd hold bodies, half messages, fragments, names, handshakes, and all at once.

    .build/acceptance-venv/bin/python Tests/Acceptance/soak/strangers.py --pushd .build/release/pushd

Clients that are disconnected come back. The exit status is 1 if resident memory grew by more than the inbound budget
plus 10 %, if it is not back a minute later, or if a legitimate publisher and subscriber lost a message or were
disconnected. With --budget 0 the option is not passed, for older daemons without it, and memory is only measured.
"""

import argparse
import pathlib
import re
import ssl
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.certificates import Authority
from support.limits import allow_all_descriptors
from support.pushd import ROOT, Pushd
from support.strangers import KEY, MEBIBYTE, Strangers, kinds, peak_while, resident_bytes
from support.tls import TLSClient
from support.witness import Witness

SLACK = 8 * MEBIBYTE  # how much memory may remain above the start's


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushd", default=str(ROOT / ".build/release/pushd"), help="the binary")
    parser.add_argument("--pushd-option", action="append", default=[], help="an extra argument for pushd")
    parser.add_argument("--budget", type=int, default=64, help="inbound budget in MiB, or 0")
    parser.add_argument("--strangers", type=int, default=1500)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--minute", type=float, default=60, help="seconds until memory must be back")
    parser.add_argument("--only", default="", help="only kinds whose name contains this")
    return parser.parse_args()


def attack(node, kind, options):
    """Returns a line of the table and the failed checks."""
    tls_port = int(re.search(r"127\.0\.0\.1:(\d+) with TLS", node.log())[1])
    tls_address = (node.host, tls_port)
    client = TLSClient(tls_address, ssl.create_default_context())
    hello = client.hello()
    client.close()
    witness, problems = Witness(node, KEY), []
    time.sleep(1)
    before = resident_bytes(node.process.pid)
    count = 300 if kind == "names" else options.strangers
    strangers = Strangers(node.address, kind=kind, count=count, hello=hello, tls_address=tls_address)
    strangers.start()
    peak = peak_while(node.process.pid, options.seconds) - before
    thrown_out = strangers.stop()
    ended, back = time.monotonic(), None
    while back is None and time.monotonic() < ended + options.minute:
        back = time.monotonic() - ended if resident_bytes(node.process.pid) < before + SLACK else None
        time.sleep(0.1)
    left = resident_bytes(node.process.pid) - before
    try:
        witness.stop()
    except (AssertionError, OSError) as failure:
        problems.append(f"{kind}: legitimate clients: {failure!r}, {failure.__cause__!r}")
    budget = options.budget * MEBIBYTE
    if budget and peak > 1.1 * budget:
        problems.append(f"{kind}: {peak / MEBIBYTE:.0f} MiB more resident, the budget is {options.budget} MiB")
    if back is None:
        problems.append(f"{kind}: {left / MEBIBYTE:.0f} MiB are still there after {options.minute:g} s")
    back = "-" if back is None else f"{back:.1f} s"
    print(f"{kind:18}{count:>10}{peak / MEBIBYTE:>10.1f}{left / MEBIBYTE:>10.1f}{back:>9}{thrown_out:>12}", flush=True)
    return problems


def main():
    options = parse_options()
    allow_all_descriptors()
    Pushd.command = (options.pushd,)
    problems = []
    print(f"{'':18}{'strangers':>10}{'peak MiB':>10}{'left MiB':>10}{'back':>9}{'thrown out':>12}")
    with tempfile.TemporaryDirectory(prefix="strangers-") as directory:
        root = pathlib.Path(directory)
        pair = Authority(root).sign("server")
        words = ["--publish-key", KEY, "--listen", "127.0.0.1:0", "--listen", "tls:127.0.0.1:0"]
        words += ["--tls-cert", str(pair.certificate), "--tls-key", str(pair.key), *options.pushd_option]
        words += ["--inbound-budget", str(options.budget * MEBIBYTE)] if options.budget else []
        for kind in [kind for kind in (*kinds(b"?"), "mixed") if options.only in kind]:
            (root / kind.replace(" ", "-")).mkdir()
            node = Pushd(root / kind.replace(" ", "-"), *words)
            try:
                problems += attack(node, kind, options)
                node.stop()
            except AssertionError as failure:
                problems.append(f"{kind}: {failure}")
            finally:
                node.process.kill()
                node.process.wait()
    for problem in problems:
        print(f"does not hold: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
