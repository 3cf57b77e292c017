"""Our own clients over TLS: pushd bench and ws-cat."""

import contextlib

import pytest
from support import free_port
from support.pushd import run_pushd
from test_bench import FAST, Bench, assert_complete
from test_client_role import Cat
from test_tls import authority, other_authority, pair, pushd, serve  # noqa: F401, the fixtures among them


def url(pushd, host="localhost"):
    return f"wss://{host}:{pushd.port}/ws"


def bench(pushd, *options, host="localhost"):
    return Bench(url(pushd, host), *FAST, "--tls-ca", pushd.authority.file, "--json", *options).wait()


@pytest.fixture
def run_cat(pushd):
    with contextlib.ExitStack() as stack:

        def run_cat(*options, target="?channel=c"):
            cat = Cat(url(pushd) + target, *options)
            stack.callback(cat.stop)
            return cat

        yield run_cat


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_bench_counts_every_delivery(pushd, host):
    options = ("--connections", "20", "--channels", "4", "--messages", "200")
    assert_complete(bench(pushd, *options, host=host).succeeded().report, 20, 200, 1000)


def test_a_bench_of_large_messages(pushd):
    options = ("--connections", "5", "--messages", "40", "--size", "60000", "--in-flight", "16")
    assert_complete(bench(pushd, *options).succeeded().report, 5, 40, 200)


def test_a_bench_trusts_nobody_else(pushd, other_authority):
    result = Bench(url(pushd), *FAST, "--messages", "1", "--tls-ca", other_authority.file).wait()
    result.failed("connection 1 of 100: connect to", "TLS: ", "certificate")


def test_a_bench_without_a_server(authority):
    port = free_port()
    result = Bench(f"wss://127.0.0.1:{port}/ws", *FAST, "--messages", "1", "--tls-ca", authority.file).wait()
    result.failed(f"connect to 127.0.0.1:{port}: connection refused")


@pytest.mark.parametrize(
    "scheme, words", [("ws", "possible without a wss: URL"), ("wss", "usable: no usable certificate authorities in /none")]
)
def test_authorities_that_cannot_be_used_are_refused(scheme, words):
    result = run_pushd("bench", f"{scheme}://localhost", "--tls-ca", "/none")
    assert result.returncode == 64
    assert f"--tls-ca: '/none' is not {words}" in result.stderr


def test_a_cat_over_tls(pushd, run_cat):
    cat = run_cat("--tls-ca", str(pushd.authority.file))
    cat.send(b'{"action":"ping"}')
    assert cat.read() == b'{"action":"pong"}'
    assert pushd.publish("c", "hello") == 1
    assert cat.read() == b"hello"
    cat.end_input()
    assert cat.wait() == (0, b"", "")


def test_a_cat_and_a_server_that_stops_part_cleanly(pushd, run_cat):
    cat = run_cat("--tls-ca", str(pushd.authority.file))
    cat.send(b'{"action":"ping"}')
    assert cat.read() == b'{"action":"pong"}'
    pushd.stop()
    assert cat.wait() == (0, b"", "")


def test_a_cat_trusts_nobody_else(run_cat, other_authority):
    assert run_cat("--tls-ca", str(other_authority.file)).problem().startswith("connect: TLS: ")
