"""--hook-subscribe and --hook-publish: a backend decides where a channel's rule says ask."""

import json
import socket

import pytest
from support import wait_until
from support.backend import SECRET, allow, deny, is_signed
from websockets.exceptions import InvalidStatus

RULES = ("--channel", "room.*: subscribe=ask publish=ask")


def command(client, **command):
    client.send(json.dumps(command))


def reply(client):
    return json.loads(client.recv(timeout=10))


@pytest.fixture
def hooked(start, backend):
    urls = ("--hook-subscribe", f"{backend.url}/subscribe", "--hook-publish", f"{backend.url}/publish")
    return lambda *options: start(*urls, *RULES, *options)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_subscribe_is_decided_channel_by_channel(hooked, backend, workers):
    backend.decide = lambda question: deny("full") if question["channel"] == "room.2" else allow()
    pushd = hooked("--workers", workers)
    client = pushd.connect("open", user="ann")
    command(client, action="subscribe", channels=["room.1", "room.2", "other"], id=7)
    assert [reply(client) for _ in range(3)] == [
        {"status": "subscribed", "channel": "room.1", "id": 7},
        {"error": "full", "code": "not_allowed", "channel": "room.2", "id": 7},
        {"status": "subscribed", "channel": "other", "id": 7},
    ]
    assert [pushd.publish(channel, "x") for channel in ["room.1", "room.2", "other"]] == [1, 0, 1]
    assert [question["channel"] for question in backend.questions] == ["room.1", "room.2"]
    assert {question["user"] for question in backend.questions} == {"ann"}


def test_a_channel_that_was_joined_is_not_asked_about(hooked, backend):
    client = hooked().connect("open")
    for _ in range(3):
        command(client, action="subscribe", channel="room.1")
        assert reply(client)["status"] == "subscribed"
    assert len(backend.questions) == 1


def test_commands_behind_a_question_wait_in_order(hooked, backend):
    backend.conduct, backend.delay = "slow", 0.3
    pushd = hooked()
    client = pushd.connect("open")
    command(client, action="subscribe", channel="room.1")
    command(client, action="ping")
    assert pushd.publish("open", "meanwhile") == 1
    assert client.recv(timeout=5) == "meanwhile"
    assert reply(client) == {"status": "subscribed", "channel": "room.1"}
    assert reply(client) == {"action": "pong"}


def test_a_publish_is_decided_with_its_data(hooked, backend):
    backend.decide = lambda question: allow() if question["data"] == {"ok": [1]} else deny()
    pushd = hooked()
    client = pushd.connect("open", "open2")
    reader = pushd.connect("open")
    command(client, action="subscribe", channel="room.1")
    assert reply(client)["error"]  # the question has no data
    command(client, action="publish", channel="room.1", data={"ok": [1]})
    assert reply(client) == {"status": "published", "channel": "room.1"}
    command(client, action="publish", channel="room.1", data="other")
    assert reply(client) == {"error": "no", "code": "not_allowed"}
    command(client, action="publish", channel="open", data=1)
    assert reply(client)["code"] == "not_allowed", "no rule lets clients publish there"
    question = backend.questions[1]
    assert (question["question"], question["channel"], question["data"]) == ("publish", "room.1", {"ok": [1]})
    del reader


def test_a_channel_of_the_url(hooked, backend):
    backend.decide = lambda question: deny("full") if question["channel"] == "room.2" else allow()
    pushd = hooked()
    client = pushd.connect("room.1", "open")
    assert pushd.publish("room.1", "x") == 1
    assert client.recv(timeout=5) == "x"
    with pytest.raises(InvalidStatus) as refusal:
        pushd.connect("room.1", "room.2")
    assert refusal.value.response.status_code == 403
    assert json.loads(refusal.value.response.body)["error"] == "channel 'room.2': full"
    assert pushd.publish("room.1", "x") == 1


@pytest.mark.parametrize("failure", ["refuse", "allow"])
def test_without_an_answer(hooked, backend, failure):
    pushd = hooked("--hook-failure", failure)
    client = pushd.connect("open")
    backend.conduct = 500
    for action, fields in [("subscribe", {}), ("publish", {"data": 1})]:
        command(client, action=action, channel="room.1", **fields)
        answer = reply(client)
        if failure == "refuse":
            assert answer["code"] == "undecided"
        else:
            assert answer["channel"] == "room.1" and "error" not in answer
            if action == "publish":
                assert client.recv(timeout=5) == "1"
        assert pushd.fresh_metrics().sum("pushd_hook_failures_total", hook=action, reason="status") == 1


def test_a_client_that_goes_away_while_it_waits(hooked, backend):
    backend.conduct = "hang"
    pushd = hooked("--hook-timeout", "60s")
    clients = [pushd.connect("open") for _ in range(4)]
    for number, client in enumerate(clients):
        if number % 2:
            command(client, action="subscribe", channels=[f"room.{number}", "room.shared"])
        else:
            command(client, action="publish", channel=f"room.{number}", data=number)
    wait_until(lambda: len(backend.questions) == 5, "the questions")
    for client in clients:
        client.socket.shutdown(socket.SHUT_RDWR)
    wait_until(lambda: pushd.metrics().sum("pushd_hook_questions") == 0, "their end")
    assert pushd.fresh_metrics().sum("pushd_subscriptions") == 0


def test_with_redis(start, backend, redis_server):
    pushd = start(
        "--redis", redis_server.url, "--hook-subscribe", f"{backend.url}/subscribe", "--channel", "room.*: subscribe=ask"
    ).wait_for_status("ok")
    client = pushd.connect("room.1")
    command(client, action="subscribe", channel="room.2")
    assert reply(client)["status"] == "subscribed"
    pushd.publish("room.2", "x")
    assert client.recv(timeout=5) == "x"


def test_questions_are_signed(hooked, backend, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET + b"\n")
    pushd = hooked("--hook-secret-file", str(secret))
    pushd.connect("room.1")
    (body, headers) = backend.requests[0]
    assert headers["User-Agent"].startswith("pushd/")
    assert is_signed(body, headers["X-Pushd-Signature"])
    assert not is_signed(body + b" ", headers["X-Pushd-Signature"])
