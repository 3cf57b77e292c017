#!/usr/bin/env python3
"""10,000 clients come back at once, and each recovers 20 messages of one channel.

    .build/acceptance-venv/bin/python Tests/Acceptance/soak/recovery_storm.py --pushd .build/release/pushd

A node with Redis is measured twice each way: clients that only connect, and clients that recover. The exit status is 1
if Redis has had more than --commands commands for the recoveries, if a recovery costs more than --factor times the CPU
of a plain connect, or if all recoveries take more than --factor times as long as all plain connects.
"""

import argparse
import json
import pathlib
import socket
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.limits import allow_all_descriptors
from support.pushd import ROOT, Pushd
from support.raw import handshake
from support.redis_server import RedisServer

MESSAGES, AT_ONCE = 20, 500
# What the node asks about a channel; Redis also counts the commands inside the script.
COMMANDS = {"subscribe", "unsubscribe", "eval", "evalsha"}


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushd", default=str(ROOT / ".build/release/pushd"), help="the binary")
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--commands", type=int, default=10)
    parser.add_argument("--factor", type=float, default=2)
    return parser.parse_args()


def receive(client, messages):
    """Reads up to the last of the messages."""
    received = b""
    while b"\r\n\r\n" not in received or received.count(b'"data":') < messages:
        part = client.recv(65_536)
        assert part, received
        received += part
    assert received.startswith(b"HTTP/1.1 101"), received


def run(node, request, messages, connections):
    """The CPU microseconds of a client, and the seconds until all had everything."""
    sockets, cpu, began = [], node.cpu_seconds(), time.monotonic()
    for _ in range(0, connections, AT_ONCE):
        batch = [socket.create_connection(node.address) for _ in range(AT_ONCE)]
        for client in batch:
            client.sendall(request)
        for client in batch:
            receive(client, messages)
        sockets += batch
    seconds, cpu = time.monotonic() - began, node.cpu_seconds() - cpu
    for client in sockets:
        client.close()
    while node.health()["connections"] > 0:
        time.sleep(0.1)
    return 1e6 * cpu / connections, seconds


def commands(redis):
    """What Redis has been asked since the last call, by the names of the commands."""
    calls = {name.removeprefix("cmdstat_"): one["calls"] for name, one in redis.info("commandstats").items()}
    redis.config_resetstat()
    return {name: count for name, count in calls.items() if name in COMMANDS}


def main():
    options = parse_options()
    allow_all_descriptors()
    Pushd.command = (options.pushd,)
    with tempfile.TemporaryDirectory(prefix="storm-") as directory:
        server = RedisServer(pathlib.Path(directory)).start()
        node = Pushd(pathlib.Path(directory), "--redis", server.url, "--channel", "kept: history=100/1h")
        node.wait_for_status("ok")
        for number in range(MESSAGES):
            node.publish("kept", json.dumps({"number": number, "text": "x" * 80}))
        epoch = json.loads(node.get("/position?channel=kept").body)["epoch"]
        plain = handshake("/ws?channel=plain", Sec_WebSocket_Protocol="pushd.v1")
        recovering = handshake(f"/ws?channel=kept&recover={epoch}:0", Sec_WebSocket_Protocol="pushd.v1")
        figures = {"plain": [], "recovering": []}
        with server.client() as redis:
            for _ in range(2):
                figures["plain"].append(run(node, plain, 0, options.connections))
                commands(redis)
                figures["recovering"].append(run(node, recovering, MESSAGES, options.connections))
                asked = commands(redis)
        node.stop()
        server.kill()
    cpu, seconds = ({name: statistics.mean(one[at] for one in runs) for name, runs in figures.items()} for at in (0, 1))
    for name in figures:
        print(f"{name}: {cpu[name]:.1f} us of CPU for each client, {seconds[name]:.2f} s for all")
    factors = [figure["recovering"] / figure["plain"] for figure in (cpu, seconds)]
    print(f"{factors[0]:.2f} times the CPU, {factors[1]:.2f} times the time; Redis was asked {asked}")
    return max(factors) > options.factor or sum(asked.values()) > options.commands


if __name__ == "__main__":
    sys.exit(main())
