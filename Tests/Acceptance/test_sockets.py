"""Limits on sockets: per address, and idle ones are closed when descriptors run short."""

import contextlib
import resource
import socket

import pytest
from support import wait_until
from support.raw import RawClient
from test_http import GET_HEALTH


def is_served(client):
    with contextlib.suppress(OSError):
        client.send(GET_HEALTH)
        return client.receive_more() and client.received.startswith(b"HTTP/1.1 200")
    return False


def hold(stack, pushd, count):
    """Opens idle keep-alive connections; returns those that were served."""
    clients = [stack.enter_context(RawClient(pushd.address)) for _ in range(count)]
    return [client for client in clients if is_served(client)]


def from_elsewhere(pushd):
    """Whether a client with another address is served."""
    with socket.create_connection(pushd.address, timeout=5, source_address=("127.0.0.2", 0)) as client:
        client.sendall(GET_HEALTH)
        return client.recv(4096).startswith(b"HTTP/1.1 200")


def test_an_address_has_so_many_sockets_whatever_they_speak(start):
    pushd = start("--max-sockets-per-address", "5", "--workers", "2", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
    wait_until(lambda: len(pushd.log().split("listening on")) > 2, "both addresses")
    with contextlib.ExitStack() as stack:
        client = pushd.raw().upgrade()
        served = wait_until(lambda: hold(stack, pushd, 10), "some that are served")
        assert len(served) <= 4
        wait_until(lambda: not hold(stack, pushd, 1), "an address that is full")
        assert from_elsewhere(pushd)
        client.close()
        wait_until(lambda: hold(stack, pushd, 1), "the place to be free again")
        assert not hold(stack, pushd, 1)
    wait_until(lambda: hold(stack, pushd, 1), "all places to be free again")


def test_a_dry_limit_of_sockets_is_counted(start):
    pushd = start("--max-sockets-per-address", "1:dry")
    with contextlib.ExitStack() as stack:
        assert len(hold(stack, pushd, 10)) == 10
        metrics = pushd.fresh_metrics()
        assert metrics.sum("pushd_limit_hits_total", limit="max-sockets-per-address", enforced="false") >= 9


def test_unix_sockets_have_no_address(start, tmp_path):
    pushd = start("--max-sockets-per-address", "1", "--listen", f"unix:{tmp_path}/socket")
    with contextlib.ExitStack() as stack:
        assert len(hold(stack, pushd, 10)) == 10


@pytest.mark.parametrize("workers", ["1", "2"])
def test_idle_connections_make_room_for_others(start, workers):
    pushd = start("--workers", workers)
    early = pushd.connect("news")
    limit = pushd.descriptors() + 20
    resource.prlimit(pushd.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
    with contextlib.ExitStack() as stack:
        for _ in range(100):  # most of them wait in the kernel's accept queue
            stack.enter_context(RawClient(pushd.address)).send(GET_HEALTH)
        late = pushd.connect("news")
        assert pushd.publish("news", "hello") == 2
        assert [client.recv(timeout=5) for client in (early, late)] == ["hello"] * 2
        assert pushd.metrics().sum("pushd_idle_closed_total") > 0
