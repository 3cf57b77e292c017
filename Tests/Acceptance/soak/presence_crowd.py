#!/usr/bin/env python3
"""Members join, leave, move and are cut off at random on three nodes with one Redis: nobody stays behind as a ghost.

    .build/acceptance-venv/bin/python Tests/Acceptance/soak/presence_crowd.py --pushd .build/release/pushd

After 5,000 members have come, one node is killed with -9: its members must leave within twice the heartbeat, and the
quarters of a second in which nodes look. Then rounds of random joins, leaves and moves follow, in each of which the
third node is killed or cut off from Redis. After each round every node must list exactly the members that a model
knows, and a client that watches must have been told of each join and leave once. The exit status is 1 if not.
"""

import argparse
import contextlib
import json
import pathlib
import random
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support import wait_until
from support.commands import connect
from support.limits import allow_all_descriptors
from support.pushd import ROOT, Pushd
from support.raw import RawClient, handshake
from support.redis_server import RedisServer
from support.relay import Relay
from websockets.exceptions import ConnectionClosed

HEARTBEAT_S, GRACE_S = 1, 2
RULE = f"room: presence=on presence-grace={GRACE_S}s"
# The members never read, so they would not answer pings.
OPTIONS = ("--channel", RULE, "--presence-heartbeat", f"{HEARTBEAT_S}s", "--ping-interval", "1h")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushd", default=str(ROOT / ".build/release/pushd"), help="the binary")
    parser.add_argument("--members", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--round-seconds", type=float, default=10)
    parser.add_argument("--slack", type=float, default=1.75, help="seconds beyond twice the heartbeat")
    return parser.parse_args()


class Site:
    """Three nodes; only the third is killed and cut off."""

    def __init__(self, directory):
        self.directory, self.started = directory, 0
        self.redis = RedisServer(directory).start()
        self.relay = Relay(("127.0.0.1", self.redis.port))
        self.nodes = [self._start(self.redis.url) for _ in range(2)]
        self.start_third()

    def _start(self, url):
        self.started += 1
        directory = self.directory / f"node{self.started}"
        directory.mkdir()
        node = Pushd(directory, "--redis", url, *OPTIONS)
        node.wait_for_status("ok")
        return node

    def start_third(self):
        self.nodes[2:] = [self._start(f"redis://127.0.0.1:{self.relay.port}")]
        wait_until(lambda: self.nodes[2].fresh_metrics().sum("pushd_presence_nodes") == 2, "the other nodes")


class Watcher:
    """Hears who comes and goes, and checks that nobody comes or goes twice."""

    def __init__(self, node):
        self.present, self.faults, self.events = set(), [], 0
        self.client = connect(node, "channel=&user_id=watcher")
        self.client.send(json.dumps({"action": "subscribe", "channel": "room", "presence": True}))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        with contextlib.suppress(ConnectionClosed):  # at the end; before it, who is missing shows it
            for text in self.client:
                self._take(json.loads(text))

    def _take(self, event):
        if event.get("event") == "presence":
            self.faults.append("only the number of members was told")
        if event.get("event") not in ("join", "leave"):
            return
        self.events += 1
        is_join, user = event["event"] == "join", event["user"]
        if (user in self.present) == is_join:
            self.faults.append(f"{event['event']} of {user} twice")
        (self.present.add if is_join else self.present.discard)(user)


class Crowd:
    """The members by name, each with the number of its node and its client."""

    def __init__(self, site):
        self.site, self.members, self.count = site, {}, 0

    def join(self, name=None, node=None):
        if name is None:
            self.count += 1
            name = f"u{self.count}"
        node = random.randrange(len(self.site.nodes)) if node is None else node
        client = RawClient(self.site.nodes[node].address)
        client.send(handshake(f"/ws?channel=room&user_id={name}"))
        self.members[name] = node, client

    def leave(self, name):
        self.members.pop(name)[1].socket.close()

    def move(self, name):
        """To another node, within the grace time; nobody is told."""
        node, client = self.members[name]
        self.join(name, 1 - node if node < 2 else 0)
        client.socket.close()

    def forget(self, node):
        """Members whose node was killed."""
        for name in [name for name, (at, _) in self.members.items() if at == node]:
            self.leave(name)


def listed(node):
    answer = node.get("/v1/channels/room/presence")
    assert answer.status == 200, answer
    return {member["user"] for member in json.loads(answer.body)["presence"]}


def settled(site, crowd, watcher, seconds):
    """What is wrong when everything has come to rest."""
    expected = {"watcher", *crowd.members}
    deadline = time.monotonic() + seconds
    while True:
        found = [listed(node) for node in site.nodes] + [set(watcher.present)]
        if all(users == expected for users in found):
            return watcher.faults
        if time.monotonic() > deadline:
            wrong = [f"{len(users - expected)} ghosts, {len(expected - users)} missing" for users in found]
            return [f"nodes and watcher: {wrong}", *watcher.faults]
        time.sleep(0.2)


def kill(site, crowd, watcher):
    """Kills the third node; returns the seconds until its last member has left."""
    site.nodes[2].kill()
    began = time.monotonic()
    crowd.forget(2)
    expected = {"watcher", *crowd.members}
    while watcher.present != expected and time.monotonic() < began + 30:
        time.sleep(0.01)
    return time.monotonic() - began


def disturb(site, crowd, watcher, seconds, number):
    """Random joins, leaves and moves; every other round the third node is killed, and else cut off."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        for _ in range(10):
            action, name = random.random(), random.choice(list(crowd.members))
            if action < 0.4:
                crowd.join()
            elif action < 0.8:
                crowd.leave(name)
            else:
                crowd.move(name)
        time.sleep(0.05)
    if number % 2:
        site.nodes[2].kill()
        crowd.forget(2)
        site.start_third()
    else:
        site.relay.cut()
        time.sleep(3 * HEARTBEAT_S)
        site.relay.restore()


def main():
    options = parse_options()
    allow_all_descriptors()
    Pushd.command = (options.pushd,)
    with tempfile.TemporaryDirectory(prefix="presence-") as directory:
        site = Site(pathlib.Path(directory))
        watcher, crowd = Watcher(site.nodes[0]), Crowd(site)
        for number in range(options.members):
            crowd.join(node=number % 3)
        problems = settled(site, crowd, watcher, 60)
        seconds = kill(site, crowd, watcher)
        print(f"{options.members} members, a node killed: its members left after {seconds:.2f} s", flush=True)
        if seconds > 2 * HEARTBEAT_S + options.slack:
            problems.append(f"members left after {seconds:.2f} s")
        site.start_third()
        for number in range(options.rounds):
            disturb(site, crowd, watcher, options.round_seconds, number)
            problems += settled(site, crowd, watcher, 30)
            print(f"round {number + 1}: {len(crowd.members)} members, {watcher.events} events, {problems}", flush=True)
            if problems:
                break
        for node in site.nodes:
            node.kill()
        site.redis.kill()
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
