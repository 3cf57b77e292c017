#!/usr/bin/env python3
"""The drop test of histories with EventSource in pages of Chromium and Firefox: nobody misses an event, or is told.

    .build/acceptance-venv/bin/python Tests/Acceptance/soak/event_source_drops.py --pushd .build/release/pushd

Each browser has a page with ten EventSources, five for each of two nodes. They are cut at random, while Redis, with an
append-only file, is killed and started again, the nodes' links to it are cut, and nodes are killed with -9. The exit
status is 1 if an EventSource missed or repeated a message, or was told of a loss.
"""

import argparse
import collections
import http.client
import json
import pathlib
import random
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from clients.event_sources import Reports, opened
from support import wait_until
from support.drops import DropSite
from support.pushd import ROOT

CHANNELS = [f"kept.{number}" for number in range(5)]


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushd", default=str(ROOT / ".build/release/pushd"), help="the binary")
    parser.add_argument("--browsers", nargs="+", default=["chromium", "firefox"])
    parser.add_argument("--rate", type=float, default=30, help="messages a second")
    parser.add_argument("--rounds", type=int, default=20, help="how often Redis is killed, and the links are cut")
    parser.add_argument("--node-kills", type=int, default=3)
    return parser.parse_args()


class Scene:
    """The EventSources, a publisher, and what was seen."""

    def __init__(self, site, reports, rate):
        self.site, self.nodes, self.reports, self.rate = site, list(site.nodes), reports, rate
        self.got = collections.defaultdict(list)  # by source: the numbers
        self.opens, self.losses, self.refused = collections.Counter(), [], []
        self.accepted = collections.defaultdict(list)  # by channel
        self.cuts, self.is_publishing = 0, True
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self._publish, self._cut)]

    def read(self):
        """Takes the reports that there are."""
        while not self.reports.queue.empty():
            source, report = self.reports.queue.get()
            if report.get("type") == "message":
                self.got[source].append(int(report["data"]))
            elif report.get("type") == "gap":
                self.losses.append((source, report))
            elif report.get("state") == 2:
                self.refused.append(source)
            elif "open" in report:
                self.opens[source] += 1

    def _publish(self):
        number = 0
        while self.is_publishing:
            number += 1
            channel = CHANNELS[number % len(CHANNELS)]
            try:
                if random.choice(self.nodes).request("POST", f"/publish?channel={channel}", str(number)).status == 200:
                    self.accepted[channel].append(number)
            except (OSError, http.client.HTTPException):
                pass  # the node is away
            time.sleep(1 / self.rate)

    def _cut(self):
        """Ends an EventSource's response at random."""
        while self.is_publishing:
            time.sleep(random.uniform(0, 1))
            try:
                node = random.choice(self.nodes)
                open_now = json.loads(node.get("/v1/connections").body)["connections"]
                if open_now:
                    name = random.choice(open_now)["connection"]
                    self.cuts += node.request("POST", f"/v1/connections/{name}/disconnect", b"{}").status == 200
            except (OSError, http.client.HTTPException, ValueError):
                pass  # the node is away

    def missing(self):
        """The sources that have not everything that was accepted."""
        self.read()
        return [
            (source, wanted[:3])
            for source, numbers in self.got.items()
            if (wanted := sorted(set(self.accepted[CHANNELS[int(source) % len(CHANNELS)]]) - set(numbers)))
        ]

    def problems(self):
        problems = [f"source {source} was refused" for source in self.refused]
        problems += [f"source {source} has not {numbers}" for source, numbers in self.missing()]
        for source, numbers in self.got.items():
            if numbers != sorted(set(numbers)):
                wrong = [pair for pair in zip(numbers, numbers[1:]) if pair[1] <= pair[0]]
                problems.append(f"source {source} got {wrong[:5]}")
        return problems


def main():
    options = parse_options()
    reports = Reports()
    with tempfile.TemporaryDirectory(prefix="event-source-drops-") as directory:
        directory = pathlib.Path(directory)
        site = DropSite(directory, options.pushd, "--compression", "on", "--allow-origin", reports.origin)
        browsers = []
        try:
            scene = Scene(site, reports, options.rate)
            # The place of a URL in its page says which channel it is.
            urls = [f"http://127.0.0.1:{node.port}/sse?channel={channel}" for node in site.nodes for channel in CHANNELS]
            for number, name in enumerate(options.browsers):
                (directory / name).mkdir()
                browser = opened(name, directory / name)
                assert browser, f"{name} is not here"
                browsers.append(browser)
                browser.open(reports, *urls, first=number * len(urls))
            sources = len(browsers) * len(urls)
            wait_until(lambda: scene.read() or len(scene.opens) == sources, "all EventSources", seconds=60)
            began = time.monotonic()
            for thread in scene.threads:
                thread.start()
            for round in range(options.rounds):
                time.sleep(2)
                site.kill_redis(1)
                time.sleep(1.5)
                site.cut_links()
                time.sleep(1)
                if round < options.node_kills:
                    site.kill_node(round % 2, scene)
                scene.read()
                print(f"round {round + 1}: {sum(map(len, scene.got.values()))} events, {len(scene.losses)} losses", flush=True)
            time.sleep(2)
            scene.is_publishing = False
            for thread in scene.threads:
                thread.join()
            try:
                wait_until(lambda: not scene.missing(), "every EventSource to have everything", seconds=60)
            except AssertionError:
                pass  # the report says what is missing
            problems = scene.problems()
            print(f"{time.monotonic() - began:.0f} s, {sources} EventSources, {scene.cuts} cuts, {sum(scene.opens.values())} opened")
            print(f"{sum(map(len, scene.accepted.values()))} accepted, {sum(map(len, scene.got.values()))} events")
            for loss in scene.losses[:10]:
                print("told of a loss:", loss)
            for problem in problems[:20]:
                print("PROBLEM:", problem)
            print(f"{len(scene.losses)} losses told, {len(problems)} problems")
        finally:
            for browser in browsers:
                browser.close()
            site.stop()
            reports.close()
    sys.exit(1 if problems or scene.losses or len(scene.got) < sources else 0)


if __name__ == "__main__":
    main()
