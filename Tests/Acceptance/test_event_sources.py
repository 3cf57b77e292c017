"""EventSource as browsers, Node and Deno have it: it connects, recovers by itself, and stops when it is refused."""

import json

import pytest
from clients.event_sources import NAMES, Reports, opened
from support import wait_until
from support.tokens import Key

PAYLOADS = ["hello", "two\nlines", " é 😀 ", "x" * 5_000, "id: 1\nevent: close\n\n"]


@pytest.fixture
def reports():
    reports = Reports()
    yield reports
    reports.close()


@pytest.fixture(params=NAMES)
def client(request, tmp_path):
    (directory := tmp_path / "client").mkdir()
    client = opened(request.param, directory) or pytest.skip(f"no EventSource of {request.param} here")
    yield client
    client.close()


def url(pushd, query):
    return f"http://127.0.0.1:{pushd.port}/sse?{query}"


def connections(pushd):
    return json.loads(pushd.get("/v1/connections").body)["connections"]


def test_it_gets_what_it_missed_when_it_was_cut_off(start, reports, client):
    pushd = start("--compression", "on", "--allow-origin", reports.origin, "--channel", "kept: history=100/60s")
    client.open(reports, url(pushd, "channel=kept"))
    assert reports.next() == {"open": True}
    for payload in PAYLOADS:
        pushd.publish("kept", payload)
        assert reports.next()["data"] == payload
    (connection,) = connections(pushd)
    assert pushd.request("POST", f"/v1/connections/{connection['connection']}/disconnect", b"{}").status == 200
    for payload in PAYLOADS:
        pushd.publish("kept", payload)
    assert reports.next()["type"] == "close"
    assert reports.next() == {"state": 0}, "it connects again"
    assert reports.next() == {"open": True}
    got = [reports.next() for _ in PAYLOADS]
    assert [message["data"] for message in got] == PAYLOADS
    assert len({message["id"] for message in got}) == len(PAYLOADS)


def test_it_stops_when_it_is_refused(start, reports, client, tmp_path):
    key = Key(tmp_path, "HS256")
    pushd = start(*key.options, "--token-required", "--allow-origin", reports.origin)
    client.open(reports, url(pushd, f"channel=c&token={key.token(sub='ann')}"))
    assert reports.next() == {"open": True}
    pushd.request("POST", "/v1/revoke", json.dumps({"user": "ann"}).encode())
    assert json.loads(reports.next()["data"])["code"] == 4401
    assert reports.next() == {"state": 0}, "it connects again"
    assert reports.next() == {"state": 2}, "401 has ended it"
    wait_until(lambda: pushd.health()["connections"] == 0, "no connection")
