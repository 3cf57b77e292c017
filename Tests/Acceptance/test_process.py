"""The process' interface: arguments, standard streams, signals."""

import os
import pathlib
import signal
import subprocess

import pytest
from support import namespace
from support.pushd import BINARY, Pushd, environment
from support.raw import handshake


class Started(Pushd):
    """A pushd started by `command`."""

    def __init__(self, directory, command, *options):
        self.command = command
        super().__init__(directory, *options)


@pytest.fixture
def start_by(tmp_path):
    """Starts a pushd by a command and stops it after the test."""
    running = []

    def start_by(command, *options):
        running.append(Started(tmp_path, command, *options))
        return running[-1]

    yield start_by
    for pushd in running:
        pushd.stop()


# Arguments


@pytest.fixture
def without_proc(tmp_path):
    """The command that runs pushd without a mounted /proc."""
    (tmp_path / "proc").mkdir()
    return namespace.command({"/proc": tmp_path / "proc"}, BINARY)


def test_a_usage_error_is_one_without_proc_too(without_proc):
    command = [*without_proc, "--bogus"]
    result = subprocess.run(command, env=environment({}), capture_output=True, text=True, timeout=10, check=False)
    assert result.returncode == 64 and "--bogus" in result.stderr, result


def test_options_hold_without_proc_too(start_by, without_proc):
    pushd = start_by(without_proc, "--workers", "1", "--publish-key", "right")
    assert pushd.health()["workers"] == 1
    assert pushd.request("POST", "/publish?channel=c", "x").status == 401
    assert pushd.publish("c", "x", {"Authorization": "Bearer right"}) == 0


# Standard streams


@pytest.mark.parametrize("io", ["poll", "auto"])
@pytest.mark.parametrize("closed", [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]], ids=str)
def test_closed_standard_streams_are_opened(start_by, tmp_path, closed, io):
    shut = " ".join(f"{descriptor}>&-" for descriptor in closed)
    pushd = start_by(("sh", "-c", f'exec "$0" "$@" {shut}', BINARY), "--io", io, "--listen", f"unix:{tmp_path}/socket")
    for descriptor in closed:
        assert os.readlink(f"/proc/{pushd.process.pid}/fd/{descriptor}") == "/dev/null"
    client = pushd.connect("c")
    assert pushd.raw().ask(handshake(Origin="http://evil.example")).status == 403  # writes a line to the log
    assert pushd.publish("c", "hello") == 1
    assert client.recv(timeout=5) == "hello"
    pushd.stop()


def test_streams_that_cannot_be_opened_end_the_start(tmp_path):
    (tmp_path / "dev").mkdir()
    command = namespace.command({"/dev": tmp_path / "dev"}, "/bin/sh", "-c", 'exec "$0" "$@" <&-', BINARY)
    result = subprocess.run(command, env=environment({}), capture_output=True, text=True, timeout=10, check=False)
    assert result.returncode == 1 and "/dev/null" in result.stderr, result


# Signals


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGHUP, signal.SIGPIPE])
def test_a_signal_that_means_nothing_does_nothing(pushd, number):
    client = pushd.connect("c")
    for _ in range(3):
        pushd.signal(number)
        assert pushd.publish("c", "hello") == 1
        assert client.recv(timeout=5) == "hello"
    status = pathlib.Path(f"/proc/{pushd.process.pid}/status").read_text()
    masks = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigIgn:", "SigCgt:"))]
    assert (masks[0] | masks[1]) >> (number - 1) & 1, "it would end the process"
