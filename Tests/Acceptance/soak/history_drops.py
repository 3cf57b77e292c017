#!/usr/bin/env python3
"""The drop test of histories with Redis: nobody misses a message, or is told.

    .build/acceptance-venv/bin/python Tests/Acceptance/soak/history_drops.py --pushd .build/release/pushd

Two nodes, 2,000 clients on 50 channels and 300 messages a second by default. Clients are cut at random every few
seconds and come back to either node. Redis, with an append-only file, is killed and started again, the nodes' links to
it are cut, and nodes are killed with -9 and started again. The exit status is 1 if a client missed or repeated a
message, or was told of a loss.
"""

import argparse
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.drops import DropScene, DropSite
from support.limits import allow_all_descriptors
from support.pushd import ROOT


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushd", default=str(ROOT / ".build/release/pushd"), help="the binary")
    parser.add_argument("--clients", type=int, default=2000)
    parser.add_argument("--channels", type=int, default=50)
    parser.add_argument("--rate", type=float, default=300, help="messages a second")
    parser.add_argument("--life-seconds", type=float, default=5, help="how long a client stays, on average")
    parser.add_argument("--redis-kills", type=int, default=20)
    parser.add_argument("--link-cuts", type=int, default=20)
    parser.add_argument("--node-kills", type=int, default=3)
    parser.add_argument("--down-seconds", type=float, default=1.0, help="how long a killed Redis is away")
    return parser.parse_args()


def disturb(site, scene, options):
    for round in range(max(options.redis_kills, options.link_cuts, options.node_kills)):
        time.sleep(2)
        if round < options.redis_kills:
            site.kill_redis(options.down_seconds)
            time.sleep(1.5)
        if round < options.link_cuts:
            site.cut_links()
            time.sleep(1)
        if round < options.node_kills:
            site.kill_node(round % 2, scene)
        print(f"round {round + 1}: {scene.deliveries} deliveries, {len(scene.losses)} losses", flush=True)
    time.sleep(2)


def report(scene, site, seconds):
    accepted = sum(len(numbers) for numbers in scene.accepted.values())
    print(f"{seconds:.0f} s, {len(scene.clients)} clients, {scene.cuts} cuts, {scene.recoveries} recoveries")
    print(f"{accepted} messages accepted, {dict(scene.unanswered)} not; {scene.deliveries} deliveries")
    for number, node in enumerate(site.nodes):
        metrics = node.fresh_metrics()
        names = ("history_healed_messages_total", "history_losses_total", "redis_reconnects_total")
        print(f"node {number}:", {name: metrics.sum(f"pushd_{name}") for name in names})
    print(f"refused: {dict(scene.refusals)}")
    for loss in scene.losses[:20]:
        print("told of a loss:", loss)
    for problem in scene.problems()[:20]:
        print("PROBLEM:", problem)
    print(f"{len(scene.losses)} losses told, {len(scene.problems())} problems")


def main():
    options = parse_options()
    allow_all_descriptors()
    with tempfile.TemporaryDirectory(prefix="history-drops-") as directory:
        site = DropSite(pathlib.Path(directory), options.pushd)
        try:
            scene = DropScene(site.nodes, options.channels, options.clients, options.life_seconds, options.rate)
            began = time.monotonic()
            scene.run(lambda: disturb(site, scene, options))
            report(scene, site, time.monotonic() - began)
        finally:
            site.stop()
    sys.exit(1 if scene.problems() or scene.losses else 0)


if __name__ == "__main__":
    main()
