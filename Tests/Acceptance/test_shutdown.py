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


def test_readiness_turns_503_while_draining(start):
    pushd = start("--drain", "60")
    pushd.connect("c")
    orchestrator = pushd.http()
    assert ask(orchestrator, "GET", "/health/ready").status == 200
    pushd.signal()
    wait_until(lambda: ask(orchestrator, "GET", "/health/ready").status == 503, "readiness 503")
    assert ask(orchestrator, "GET", "/health/live").status == 200
    health = ask(orchestrator, "GET", "/health")
    assert (health.status, json.loads(health.body)["status"]) == (200, "draining")
    orchestrator.close()
    pushd.signal()
    pushd.wait()


def test_nobody_is_accepted_while_draining(start):
    pushd = start("--drain", "60")
    client = pushd.connect("c")
    pushd.signal()

    def is_refused():
        try:
            pushd.raw().close()
        except ConnectionRefusedError:
            return True

    wait_until(is_refused, "a refused connection")
    client.ping().wait(5)  # those who are here stay until it is their turn
    pushd.signal()
    pushd.wait()


def test_messages_still_arrive_while_draining(start):
    pushd = start("--drain", "60")
    clients = [pushd.connect("c") for _ in range(2)]
    publisher = pushd.http()
    assert ask(publisher, "GET", "/health").status == 200
    pushd.signal()
    wait_until(lambda: ask(publisher, "GET", "/health/ready").status == 503, "draining")
    assert ask(publisher, "POST", "/publish?channel=c", "late").status == 200
    received = []
    for client in clients:  # at most one of them was closed by now
        try:
            received.append(client.recv(timeout=5))
        except ConnectionClosed:
            pass
    assert received and set(received) == {"late"}
    publisher.close()
    pushd.signal()
    pushd.wait()


def test_a_second_signal_ends_at_once(start):
    pushd = start("--drain", "600")
    clients = [pushd.connect("c") for _ in range(3)]
    orchestrator = pushd.http()
    ask(orchestrator, "GET", "/health")
    pushd.signal()
    wait_until(lambda: ask(orchestrator, "GET", "/health/ready").status == 503, "draining")
    pushd.signal()
    pushd.wait(5)
    assert len(clients) == 3


def test_without_clients_a_stop_does_not_wait_for_the_drain(start):
    pushd = start("--drain", "600")
    idle = pushd.http()
    ask(idle, "GET", "/health")
    idle.close()
    pushd.signal()
    assert pushd.wait(5) == 0


def test_a_client_that_never_answers_the_close_cannot_hold_up_the_stop(start):
    pushd = start("--drain", "1")
    pushd.raw().upgrade()
    pushd.raw().send(b"GET / HTTP/1.1\r\n")
    pushd.signal()
    assert pushd.wait(15) == 0
