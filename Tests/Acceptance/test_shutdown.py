"""SIGTERM and SIGINT: readiness, spread closes, exit status."""

import json
import signal
import threading
import time

import pytest
from support import wait_until
from support.pushd import ask
from websockets.exceptions import ConnectionClosed


def close_code(client):
    with pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=10)
    return closed.value.rcvd and closed.value.rcvd.code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_closes_every_client_as_going_away(start, number, workers):
    pushd = start("--workers", workers, "--drain", "1")
    clients = [pushd.connect("c") for _ in range(10)]
    pushd.signal(number)
    assert [close_code(client) for client in clients] == [1001] * 10
    assert pushd.wait() == 0


def test_the_closes_are_spread_over_the_drain(start):
    pushd = start("--drain", "2")
    closed_at = []

    def watch(client):
        close_code(client)
        closed_at.append(time.monotonic())

    threads = [threading.Thread(target=watch, args=[pushd.connect("c")]) for _ in range(20)]
    for thread in threads:
        thread.start()
    pushd.signal()
    for thread in threads:
        thread.join()
    assert pushd.wait() == 0
    first, half, last = min(closed_at), sorted(closed_at)[10], max(closed_at)
    assert last - first > 1
    assert first < half < last


class Draining:
    """A pushd in a drain that outlasts the test; it closes the first of its three clients at once."""

    def __init__(self, start):
        self.pushd = start("--workers", "1", "--drain", "600")
        self.clients = [self.pushd.connect("c") for _ in range(3)]
        self.kept_alive = [self.pushd.http() for _ in range(10)]  # a draining pushd closes each after its next answer
        for connection in self.kept_alive:
            assert ask(connection, "GET", "/health/ready").status == 200
        self.pushd.signal()
        wait_until(lambda: "notice draining" in self.pushd.log(), "a line that says draining")

    def ask(self, method, path, body=None):
        return ask(self.kept_alive.pop(), method, path, body)


@pytest.fixture
def draining(start):
    draining = Draining(start)
    yield draining
    for connection in draining.kept_alive:
        connection.close()
    if draining.pushd.process.poll() is None:
        draining.pushd.signal()
        draining.pushd.wait()


def test_readiness_turns_503_while_draining(draining):
    assert draining.ask("GET", "/health/ready").status == 503
    assert draining.ask("GET", "/health/live").status == 200
    health = draining.ask("GET", "/health")
    assert (health.status, json.loads(health.body)["status"]) == (200, "draining")


def test_nobody_is_accepted_while_draining(draining):
    def is_refused():
        try:
            draining.pushd.raw().close()
        except ConnectionRefusedError:
            return True

    wait_until(is_refused, "a refused connection")


def test_messages_arrive_until_it_is_a_clients_turn(draining):
    assert draining.ask("POST", "/publish?channel=c", "late").status == 200
    received = []
    for client in draining.clients:
        try:
            received.append(client.recv(timeout=5))
        except ConnectionClosed:
            pass
    assert received in (["late"] * 2, ["late"] * 3)


def test_a_second_signal_ends_at_once(draining):
    draining.pushd.signal()
    draining.pushd.wait(5)


def test_before_a_drain_it_is_not_ready_and_still_takes_clients(start):
    pushd = start("--drain-delay", "3", "--workers", "2")
    early = pushd.connect("c")
    pushd.signal()
    wait_until(lambda: pushd.get("/health/ready").status == 503, "not ready, on a new connection")
    assert pushd.health()["status"] == "draining" and pushd.get("/health/live").status == 200
    late = pushd.connect("c")
    assert pushd.publish("c", "hello") == 2
    assert [client.recv(timeout=5) for client in (early, late)] == ["hello"] * 2
    assert "not ready" in pushd.log() and "notice draining" not in pushd.log()
    assert [close_code(client) for client in (early, late)] == [1001] * 2
    assert pushd.wait() == 0
    assert "notice draining" in pushd.log()


def test_a_second_signal_ends_the_drain_delay_at_once(start):
    pushd = start("--drain-delay", "600")
    client = pushd.connect("c")
    pushd.signal()
    wait_until(lambda: "not ready" in pushd.log(), "the first signal")
    pushd.signal()
    assert pushd.wait(5) == 0
    assert close_code(client) is None


def test_without_clients_a_stop_does_not_wait_for_the_drain(start):
    pushd = start("--drain", "600")
    idle = pushd.http()
    ask(idle, "GET", "/health")
    pushd.signal()
    assert pushd.wait(5) == 0
    idle.close()


def test_a_client_that_never_answers_the_close_cannot_hold_up_the_stop(start):
    pushd = start("--drain", "0")
    pushd.raw().upgrade()
    pushd.signal()
    assert pushd.wait(10) == 0


def test_a_request_that_never_ends_cannot_hold_up_the_stop(start):
    pushd = start("--drain", "0", "--handshake-timeout", "2")
    pushd.raw().send(b"GET / HTTP/1.1\r\n")
    pushd.signal()
    assert pushd.wait(10) == 0
