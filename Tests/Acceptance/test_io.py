"""--io and --pacing, which decide how and when writes happen: the same bytes arrive in all cases."""

import os
import pathlib
import subprocess
import sys

import pytest
from support import without_io_uring
from support.pushd import BINARY, Pushd, environment
from support.swarm import Swarm

CHANNELS = ["a", "b"]


def rings(pushd):
    """The number of io_uring instances that the process has open."""
    directory = pathlib.Path(f"/proc/{pushd.process.pid}/fd")
    return sum(os.readlink(entry) == "anon_inode:[io_uring]" for entry in directory.iterdir())


class ForbiddenPushd(Pushd):
    command = (sys.executable, without_io_uring.__file__, BINARY)


@pytest.fixture(scope="module")
def kernel_has_rings():
    """Whether the kernel allows io_uring: if so, it refuses 0 entries with EINVAL."""
    import ctypes
    import errno

    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall(without_io_uring.IO_URING_SETUP, 0, ctypes.create_string_buffer(120))
    return ctypes.get_errno() == errno.EINVAL


@pytest.mark.parametrize("pacing", ["latency", "balanced", "throughput"])
@pytest.mark.parametrize("io", ["auto", "poll"])
def test_everybody_gets_every_message_in_order(start, io, pacing):
    pushd = start("--io", io, "--pacing", pacing, "--workers", "2")
    swarm = Swarm([pushd], CHANNELS, 150)
    publisher = pushd.raw()
    payloads = {channel: [b"%s %d " % (channel.encode(), n) + b"x" * (n * 37 % 3000) for n in range(200)] for channel in CHANNELS}
    try:
        for number in range(200):
            for channel in CHANNELS:
                body = payloads[channel][number]
                head = f"POST /publish?channel={channel} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
                publisher.send(head.encode() + body)
        sizes = {channel: sum(len(p) + (2 if len(p) < 126 else 4) for p in payloads[channel]) for channel in CHANNELS}
        for channel in CHANNELS:
            part = Swarm([], [], 0)
            part.all = [subscriber for subscriber in swarm.all if subscriber.channel == channel]
            part.receive(sizes[channel], 30)
        for subscriber in swarm.all:
            assert subscriber.messages() == payloads[subscriber.channel]
    finally:
        swarm.close()


def test_poll_opens_no_ring(start):
    assert rings(start("--io", "poll", "--workers", "2")) == 0


def test_auto_opens_a_ring_for_each_loop_where_the_kernel_has_them(start, kernel_has_rings):
    pushd = start("--workers", "2")
    assert rings(pushd) == (2 if kernel_has_rings else 0)
    assert ("without io_uring" in pushd.log()) == (not kernel_has_rings)


def test_where_io_uring_is_forbidden_auto_does_without_and_says_so_once(tmp_path):
    pushd = ForbiddenPushd(tmp_path, "--workers", "2")
    try:
        clients = [pushd.connect("c") for _ in range(20)]
        assert pushd.publish("c", "hello") == 20
        assert [client.recv(timeout=5) for client in clients] == ["hello"] * 20
        assert rings(pushd) == 0
        assert pushd.log().count("sending without io_uring reason=io_uring_setup") == 1
    finally:
        pushd.stop()


def test_where_io_uring_is_forbidden_uring_ends_the_start():
    command = [*ForbiddenPushd.command, "--io", "uring", "--listen", "127.0.0.1:0"]
    result = subprocess.run(command, env=environment({}), capture_output=True, text=True, timeout=10, check=False)
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1 and "io_uring_setup" in result.stderr, result.stderr
