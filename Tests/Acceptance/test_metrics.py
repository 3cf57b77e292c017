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
