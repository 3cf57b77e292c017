"""The metrics a dashboard is built on."""

import pytest
from support import wait_until


def test_metrics_are_prometheus_text(pushd):
    assert pushd.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")
    metrics = pushd.metrics()
    assert metrics.names() >= {"pushd_connections", "pushd_channels", "pushd_subscriptions", "pushd_deliveries_total"}
    assert {"pushd_messages_in_total", "pushd_dropped_total"} <= metrics.types.keys()
    assert all(name.startswith("pushd_") for name in metrics.names())


def test_gauges_follow_the_clients(pushd):
    clients = [pushd.connect("a", "b") for _ in range(3)]
    metrics = pushd.metrics()
    assert [metrics.sum(f"pushd_{name}") for name in ("connections", "channels", "subscriptions")] == [3, 2, 6]
    for client in clients:
        client.close()
    wait_until(lambda: pushd.metrics().sum("pushd_connections") == 0, "0 connections")
    assert pushd.metrics().sum("pushd_subscriptions") == 0
    wait_until(lambda: pushd.metrics().sum("pushd_channels") == 0, "0 channels")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_counters_count_messages_and_deliveries(start, workers):
    pushd = start("--workers", workers)
    clients = [pushd.connect("c") for _ in range(4)]
    for number in range(5):
        assert pushd.publish("c", f"message {number}") == 4
    for client in clients:
        assert [client.recv(timeout=5) for _ in range(5)] == [f"message {number}" for number in range(5)]
    metrics = pushd.metrics()
    assert metrics.sum("pushd_messages_in_total", source="http") == 5
    assert metrics.sum("pushd_deliveries_total") == 20
