#!/usr/bin/env python3
"""Measures AsyncLoop beside uvloop and asyncio in one interleaved session, prints a table and draws it.

run.py LOOP_BENCH PYTHON [SVG]: the release build of loop-bench, and a Python with uvloop and aiohttp.
The HTTP part needs wrk.
"""

import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
ROUNDS = 2
PORT = 9180


def commands(bench, python):
    peers = str(HERE / 'peers.py')
    return {'WSLoop': [bench], 'uvloop': [python, peers, 'uvloop'], 'asyncio': [python, peers, 'asyncio']}


def output(command, *arguments):
    return subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, check=True).stdout


def numbers(text, name):
    return [float(value) for value in re.findall(rf'{name} ([\d.]+)', text)]


def hello(command):
    """Requests per second of the server's CPU time."""
    server = subprocess.Popen([*command, 'hello', str(PORT)])
    try:
        wait_for_port()
        before = cpu_seconds(server.pid)
        wrk = subprocess.run(['wrk', '-t1', '-c100', '-d5s', f'http://127.0.0.1:{PORT}/'],
                             capture_output=True, text=True, check=True).stdout
        spent = cpu_seconds(server.pid) - before
        return int(re.search(r'(\d+) requests in', wrk)[1]) / spent
    finally:
        server.kill()
        server.wait()


def wait_for_port():
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(('127.0.0.1', PORT)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f'nothing listens on {PORT}')


def cpu_seconds(pid):
    fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def measure(command):
    sleep = output(command, 'sleep', 10_000, 1, 7)
    late, task = output(command, 'latency', 2000).splitlines()
    return {
        '10,000 sleeps of 1 ms: CPU, ms': statistics.median(numbers(sleep, 'cpu_ms')),
        '10,000 sleeps of 1 ms: wall, ms': statistics.median(numbers(sleep, 'wall_ms')),
        'bytes for each of 100,000 sleeping tasks': numbers(output(command, 'memory', 100_000), 'bytes_each')[0],
        'lateness of a sleep, p50, µs': numbers(late, 'p50_us')[0],
        'lateness of a sleep, p99, µs': numbers(late, 'p99_us')[0],
        'a task made and awaited, p50, µs': numbers(task, 'p50_us')[0],
        'a task made and awaited, p99, µs': numbers(task, 'p99_us')[0],
        'HTTP requests per CPU second': hello(command),
    }


def figure(value):
    return f'{value:,.4g}' if value < 1000 else f'{value:,.0f}'


def svg(rows, loops):
    """A group of bars for each figure, as shares of the group's largest."""
    parts, y = [], 10
    colours = dict(zip(loops, ('#3465a4', '#c17d11', '#888a85')))
    for name, values in rows.items():
        parts.append(f'<text x="10" y="{y + 12}">{name}</text>')
        for loop, value in values.items():
            y += 18
            width = 420 * value / max(values.values())
            parts.append(f'<text x="10" y="{y + 12}" fill="#555">{loop}</text>'
                         f'<rect x="80" y="{y + 2}" width="{width:.1f}" height="13" fill="{colours[loop]}"/>'
                         f'<text x="{width + 86:.1f}" y="{y + 12}">{figure(value)}</text>')
        y += 28
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="640" height="{y}" font-family="sans-serif" font-size="12">'
            f'<rect width="640" height="{y}" fill="#fff"/>{"".join(parts)}</svg>\n')


def main():
    bench, python, *plot = sys.argv[1:]
    loops = commands(bench, python)
    sessions = {loop: [] for loop in loops}
    for _ in range(ROUNDS):
        for loop, command in loops.items():
            sessions[loop].append(measure(command))
    rows = {name: {loop: statistics.median(session[name] for session in sessions[loop]) for loop in loops}
            for name in sessions['WSLoop'][0]}
    print('| |', ' | '.join(loops), '|\n|---|' + '---:|' * len(loops))
    for name, values in rows.items():
        print(f'| {name} |', ' | '.join(map(figure, values.values())), '|')
    if plot:
        pathlib.Path(plot[0]).write_text(svg(rows, loops))


main()
