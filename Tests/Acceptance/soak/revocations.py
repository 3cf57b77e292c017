#!/usr/bin/env python3
"""Revokes the tokens of many users on three nodes under load, while they connect again and again.

    .build/acceptance-venv/bin/python Tests/Acceptance/soak/revocations.py --pushd .build/release/pushd

Each user is connected to all nodes; a node that is chosen at random revokes its tokens. The exit status is 1 if a user
is not gone from all nodes within --limit milliseconds, or comes back in.
"""

import argparse
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.limits import allow_all_descriptors
from support.pushd import ROOT, Pushd
from support.redis_server import RedisServer
from support.revocations import LoadedNodes, described, revoke_all
from support.tokens import Key


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushd", default=str(ROOT / ".build/release/pushd"), help="the binary")
    parser.add_argument("--revocations", type=int, default=1000)
    parser.add_argument("--idle", type=int, default=2000, help="other connections to each node")
    parser.add_argument("--limit", type=float, default=200, help="milliseconds")
    return parser.parse_args()


def main():
    options = parse_options()
    allow_all_descriptors()
    Pushd.command = (options.pushd,)
    with tempfile.TemporaryDirectory(prefix="revocations-") as directory:
        directory = pathlib.Path(directory)
        key, redis = Key(directory, "HS256"), RedisServer(directory).start()
        nodes = []
        for name in "abc":
            (directory / name).mkdir()
            options = (*key.options, "--ping-interval", "1h", "--redis", redis.url)  # readers take no pings
            nodes.append(Pushd(directory / name, *options).wait_for_status("ok"))
        with LoadedNodes(nodes, redis, options.idle) as loaded:
            waits, intruders = revoke_all(nodes, key, options.revocations)
            loaded.load.check()
        print(described(waits, intruders))
        for node in nodes:
            node.stop()
        redis.kill()
    return intruders > 0 or waits[-1] > options.limit


if __name__ == "__main__":
    sys.exit(main())
