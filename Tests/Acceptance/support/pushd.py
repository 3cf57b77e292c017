"""One pushd process under test."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
from urllib.parse import quote, urlencode

from websockets.sync.client import connect, unix_connect

from . import wait_until
from .metrics import Metrics
from .raw import RawClient, Response

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = os.environ.get("PUSHD") or str(ROOT / ".build/release/pushd")


def environment(changes):
    """This process' environment without pushd's variables, plus `changes`."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PUSHD_")} | changes


def run_pushd(*arguments, **variables):
    """Runs a pushd that should end by itself."""
    return subprocess.run(
        [BINARY, *arguments], env=environment(variables), capture_output=True, text=True, timeout=10, check=False
    )


class UnixHTTPConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = os.fspath(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Pushd:
    """A running pushd. Without a --listen among the options it listens on a free port of 127.0.0.1."""

    command = (BINARY,)  # the program to run; the options are added

    def __init__(self, directory, *options, **variables):
        self.log_path = directory / "stderr.log"
        self.clients = []
        self.was_killed = False
        if "--listen" not in options and "PUSHD_LISTEN" not in variables:
            options = (*options, "--listen", "127.0.0.1:0")
        if "--drain" not in options:
            options = (*options, "--drain", "0")
        self.options = options
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [*self.command, *options], env=environment(variables), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.host, self.unix_path = "::1" if "[::1]:0" in options else "127.0.0.1", None
        for name, value in zip(options, options[1:]):
            if name == "--listen" and value.startswith("unix:"):
                self.unix_path = value.removeprefix("unix:")
        try:
            self.port = None if self.unix_path else self.logged_port()
            wait_until(self._is_up, "an answer on /health")
        except BaseException:  # no one else can stop the process yet
            self.process.kill()
            self.process.wait()
            raise

    def logged_port(self):
        """The port of the TCP listener."""

        def named():
            assert self.process.poll() is None, self.log()
            return re.search(r"listening on (?:127\.0\.0\.1|0\.0\.0\.0|\[::1?\]):([1-9]\d*)", self.log())

        return int(wait_until(named, "a line that names the port", seconds=30)[1])

    def _is_up(self):
        assert self.process.poll() is None, self.log()
        try:
            return self.get("/health").status == 200
        except OSError:
            return False

    def log(self):
        """The log so far: all lines are written when the writing thread sleeps."""
        wait_until(lambda: not self._is_writing_log(), "the log to be written")
        return self.log_path.read_text()

    def _is_writing_log(self):
        with contextlib.suppress(OSError):  # the process has ended
            for thread in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
                if (thread / "comm").read_text() == "pushd-log\n":
                    return (thread / "stat").read_text().rpartition(")")[2].split()[0] != "S"
        return False

    # HTTP

    @property
    def address(self):
        return self.unix_path or (self.host, self.port)

    def http(self):
        """A keep-alive connection; the caller closes it."""
        return UnixHTTPConnection(self.unix_path) if self.unix_path else http.client.HTTPConnection(*self.address, timeout=10)

    def request(self, method, path, body=None, headers=()):
        connection = self.http()
        try:
            return ask(connection, method, path, body, headers)
        finally:
            connection.close()

    def get(self, path, headers=()):
        return self.request("GET", path, headers=headers)

    def health(self):
        return json.loads(self.get("/health").body)

    def wait_for_status(self, status):
        wait_until(lambda: self.health()["status"] == status, f"status {status}")
        return self

    def metrics(self):
        """The metrics, which may be a second old: for conditions to wait for, and for limits that always hold."""
        return Metrics(self.get("/metrics").body.decode())

    def fresh_metrics(self):
        """Metrics that are not older than the call, which may take a second: for immediate assertions."""
        self.get("/health/live")  # a publish may be answered one loop turn before it is delivered and counted
        called = time.time()

        def fresh():
            metrics = self.metrics()
            computed = metrics.sum("pushd_start_time_seconds") + metrics.sum("pushd_uptime_seconds")
            return metrics if computed >= called else None

        return wait_until(fresh, "figures of now", pause=0.02)

    def publish(self, channel, body, headers=()):
        """Publishes over HTTP and returns the number of subscribers."""
        body = body.encode() if isinstance(body, str) else body
        response = self.request("POST", f"/publish?channel={quote(channel)}", body, headers)
        assert response.status == 200, response
        return json.loads(response.body)["subscribers"]

    # WebSocket

    def connect(self, *channels, user=None, **options):
        """A WebSocket client of the websockets package that is closed at the end of the test."""
        pairs = [("channel", channel) for channel in channels] + ([("user_id", user)] if user else [])
        target = "/ws" + (f"?{urlencode(pairs)}" if pairs else "")
        options = {"close_timeout": 2, "max_size": None, "proxy": None} | options
        if self.unix_path:
            del options["proxy"]
            client = unix_connect(self.unix_path, f"ws://localhost{target}", **options)
        else:
            client = connect(f"ws://{self.host}:{self.port}{target}", **options)
        self.clients.append(client)
        return client

    def raw(self, **options):
        client = RawClient(self.address, **options)
        self.clients.append(client)
        return client

    # The process

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, seconds=10):
        return self.process.wait(seconds)

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        pages = int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self):
        """The number of open descriptors."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def kill(self):
        """Ends the process without a word, as if its machine had failed."""
        self.was_killed = True
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Stops the process as an operator does; this must succeed."""
        if self.process.poll() is None:
            for client in self.clients:
                client.close()
            self.signal()
            try:
                self.wait()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"pushd did not stop\n{self.log()}") from None
            assert self.process.returncode == 0, f"exit status {self.process.returncode}\n{self.log()}"
        assert self.was_killed or self.process.returncode >= 0, f"ended by signal {-self.process.returncode}\n{self.log()}"


def ask(connection, method, path, body=None, headers=()):
    """One request on an http.client connection."""
    connection.request(method, path, body=body, headers=dict(headers))
    response = connection.getresponse()
    return Response(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
