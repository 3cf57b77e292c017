#!/usr/bin/env python3
"""What POST /events of Pusher's HTTP API costs: 1,000 requests a second with 10 channels each, beside a floor in C.

    events.py [SECONDS]

Prints the CPU time of pushd per request, with no subscriber, and that of events_floor.c. Build pushd first.
"""

import hashlib
import hmac
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent), str(HERE.parents[1] / "Acceptance")]

from compare import free_port, wait_until_healthy  # noqa: E402

ROOT = HERE.parents[2]
RATE, CHANNELS, SECRET = 1_000, 10, "secret"
PATH = "/apps/1/events"
STATUS = b"HTTP/1.1 200 "
BODY = json.dumps({
    "name": "order-shipped", "channels": [f"private-customer-{number}" for number in range(CHANNELS)],
    "data": json.dumps({"id": 7, "carrier": "post", "note": "x" * 60}),
})
MD5 = hashlib.md5(BODY.encode()).hexdigest()


def signed_query():
    text = f"auth_key=key&auth_timestamp={int(time.time())}&auth_version=1.0&body_md5={MD5}"
    return text, hmac.new(SECRET.encode(), f"POST\n{PATH}\n{text}".encode(), hashlib.sha256).hexdigest()


def request():
    text, signature = signed_query()
    head = f"POST {PATH}?{text}&auth_signature={signature} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(BODY)}"
    return f"{head}\r\n\r\n{BODY}".encode()


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def post(port, seconds):
    """Posts at the rate, ten at once; returns the requests that were answered with 200."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        begin, sent, answered, tail = time.monotonic(), 0, 0, b""
        while sent < RATE * seconds:
            client.sendall(request() * 10)
            sent += 10
            while answered < sent:
                received = client.recv(65_536)
                assert received, "the server has ended the connection"
                answered += (tail + received).count(STATUS)
                tail = received[-len(STATUS) + 1:]
            time.sleep(max(0, begin + sent / RATE - time.monotonic()))
        print(f"{sent / (time.monotonic() - begin):,.0f} requests a second")
        return answered


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    subprocess.run([HERE.parent / "build"], check=True)
    port = free_port()
    command = [ROOT / ".build/release/pushd", "--listen", f"127.0.0.1:{port}", "--workers", "1", "--log-level", "error",
               "--pusher-app", f"1:key:{SECRET}"]
    server = subprocess.Popen(command)
    try:
        wait_until_healthy(server, port, None)
        post(port, 1)
        before = cpu_seconds(server.pid)
        answered = post(port, seconds)
        print(f"pushd: {(cpu_seconds(server.pid) - before) / answered * 1e6:.0f} us a request, of {CHANNELS} channels")
    finally:
        server.terminate()
        server.wait()
    text, signature = signed_query()
    lines = "\n".join([BODY, MD5, f"{PATH}?{text}", signature])
    floor = subprocess.run([ROOT / ".build/benchmarks/events-floor", SECRET, "200000"], input=lines, text=True, check=True,
                           stdout=subprocess.PIPE)
    print(f"floor: {floor.stdout.strip()} us a request")


if __name__ == "__main__":
    main()
