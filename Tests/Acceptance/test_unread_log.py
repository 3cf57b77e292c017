"""If standard error is not read, nothing blocks, and lost lines are counted."""

import os
import re

import pytest
from support import wait_until
from support.pushd import BINARY, Pushd

LONG = "n" * 250  # a long name, so that few clients fill the log


class Unread(Pushd):
    """A pushd whose standard error is a pipe that the test may leave unread."""

    def __init__(self, directory, *options):
        pipe = directory / "pipe"
        os.mkfifo(pipe)
        self.reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)  # for writing too: it opens without a writer
        self.command = ("sh", "-c", f'exec "$0" "$@" 2>{pipe}', BINARY)
        self.seen = b""
        super().__init__(directory, "--listen", f"unix:{directory}/socket", *options)

    def read_log(self):
        """Reads the available bytes and returns everything read so far."""
        try:
            while piece := os.read(self.reader, 1 << 16):
                self.seen += piece
        except BlockingIOError:
            pass
        return self.seen.decode()


@pytest.fixture
def unread(tmp_path):
    pushd = Unread(tmp_path, "--log-level", "debug")
    yield pushd
    pushd.stop()
    os.close(pushd.reader)


def fill(pushd):
    """Connects two thousand clients, each of which causes a log line of half a KiB."""
    for number in range(2000):
        pushd.raw().upgrade(f"/ws?user_id={number}{LONG}&channel={LONG}")
    assert pushd.get("/health/live").status == 200


def test_loops_go_on_and_a_stop_is_clean(unread):
    fill(unread)
    client = unread.connect("c")
    assert unread.publish("c", "hello") == 1
    assert client.recv(timeout=5) == "hello"
    for client in unread.clients:
        client.close()
    unread.signal()
    assert unread.wait() == 0


def test_what_is_lost_is_counted_and_said_once_it_is_read(unread):
    while unread.fresh_metrics().sum("pushd_log_lines_dropped_total") == 0:
        fill(unread)
    dropped = int(unread.fresh_metrics().sum("pushd_log_lines_dropped_total"))
    pattern = r" warning log lines dropped: standard error was not read lines=(\d+)"
    wait_until(lambda: re.search(pattern, unread.read_log()), "the line about the loss")
    assert sum(map(int, re.findall(pattern, unread.read_log()))) == dropped
    opened = unread.fresh_metrics().sum("pushd_connections_opened_total")
    wait_until(lambda: unread.read_log().count(" opening ") + dropped >= opened, "the other lines")
    unread.stop()
    wait_until(lambda: "stopped" in unread.read_log(), "the last line")
