#!/usr/bin/env python3
"""Measures servers alternately in shuffled order, and prints medians.

    compare.py -p abd -n 5 floor pushd='.build/release/pushd --listen 127.0.0.1:@PORT@ --workers 1' nchan

A bare name is a server of peers/run; a command must serve the endpoints of peers/README.md on 127.0.0.1:@PORT@. The
subscribers of a name that ends with +sse are event streams (/sse) instead of WebSockets, those of one that ends with
+pusher speak Pusher's protocol to the application with the key `key`. Each
server runs on the first available core, the load generator on the last one. us/delivery is the server's CPU time per
delivery, the most reliable figure on a machine with other load; the ratio is relative to the first server. On a shared
machine one run differs from the next by 10 to 20 %: take 5 rounds or more before you believe a smaller difference.
"""

import argparse
import json
import os
import pathlib
import random
import resource
import shlex
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
LOAD = HERE.parents[1] / ".build/benchmarks/wsload"
POINTS = {
    "a": ("1,000 subscribers, one message at a time", dict(conns=1_000, msgs=600, warm=50, window=1)),
    "b": ("1,000 subscribers, 16 in flight", dict(conns=1_000, msgs=3_000, warm=200, window=16)),
    "c": ("10,000 subscribers, 4 in flight", dict(conns=10_000, msgs=200, warm=20, window=4)),
    "d": ("100 channels of 10, 64 in flight", dict(conns=1_000, channels=100, msgs=40_000, warm=4_000, window=64)),
    "e": ("messages of 4 KiB, 4 in flight", dict(conns=1_000, msgs=400, warm=40, window=4, size=4_096)),
    "f": ("messages of 64 KiB, 4 in flight", dict(conns=1_000, msgs=60, warm=8, window=4, size=65_536)),
    "g": ("18,000 idle: bytes per connection", dict(conns=18_000, pub="none", batch=128)),
    "h": ("100 subscribers, 500 messages a second: latency", dict(conns=100, msgs=2_500, warm=250, rate=500)),
}
SCALED = {"conns", "channels", "msgs", "warm"}  # divided by 50 with --quick
KINDS = {
    "sse": ["--as", "sse", "--path", "/sse?channel=c%d"],
    "pusher": ["--as", "pusher", "--path", "/app/key?protocol=7"],
}
COLUMNS = [("us/delivery", "server_us_per_delivery", ".3f"), ("deliveries/s", "deliveries_per_s", ".0f"),
           ("p50 us", "p50_us", ".0f"), ("p99 us", "p99_us", ".0f"), ("B/conn", "bytes_per_conn", ".0f")]


def free_port():
    """A free port below those that the kernel assigns to clients."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port


def command_of(server, port):
    name, _, command = server.partition("=")
    return shlex.split(command.replace("@PORT@", str(port))) if command else [HERE / "peers/run", name, str(port)]


def wait_until_healthy(process, port, log):
    deadline = time.monotonic() + 120  # the first start of a peer may install it
    while True:
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).read()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                log.seek(0)
                sys.exit(f"{log.read()}compare: {shlex.join(map(str, process.args))} does not answer on /health")
            time.sleep(0.05)


def with_children(pid):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return ",".join([str(pid), *children])


def stop(process):
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def measure(server, options):
    """wsload's result of one run on a fresh server."""
    cores, port = sorted(os.sched_getaffinity(0)), free_port()
    command = ["taskset", "-c", str(cores[0]), *command_of(server, port)]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until_healthy(process, port, log)
            return run_load(server, port, process.pid, cores[-1], options)
        finally:
            stop(process)


def run_load(server, port, pid, core, options):
    kind = KINDS.get(server.partition("=")[0].rpartition("+")[2], [])
    command = ["taskset", "-c", str(core), LOAD, "--port", str(port), "--pid", with_children(pid), *options, *kind]
    line = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=120).stdout
    return json.loads(line) if line else sys.exit(f"compare: the load generator could not measure {server}")


def options_of(point, quick):
    for name, value in POINTS[point][1].items():
        yield from (f"--{name}", str(max(value // 50, 1) if quick and name in SCALED else value))


def lost(run):
    return run["expected"] - run["delivered"] + run["failed"] + run["dropped"]


def print_table(results, servers):
    widths = {heading: max(len(heading), 9) for heading, _, _ in COLUMNS}
    print(f"{'point':5} {'server':12} {'ratio':>6}", *(f"{heading:>{width}}" for heading, width in widths.items()), f"{'lost':>6}")
    for point, runs_of in results.items():
        judged_by = "bytes_per_conn" if point == "g" else "server_us_per_delivery"
        base = statistics.median(run[judged_by] for run in runs_of[servers[0]])
        for server in servers:
            runs = runs_of[server]
            ratio = statistics.median(run[judged_by] for run in runs) / base if base else 0
            figures = (f"{statistics.median(run[key] for run in runs):{widths[heading]}{form}}" for heading, key, form in COLUMNS)
            print(f"{point:5} {server.partition('=')[0]:12} {ratio:6.2f}", *figures, f"{sum(map(lost, runs)):6}")


def arguments():
    points = "\n".join(f"  {point}  {what}" for point, (what, _) in POINTS.items())
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=f"points:\n{points}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-p", "--points", default="abcdegh", help="abcdegh unless given")
    parser.add_argument("-n", "--rounds", type=int, default=3, help="3 unless given")
    parser.add_argument("--quick", action="store_true", help="a fiftieth of each load: shows that it works, not how fast")
    parser.add_argument("servers", nargs="+", metavar="NAME[=COMMAND]")
    given = parser.parse_args()
    if unknown := set(given.points) - POINTS.keys():
        parser.error(f"there is no point {''.join(sorted(unknown))}; see --help")
    return given


def main():
    given = arguments()
    subprocess.run([HERE / "build"], check=True)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    results = {point: {server: [] for server in given.servers} for point in given.points}
    for number in range(given.rounds):
        for point in given.points:
            for server in random.sample(given.servers, len(given.servers)):
                print(f"round {number + 1} of {given.rounds}: {point} {server.partition('=')[0]}", file=sys.stderr)
                results[point][server].append(measure(server, list(options_of(point, given.quick))))
    print_table(results, given.servers)


if __name__ == "__main__":
    main()
