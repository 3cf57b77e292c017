"""pushd bench against real servers: its counts, its output, and how it ends."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import threading

import pytest
from support import free_port, own_address, wait_until
from support.pushd import BINARY, environment, run_pushd

FAST = ["--warm-up", "0"]


class Bench:
    """A running pushd bench; killed if it does not end in time, so that no test waits forever."""

    def __init__(self, url, *options, **variables):
        self.process = subprocess.Popen(
            [BINARY, "bench", url, *options],
            env=environment(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.watchdog = threading.Timer(60, self.process.kill)
        self.watchdog.start()

    def wait(self):
        output, errors = self.process.communicate()
        self.watchdog.cancel()
        return Result(self.process.returncode, output, errors)


class Result:
    def __init__(self, status, output, errors):
        self.status, self.output, self.errors = status, output, errors
        lines = errors.splitlines()
        self.problem = lines[-1].removeprefix("pushd: ") if lines and lines[-1].startswith("pushd: ") else None
        # All others are progress.
        for line in lines[: -1 if self.problem else None]:
            assert re.fullmatch(r"\d+ s: .*", line), line

    @property
    def report(self):
        return json.loads(self.output)

    def succeeded(self):
        assert (self.status, self.problem) == (0, None), (self.errors, self.output)
        return self

    def failed(self, *words):
        assert self.status == 1, (self.errors, self.output)
        for word in words:
            assert word in self.problem, (self.errors, self.output)
        return self


def url(pushd):
    return f"ws://{pushd.host}:{pushd.port}/ws"


def bench(pushd, *options, **variables):
    return Bench(url(pushd), *FAST, *options, **variables).wait()


def measured(pushd, *options, **variables):
    """The report of a run that must succeed."""
    return bench(pushd, "--json", *options, **variables).succeeded().report


def assert_complete(report, connections, messages, deliveries):
    assert report["problem"] is None
    assert report["connections"]["opened"] == connections
    assert report["connections"]["lost"] == 0
    assert report["messages"] == {"published": messages, "failed": 0, "first_failure": None}
    counts = {"expected": deliveries, "arrived": deliveries, "lost": 0, "too_many": 0, "foreign": 0}
    assert report["deliveries"] == counts
    latency = list(report["measured"]["latency_milliseconds"].values())
    assert len(latency) == 5 and all(value > 0 for value in latency)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_every_delivery_is_counted(start, workers):
    pushd = start("--workers", workers)
    report = measured(pushd, "--connections", "30", "--messages", "200")
    assert_complete(report, 30, 200, 6000)
    assert report["measured"]["deliveries"] == 6000
    metrics = pushd.fresh_metrics()
    assert metrics.sum("pushd_deliveries_total") == 6000
    assert metrics.sum("pushd_messages_in_total", source="http") == 200
    # They end with a closing handshake.
    assert metrics.sum("pushd_connections_closed_total", reason="client") == 30
    assert metrics.sum("pushd_connections_closed_total", reason="aborted") == 0


def test_the_table_names_the_same(pushd):
    result = bench(pushd, "--connections", "3", "--messages", "5").succeeded()
    assert re.search(r"^connections +3 of 3 opened in .* m?s \(.*/s\)$", result.output, re.M)
    assert re.search(r"^messages +5 published, 0 failed$", result.output, re.M)
    assert re.search(r"^deliveries +15 expected, 15 arrived, 0 lost$", result.output, re.M)
    assert re.search(r"^latency +p50 .* ms, p90 .* ms, p99 .* ms, p99\.9 .* ms, max .* ms$", result.output, re.M)


def test_messages_go_to_all_channels_in_turn(pushd):
    report = measured(pushd, "--connections", "10", "--channels", "4", "--messages", "8")
    # Two messages per channel; two channels have three subscribers and two have two.
    assert_complete(report, 10, 8, 2 * 10)


def test_the_subprotocol_wraps_messages(pushd):
    plain = measured(pushd, "--connections", "5", "--messages", "20", "--size", "100")
    wrapped = measured(pushd, "--connections", "5", "--messages", "20", "--size", "100", "--subprotocol", "pushd.v1")
    assert_complete(plain, 5, 20, 100)
    assert_complete(wrapped, 5, 20, 100)


@pytest.mark.parametrize("size", ["32", "100000", "1000000"])
def test_messages_of_any_size(pushd, size):
    # One at a time, because several of the largest exceed a connection's outbox.
    report = measured(pushd, "--connections", "4", "--messages", "10", "--size", size, "--in-flight", "1")
    assert_complete(report, 4, 10, 40)


def test_all_that_is_due_at_a_rate_is_published(pushd):
    result = bench(pushd, "--connections", "10", "--rate", "500", "--duration", "1").succeeded()
    assert re.search(r"^messages +500 published, 0 failed$", result.output, re.M)
    assert re.search(r"^throughput .*/s messages of 500/s wanted$", result.output, re.M)


def test_messages_at_a_rate_are_all_published(pushd):
    assert_complete(measured(pushd, "--connections", "2", "--rate", "1000", "--messages", "300"), 2, 300, 600)


def test_a_warm_up_is_counted_but_not_measured(pushd):
    result = Bench(url(pushd), "--json", "--warm-up", "0.2", "--duration", "0.2", "--connections", "2").wait()
    report = result.succeeded().report
    assert 0 < report["measured"]["messages"] < report["messages"]["published"]
    assert 0 < report["measured"]["deliveries"] < report["deliveries"]["arrived"]


def test_more_than_many_connections(start):
    pushd = start()
    report = measured(pushd, "--connections", "3000", "--channels", "1000", "--messages", "1000")
    assert_complete(report, 3000, 1000, 3000)


def test_traffic_of_others_does_not_disturb(pushd):
    """Two runs at once, and a publisher on another channel of the same prefix."""
    first = Bench(url(pushd), *FAST, "--json", "--connections", "5", "--messages", "500")
    second = Bench(url(pushd), *FAST, "--json", "--connections", "5", "--messages", "500")
    pushd.publish("bench", "hello")
    for running in (first, second):
        assert_complete(running.wait().succeeded().report, 5, 500, 2500)


def test_progress_is_told_each_second(pushd):
    result = bench(pushd, "--connections", "5", "--rate", "20", "--messages", "30")
    line = result.succeeded().errors.splitlines()[0]
    assert re.fullmatch(r"1 s: \d+ messages?, now [\d.,]+/s, [\d.,]+/s deliveries, \d+ under way", line)


# Publishing


def test_it_publishes_through_redis(node, redis_server):
    report = measured(node, "--publish", "redis", "--redis", redis_server.url, "--connections", "20", "--messages", "500")
    assert_complete(report, 20, 500, 10_000)
    metrics = node.fresh_metrics()
    assert metrics.sum("pushd_messages_in_total", source="redis") == 500
    assert metrics.sum("pushd_messages_in_total", source="http") == 0


def test_it_publishes_over_http_to_a_server_with_redis(node):
    assert_complete(measured(node, "--connections", "20", "--messages", "200"), 20, 200, 4000)


def test_the_prefix_in_redis_is_an_option(start, redis_server):
    pushd = start("--redis", redis_server.url, "--redis-prefix", "live:").wait_for_status("ok")
    options = ["--publish", "redis", "--redis", redis_server.url, "--messages", "10", "--connections", "2"]
    assert_complete(measured(pushd, *options, "--redis-prefix", "live:"), 2, 10, 20)
    result = bench(pushd, *options, "--patience", "1")
    result.failed("nothing has arrived for 1 s", "did not arrive")


def test_redis_options_may_come_from_the_environment(node, redis_server):
    report = measured(node, "--publish", "redis", "--messages", "10", "--connections", "2", PUSHD_REDIS=redis_server.url)
    assert_complete(report, 2, 10, 20)


def test_a_redis_that_is_not_there_ends_the_run(pushd):
    port = free_port()
    result = bench(pushd, "--publish", "redis", "--redis", f"redis://127.0.0.1:{port}", "--messages", "1")
    result.failed("Redis", str(port), "refused")


def test_a_redis_that_is_lost_ends_the_run(node, redis_server):
    running = Bench(url(node), *FAST, "--publish", "redis", "--redis", redis_server.url, "--duration", "600")
    wait_until(lambda: node.metrics().sum("pushd_messages_in_total", source="redis"), "messages")
    redis_server.kill()
    running.wait().failed("Redis")


@pytest.fixture
def foreign(start):
    """A pushd that sees the publisher as another machine and requires a key."""
    if not (address := own_address()):
        pytest.skip("this machine has no address of its own")
    pushd = start("--listen", "0", "--publish-key", "right")
    pushd.host = address
    return pushd


def test_a_publish_key_is_sent(foreign):
    assert_complete(measured(foreign, "--publish-key", "right", "--messages", "3", "--connections", "1"), 1, 3, 3)
    assert_complete(measured(foreign, "--messages", "3", "--connections", "1", PUSHD_PUBLISH_KEY="right"), 1, 3, 3)


@pytest.mark.parametrize("options", [[], ["--publish-key", "wrong"]])
def test_without_the_right_key_publishing_is_refused(foreign, options):
    result = bench(foreign, "--messages", "100", "--connections", "1", *options)
    result.failed("publishing was refused", "status 401")
    assert "0 published" in result.output


def test_too_large_a_message_is_refused(start):
    pushd = start("--max-publish", "1000")
    bench(pushd, "--size", "1001", "--messages", "5", "--connections", "1").failed("publishing was refused", "status 413")


def test_a_degraded_server_refuses_and_the_run_ends(start, stopped_redis):
    """After a 503 the run continues, but it ends if nothing arrives at all."""
    pushd = start("--redis", stopped_redis.url).wait_for_status("degraded")
    result = bench(pushd, "--connections", "1", "--duration", "600", "--rate", "50", "--patience", "2")
    result.failed("nothing has arrived for 2 s", "not published", "status 503")


# Endings


def test_a_server_killed_in_the_middle_ends_the_run_with_a_report(start):
    pushd = start()
    running = Bench(url(pushd), *FAST, "--json", "--connections", "20", "--duration", "600")
    wait_until(lambda: pushd.metrics().sum("pushd_deliveries_total") > 1000, "deliveries")
    pushd.process.kill()
    pushd.process.wait()
    pushd.process.returncode = 0  # tells the fixture that this end was intended
    result = running.wait().failed()
    report = result.report
    assert report["problem"] == result.problem
    assert report["connections"]["opened"] == 20
    assert report["deliveries"]["arrived"] > 1000
    assert report["measured"]["deliveries"] > 0


class Forwarder:
    """Forwards connections from its own port, so that a test can cut one of them."""

    def __init__(self, address):
        self.address = address
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.server.accept()[0]
                server = socket.create_connection(self.address)
                self.sockets.append(client)
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    @staticmethod
    def _pass_on(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self, index):
        self.sockets[index].shutdown(socket.SHUT_RDWR)

    def close(self):
        self.server.close()


def test_a_lost_subscriber_is_a_failure_but_the_others_go_on(pushd):
    with contextlib.closing(Forwarder(pushd.address)) as forwarder:
        address = f"ws://127.0.0.1:{forwarder.port}/ws"
        running = Bench(address, *FAST, "--json", "--connections", "3", "--duration", "600")
        wait_until(lambda: pushd.metrics().sum("pushd_deliveries_total") > 100, "deliveries")
        forwarder.cut(0)
        wait_until(lambda: pushd.metrics().sum("pushd_connections") == 2, "the loss")
        count = pushd.metrics().sum("pushd_deliveries_total")
        wait_until(lambda: pushd.metrics().sum("pushd_deliveries_total") > count + 100, "more deliveries")
        running.process.send_signal(signal.SIGINT)
        result = running.wait().failed("1 connection was lost, the first: connection 1: the connection ended")
    report = result.report
    assert report["connections"] | {"lost": 1, "opened": 3} == report["connections"]
    assert report["deliveries"]["expected"] == 3 * report["messages"]["published"]
    assert report["deliveries"]["lost"] == report["deliveries"]["expected"] - report["deliveries"]["arrived"] > 0
    assert report["deliveries"]["arrived"] >= 2 * report["messages"]["published"]


def test_a_server_that_drains_is_named(start):
    pushd = start()
    running = Bench(url(pushd), *FAST, "--connections", "5", "--duration", "600")
    wait_until(lambda: pushd.metrics().sum("pushd_deliveries_total") > 100, "deliveries")
    pushd.stop()
    result = running.wait().failed("connections were lost", "1001")
    assert "5 of 5 opened" in result.output


def test_no_server_at_all(pushd):
    port = free_port()
    result = Bench(f"ws://127.0.0.1:{port}/ws", "--messages", "1").wait()
    result.failed("connection 1 of 100", f"connect to 127.0.0.1:{port}", "refused")
    assert "0 of 100 opened" in result.output


def test_a_name_is_looked_up(pushd):
    result = Bench(f"ws://localhost:{pushd.port}/ws", "--messages", "5", "--connections", "2", "--json").wait()
    assert_complete(result.succeeded().report, 2, 5, 10)


def test_a_server_that_is_full_ends_the_run_with_what_was_opened(start):
    pushd = start("--max-connections", "10")
    result = bench(pushd, "--connections", "20", "--messages", "1", "--json")
    result.failed("of 20: the server answered with status 503")
    assert result.report["connections"]["opened"] == 10
    assert result.report["messages"]["published"] == 0


def test_a_path_that_is_no_websocket(pushd):
    result = Bench(f"ws://127.0.0.1:{pushd.port}/nothing", "--connections", "3", "--messages", "1").wait()
    result.failed("connection 1 of 3: the server answered with status 404")


def test_a_server_that_never_answers():
    with socket.create_server(("127.0.0.1", 0)) as server:
        result = Bench(f"ws://127.0.0.1:{server.getsockname()[1]}/ws", "--patience", "1").wait()
    result.failed("nothing has arrived for 1 s")


def test_a_server_that_stops_in_the_middle(start):
    pushd = start()
    running = Bench(url(pushd), *FAST, "--connections", "5", "--duration", "600", "--patience", "2")
    wait_until(lambda: pushd.metrics().sum("pushd_deliveries_total") > 100, "deliveries")
    pushd.signal(signal.SIGSTOP)
    try:
        result = running.wait().failed("nothing has arrived for 2 s")
    finally:
        pushd.signal(signal.SIGCONT)
    assert "latency" in result.output


def test_an_interrupt_ends_the_run_with_its_report(pushd):
    running = Bench(url(pushd), *FAST, "--json", "--connections", "5", "--duration", "600")
    wait_until(lambda: pushd.metrics().sum("pushd_deliveries_total") > 100, "deliveries")
    running.process.send_signal(signal.SIGINT)
    report = running.wait().succeeded().report
    assert report["deliveries"]["expected"] == report["deliveries"]["arrived"] == 5 * report["messages"]["published"]
    wait_until(lambda: pushd.metrics().sum("pushd_connections") == 0, "no connections")


def test_an_interrupt_while_it_connects(pushd):
    with socket.create_server(("127.0.0.1", 0)) as server:
        running = Bench(f"ws://127.0.0.1:{server.getsockname()[1]}/ws")
        with contextlib.closing(server.accept()[0]):
            running.process.send_signal(signal.SIGINT)
            running.wait().failed("interrupted before anything was published")


def test_a_second_interrupt_does_not_wait(pushd):
    running = Bench(url(pushd), *FAST, "--connections", "5", "--duration", "600", "--patience", "600")
    wait_until(lambda: pushd.metrics().sum("pushd_deliveries_total") > 100, "deliveries")
    pushd.signal(signal.SIGSTOP)
    try:
        # Signals that arrive before the previous one was handled count as one.
        while running.process.poll() is None:
            running.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.process.wait(0.05)
        assert "latency" in running.wait().output
    finally:
        pushd.signal(signal.SIGCONT)


def test_too_many_connections_for_the_descriptors_are_an_error(pushd):
    limit = 'ulimit -n 500; exec "$0" "$@"'
    command = ["sh", "-c", limit, BINARY, "bench", url(pushd), "--connections", "500"]
    result = subprocess.run(command, env=environment({}), capture_output=True, text=True, timeout=10, check=False)
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "--connections" in result.stderr and "500" in result.stderr


# Usage


@pytest.mark.parametrize(
    "options",
    [
        ["http://localhost"],
        ["--connections", "0"],
        ["--connections", "2", "--channels", "3"],
        ["--size", "31"],
        ["--rate", "1", "--in-flight", "1"],
        ["--messages", "1", "--duration", "1"],
        ["--publish", "redis"],
        ["--subprotocol", "graphql-ws"],
        ["--publish-key", "a b"],
        ["--nonsense"],
        ["--rate"],
    ],
)
def test_a_usage_error_is_one_line_and_64(options):
    result = run_pushd("bench", *options)
    assert (result.returncode, result.stdout) == (64, "")
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert result.stderr.startswith("pushd: ")
    assert options[0].removeprefix("http://localhost") in result.stderr


def test_a_password_is_not_shown():
    result = run_pushd("bench", "--publish", "redis", "--redis", "redis://u:secret@h:port")
    assert result.returncode == 64
    assert "secret" not in result.stderr


def test_help_names_every_option():
    result = run_pushd("bench", "--help")
    assert result.returncode == 0
    for option in """connections channels channel-prefix messages duration warm-up size rate in-flight publish redis redis-prefix
        publish-key subprotocol patience json""".split():
        assert f"--{option} " in result.stdout or f"--{option}\n" in result.stdout, option
    assert "bench" in run_pushd("--help").stdout
