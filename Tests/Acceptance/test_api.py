"""The HTTP API below /v1, as an admin's programs use it."""

import json
from urllib.parse import quote

import pytest
from support import wait_until
from support.storm import IdleCrowd, Pinger, ask_in_a_pipeline


def ask(pushd, path, status=200):
    response = pushd.get(path)
    assert response.status == status, response
    assert response.headers["content-type"] == "application/json"
    return json.loads(response.body)


def connections(pushd, query=""):
    return ask(pushd, f"/v1/connections{query}")["connections"]


@pytest.fixture(params=["1", "2"])
def server(start, request):
    return start("--workers", request.param)


def test_channels_are_listed(server):
    server.connect("a", "b/c"), server.connect("b/c", "ü ber")
    expected = [("a", 1), ("b/c", 2), ("ü ber", 1)]
    assert ask(server, "/v1/channels") == {
        "channels": [{"channel": name, "subscribers": count} for name, count in expected]
    }
    for name, count in [*expected, ("none", 0)]:
        assert ask(server, f"/v1/channels/{quote(name, safe='')}") == {"channel": name, "subscribers": count}
    assert [each["channel"] for each in ask(server, "/v1/channels?match=*b*")["channels"]] == ["b/c", "ü ber"]


def test_long_lists_come_in_pages(server):
    names = [f"c{number:03}" for number in range(250)]
    for chunk in range(0, len(names), 125):
        server.connect(*names[chunk : chunk + 125])
    found, path = [], "/v1/channels"
    while path:
        page = ask(server, path)
        assert len(page["channels"]) <= 100
        found += [each["channel"] for each in page["channels"]]
        path = f"/v1/channels?after={quote(page['next'])}" if "next" in page else None
    assert found == names


def test_connections_of_a_user_and_of_a_channel(server):
    ada = [server.connect("news", user="ada") for _ in range(3)]
    server.connect("news", user="bob", subprotocols=["pushd.v1"]), server.connect("other")
    assert len(connections(server)) == 5
    assert [each["user"] for each in connections(server, "?user=ada")] == ["ada"] * 3
    assert sorted(each["user"] for each in connections(server, "?channel=news")) == ["ada"] * 3 + ["bob"]
    assert connections(server, "?user=ada&channel=other") == []
    assert {each["protocol"] for each in connections(server, "?user=bob")} == {"pushd.v1"}
    ada[0].close()
    wait_until(lambda: len(connections(server, "?user=ada")) == 2, "one connection less")


def test_a_connection_is_described(server):
    server.connect("a", "b", user="ada")
    [listed] = connections(server)
    found = ask(server, f"/v1/connections/{listed['connection']}")
    assert found["channels"] == ["a", "b"]
    assert (found["user"], found["protocol"], found["address"]) == ("ada", "none", "127.0.0.1")
    assert (found["subscriptions"], found["queued_bytes"]) == (2, 0)
    assert 0 <= found["since_s"] < 60 and 0 <= found["silent_s"] < 60
    ask(server, f"/v1/connections/{listed['connection'][:-1]}x", 404)


def test_the_address_is_the_clients(start):
    pushd = start("--trusted-proxy", "127.0.0.1", "--api-key", "k")
    pushd.connect(additional_headers={"X-Forwarded-For": "192.0.2.7"})
    [listed] = json.loads(pushd.get("/v1/connections", {"X-API-Key": "k"}).body)["connections"]
    assert listed["address"] == "192.0.2.7"


def test_what_is_queued_for_a_client_that_does_not_read(start):
    pushd = start("--outbox-limit", "64M", "--max-publish", "1M")
    stalled = pushd.raw(receive_buffer=4096)
    stalled.upgrade("/ws?channel=c&user_id=slow")
    for _ in range(16):
        pushd.publish("c", "x" * 1_000_000)
    wait_until(lambda: connections(pushd, "?user=slow")[0]["queued_bytes"] > 1_000_000, "queued bytes")


@pytest.mark.parametrize("path", ["/v1/channels", "/v1/channels/c", "/v1/connections", "/v1/connections/x"])
def test_only_admins_may_ask(start, path):
    pushd = start("--api-key", "right", "--publish-key", "publish")
    assert pushd.get(path).status == 401
    assert pushd.get(path, {"Authorization": "Bearer publish"}).status == 401
    assert pushd.get(path, {"Authorization": "Bearer right"}).status in (200, 404)


@pytest.mark.alone
def test_a_storm_of_lists_delays_nobody(start):
    """Each list is a walk over 2,000 connections; they share one slice of a turn."""
    pushd = start("--workers", "2")
    idle, pinger = IdleCrowd(pushd.address, count=2000).start(), Pinger(pushd.address).start()
    statuses = ask_in_a_pipeline(pushd.address, "/v1/connections?channel=none", count=100, clients=4)
    waits = pinger.stop()
    idle.stop()
    assert statuses == {200: 400}
    assert waits[-1] < 0.1
