#!/usr/bin/env python3
"""Measures what tokens cost when 10,000 clients connect at once, and how much memory they take.

    .build/acceptance-venv/bin/python Tests/Acceptance/soak/token_reconnects.py --pushd .build/release/pushd

Each client has an ES256 token of its own. The runs: without tokens, with tokens that the server has not seen, and with
the same tokens again. The exit status is 1 if a reconnect with a token costs more than --factor times the CPU of one
without, if an idle connection takes more than --bytes more memory, or if a ping waits longer than --limit.
"""

import argparse
import contextlib
import pathlib
import re
import socket
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.limits import allow_all_descriptors
from support.pushd import ROOT, Pushd
from support.raw import handshake
from support.storm import Pinger
from support.tokens import Key

AT_ONCE = 500


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushd", default=str(ROOT / ".build/release/pushd"), help="the binary")
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--factor", type=float, default=3)
    parser.add_argument("--bytes", type=float, default=120)
    parser.add_argument("--limit", type=float, default=50, help="milliseconds")
    return parser.parse_args()


def own_bytes(node):
    """The memory that belongs to the process alone."""
    text = pathlib.Path(f"/proc/{node.process.pid}/smaps_rollup").read_text()
    return 1024 * int(re.search(r"^Anonymous: +(\d+)", text, re.M)[1])


def connect_all(node, requests):
    """Opens a WebSocket for each request, many at once."""
    open_sockets = []
    for start in range(0, len(requests), AT_ONCE):
        sockets = []
        for request in requests[start : start + AT_ONCE]:
            client = socket.create_connection(node.address)
            client.sendall(request)
            sockets.append(client)
        for client in sockets:
            answer = client.recv(4096)
            assert answer.startswith(b"HTTP/1.1 101"), answer
        open_sockets += sockets
    return open_sockets


def run(name, node, requests):
    """The CPU microseconds and the bytes of a connection, and the longest ping in milliseconds."""
    pinger = Pinger(node.address).start()
    cpu, memory = node.cpu_seconds(), own_bytes(node)
    sockets = connect_all(node, requests)
    time.sleep(1)  # the last turn's figures, and the pools' spare memory
    cpu, memory = node.cpu_seconds() - cpu, own_bytes(node) - memory
    waits = pinger.stop()
    for client in sockets:
        with contextlib.suppress(OSError):
            client.close()
    while node.health()["connections"] > 0:
        time.sleep(0.1)
    figures = 1e6 * cpu / len(requests), memory / len(requests), 1000 * waits[-1]
    print(f"{name:24}{figures[0]:>12.1f}{figures[1]:>12.1f}{figures[2]:>14.1f}", flush=True)
    return figures


def main():
    options = parse_options()
    allow_all_descriptors()
    Pushd.command = (options.pushd,)
    with tempfile.TemporaryDirectory(prefix="tokens-") as directory:
        directory = pathlib.Path(directory)
        key = Key(directory, "ES256")
        plain = [handshake("/ws?channel=a")] * options.connections
        grants = {"subscribe": ["news", "orders.*"]}
        signed = [
            handshake("/ws?channel=a", Authorization=f"Bearer {key.token(sub=f'user-{number}', pushd=grants)}")
            for number in range(options.connections)
        ]
        print(f"{'':24}{'CPU us':>12}{'bytes':>12}{'worst ping ms':>14}")
        figures = {}
        for name, kinds in (("without", [plain, plain]), ("with tokens", [signed, signed])):
            (directory / name).mkdir()
            node = Pushd(directory / name, *key.options)
            for turn, requests in zip(("first", "again"), kinds):
                figures[name, turn] = run(f"{name}, {turn}", node, requests)
            node.stop()
    first, factor = (figures["with tokens", turn][0] / figures["without", turn][0] for turn in ("first", "again"))
    more = figures["with tokens", "first"][1] - figures["without", "first"][1]
    worst = max(figure[2] for figure in figures.values())
    print(f"CPU with a token: {first:.2f} times, and {factor:.2f} times for a reconnect; {more:.0f} bytes more")
    return factor > options.factor or more > options.bytes or worst > options.limit


if __name__ == "__main__":
    sys.exit(main())
