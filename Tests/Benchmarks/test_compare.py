"""The comparison with other servers (docs/performance.md) still runs: a fiftieth of each load, on pushd and the floor."""

import pathlib
import subprocess
import sys

from support.pushd import BINARY

COMPARE = pathlib.Path(__file__).with_name("compare.py")


def test_every_point_of_the_comparison_delivers_everything():
    points, servers = "abcdefgh", ("floor", "pushd", "pushd+pusher")
    pushd = f"{BINARY} --listen 127.0.0.1:@PORT@ --workers 1 --pusher-app 1:key:secret"
    command = [sys.executable, COMPARE, "--quick", "-n", "1", "-p", points, "floor", f"pushd={pushd}",
               f"pushd+pusher={pushd}"]
    table = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=120).stdout
    rows = [row.split() for row in table.splitlines()[1:]]
    assert [row[:2] for row in rows] == [[point, server] for point in points for server in servers]
    assert all(row[-1] == "0" for row in rows), f"deliveries were lost:\n{table}"
