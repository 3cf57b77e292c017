"""The metrics a dashboard is built on."""

import time

import pytest
from support import wait_until
from support.pushd import ask
from support.storm import IdleCrowd, Pinger, ask_in_a_pipeline


def test_metrics_are_prometheus_text(pushd):
    assert pushd.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")
    metrics = pushd.metrics()
    assert metrics.names() >= {"pushd_connections", "pushd_channels", "pushd_subscriptions", "pushd_deliveries_total"}
    assert {"pushd_messages_in_total", "pushd_dropped_total"} <= metrics.types.keys()
    assert all(name.startswith("pushd_") for name in metrics.names())


def test_gauges_follow_the_clients(pushd):
    def gauges():
        metrics = pushd.metrics()
        return [metrics.sum(f"pushd_{name}") for name in ("connections", "channels", "subscriptions")]

    clients = [pushd.connect("a", "b") for _ in range(3)]
    wait_until(lambda: gauges() == [3, 2, 6], "3 connections, 2 channels, 6 subscriptions")
    for client in clients:
        client.close()
    wait_until(lambda: gauges() == [0, 0, 0], "nobody left")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_counters_count_messages_and_deliveries(start, workers):
    pushd = start("--workers", workers)
    clients = [pushd.connect("c") for _ in range(4)]
    for number in range(5):
        assert pushd.publish("c", f"message {number}") == 4
    for client in clients:
        assert [client.recv(timeout=5) for _ in range(5)] == [f"message {number}" for number in range(5)]
    wait_until(lambda: pushd.metrics().sum("pushd_messages_in_total", source="http") == 5, "5 messages in")
    wait_until(lambda: pushd.metrics().sum("pushd_deliveries_total") == 20, "20 deliveries")


def test_the_figures_are_computed_once_a_second(start):
    pushd = start("--workers", "2")
    connections = [pushd.http() for _ in range(4)]
    began, texts = time.monotonic(), set()
    while time.monotonic() < began + 2.5:
        texts.update(ask(connection, "GET", "/metrics").body for connection in connections)
    assert 3 <= len(texts) <= 4
    for connection in connections:
        connection.close()


def test_a_storm_of_scrapes_delays_nobody(pushd):
    """The short form of soak/metrics_storm.py, whose limit for 9,000 connections is 20 ms."""
    idle, pinger = IdleCrowd(pushd.address, count=1000).start(), Pinger(pushd.address).start()
    statuses = ask_in_a_pipeline(pushd.address, "/metrics", count=400, clients=4)
    waits = pinger.stop()
    idle.stop()
    assert statuses == {200: 1600}
    assert waits[-1] < 0.1
