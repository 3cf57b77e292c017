#!/usr/bin/env python3
"""Measures how much CPU one client can use with each kind of input, and how long another client's pings take.

    .build/acceptance-venv/bin/python Tests/Acceptance/soak/one_client.py --pushd .build/release/pushd

The exit status is 1 if a client used more than --limit percent of a core.
"""

import argparse
import contextlib
import pathlib
import sys
import tempfile
import threading
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.crowd import percentile
from support.pushd import ROOT, Pushd
from support.raw import CONTINUATION, PING, PONG, TEXT, encode_frame, handshake
from support.storm import Pinger, request

DEFLATE = {"Sec_WebSocket_Extensions": "permessage-deflate; client_no_context_takeover; server_no_context_takeover"}


def deflated(data):
    compressor = zlib.compressobj(9, wbits=-15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


KINDS = {
    "pongs": (encode_frame(PONG), False),
    "pings": (encode_frame(PING), False),
    "commands": (encode_frame(TEXT, b'{"action":"ping"}'), False),
    "fragments": (
        encode_frame(TEXT, b"{", first_bits=0) + encode_frame(CONTINUATION, b"", first_bits=0) * 500 + encode_frame(CONTINUATION),
        False,
    ),
    "inflated": (encode_frame(TEXT, deflated(b" " * 65_536), first_bits=0xC0), True),
    "requests": (request("/health/live"), False),
    "metrics": (request("/metrics"), False),
}


def flood(pushd, kind, seconds):
    """Sends as fast as the server accepts it and reads the answers; returns the number of bytes sent."""
    data, inflates = KINDS[kind]
    client = pushd.raw(timeout=0.5)
    if kind not in ("requests", "metrics"):
        client.send(handshake(**(DEFLATE if inflates else {})))
        assert client.read_response().status == 101
    block, sent, end = data * max(1, 65_536 // len(data)), 0, time.monotonic() + seconds

    def drain():
        with contextlib.suppress(OSError):
            while time.monotonic() < end:
                with contextlib.suppress(TimeoutError):
                    if not client.socket.recv(1 << 20):
                        return

    reader = threading.Thread(target=drain)
    reader.start()
    while time.monotonic() < end:
        with contextlib.suppress(TimeoutError):
            try:
                sent += client.socket.send(block[sent % len(data) :])
            except ConnectionError:
                break
    reader.join()
    client.close()
    return sent // len(data)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushd", default=str(ROOT / ".build/release/pushd"), help="the binary")
    parser.add_argument("--pushd-option", action="append", default=[], help="an extra argument for pushd")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--limit", type=float, default=70, help="percent of a core")
    return parser.parse_args()


def main():
    options = parse_options()
    Pushd.command = (options.pushd,)
    worst = 0
    with tempfile.TemporaryDirectory(prefix="one-client-") as directory:
        node = Pushd(pathlib.Path(directory), "--workers", "1", "--compression", "on", *options.pushd_option)
        print(f"{'':12}{'taken/s':>12}{'of a core':>11}{'ping p50 ms':>13}{'worst ms':>10}")
        for kind in KINDS:
            pinger = Pinger(node.address).start()
            before, began = node.cpu_seconds(), time.monotonic()
            count = flood(node, kind, options.seconds)
            seconds = time.monotonic() - began
            share = 100 * (node.cpu_seconds() - before) / seconds
            waits = pinger.stop()
            worst = max(worst, share)
            columns = f"{kind:12}{count / seconds:>12,.0f}{share:>10.0f}%"
            print(f"{columns}{1000 * percentile(waits, 0.5):>13.2f}{1000 * waits[-1]:>10.1f}", flush=True)
        node.stop()
    return worst > options.limit


if __name__ == "__main__":
    sys.exit(main())
