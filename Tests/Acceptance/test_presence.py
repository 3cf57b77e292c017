"""Channels with presence: who is there, who comes and who leaves."""

import json
import time

import pytest
from support import wait_until
from support.commands import answer, connect, say
from support.sse import EventClient
from support.tokens import Key
from websockets.exceptions import InvalidStatus

RULE = ("--channel", "room.*: presence=on presence-grace=400ms", "--workers", "2")


@pytest.fixture
def server(start):
    return start(*RULE)


def ask(client, **command):
    say(client, **command)
    return answer(client)


def watching(pushd, query="channel="):
    """A client that hears who comes to room.a, itself first."""
    client = connect(pushd, query)
    assert ask(client, action="subscribe", channel="room.a", presence=True)["status"] == "subscribed"
    event = answer(client)
    assert event["event"] == "join"
    client.member = event["id"]
    return client


def listed(pushd, channel="room.a"):
    response = pushd.get(f"/v1/channels/{channel}/presence")
    assert response.status == 200, response.body
    found = json.loads(response.body)
    assert len(found["presence"]) == found["count"]
    return found


def users(pushd, channel="room.a"):
    return sorted(member["user"] for member in listed(pushd, channel)["presence"])


def test_who_is_there(server):
    first = connect(server, "channel=room.a&user_id=ann&hello=1")
    name = answer(first)["connection"]
    second = connect(server, "channel=room.a")
    third = connect(server, "channel=room.a&user_id=ann")
    stream = EventClient(server.raw(), "/sse?channel=room.a&user_id=eve").opened()
    found = ask(second, action="presence", channel="room.a", id=7)
    assert found == {"presence": found["presence"], "count": 3, "channel": "room.a", "id": 7}
    assert found["presence"][0] == {"id": name, "user": "ann", "info": None}
    assert [member["user"] for member in found["presence"]] == ["ann", "anonymous", "eve"]
    assert len({member["id"] for member in found["presence"]}) == 3
    assert listed(server) == {key: value for key, value in found.items() if key != "id"}
    assert users(server, "room.b") == []
    for client in (first, third, stream):
        client.close()
    wait_until(lambda: users(server) == ["anonymous"], "others to leave")


def test_a_subscription_is_there_at_once(server):
    client = connect(server, "channel=&user_id=ann")
    for _ in range(20):
        say(client, action="subscribe", channel="room.a")
        say(client, action="presence", channel="room.a")
        assert answer(client)["status"] == "subscribed"
        assert answer(client)["count"] == 1
        ask(client, action="unsubscribe", channel="room.a")


def test_who_comes_and_leaves_is_told(server):
    client = watching(server, "channel=&user_id=ann")
    other = connect(server, "channel=room.a&user_id=bob")
    event = answer(client)
    assert event == {"event": "join", "channel": "room.a", "id": event["id"], "user": "bob", "info": None}
    began = time.monotonic()
    other.close()
    assert answer(client) == event | {"event": "leave"}
    assert time.monotonic() - began > 0.3
    assert ask(client, action="unsubscribe", channel="room.a")["status"] == "unsubscribed"
    connect(server, "channel=room.a&user_id=cid")
    wait_until(lambda: "cid" in users(server), "another member")
    assert ask(client, action="ping") == {"action": "pong"}
    metrics = server.fresh_metrics()
    assert metrics.sum("pushd_presence_members") == len(users(server))
    assert (metrics.sum("pushd_presence_events_total", event="join"),
            metrics.sum("pushd_presence_events_total", event="leave")) == (2, 1)


def test_who_is_back_in_time_was_not_gone(server):
    client = watching(server)
    other = connect(server, "channel=room.a&user_id=bob")
    assert answer(client)["user"] == "bob"
    for _ in range(5):
        again = connect(server, "channel=room.a&user_id=bob")
        other.close()
        other = again
        other.close()
        time.sleep(0.1)  # less than the grace time
        other = connect(server, "channel=room.a&user_id=bob")
    with pytest.raises(TimeoutError):
        client.recv(timeout=0.8)
    assert users(server) == ["anonymous", "bob"]


def test_a_client_may_begin_to_watch_later(server):
    client = connect(server, "channel=room.a")
    assert ask(client, action="subscribe", channel="room.a", presence=True)["status"] == "subscribed"
    connect(server, "channel=room.a&user_id=bob")
    assert answer(client)["user"] == "bob"


def test_event_streams_and_plain_clients_watch_in_their_url(server):
    stream = EventClient(server.raw(), "/sse?channel=room.a&channel=plain&presence=1").opened()
    kind, text = stream.read()
    assert (kind, json.loads(text)["user"]) == ("join", "anonymous")
    plain = connect(server, "channel=room.a&presence=1&user_id=bob", ())
    assert answer(plain)["user"] == "bob"
    kind, text = stream.read()
    assert kind == "join" and json.loads(text)["user"] == "bob"
    server.publish("room.a", "text")
    assert plain.recv(timeout=5) == "text"
    plain.close()
    kind, text = stream.read()
    assert kind == "message"
    kind, text = stream.read()
    assert kind == "leave" and json.loads(text)["user"] == "bob"


def test_other_channels_have_none(server):
    client = connect(server, "channel=plain")
    assert ask(client, action="presence", channel="plain")["code"] == "no_presence"
    assert ask(client, action="subscribe", channel="other", presence=True)["code"] == "no_presence"
    assert server.get("/v1/channels/plain/presence").status == 404
    assert server.request("POST", "/v1/channels/room.a/presence").status == 405
    with pytest.raises(InvalidStatus):
        connect(server, "channel=room.a&presence=yes")


def test_who_may_see_it(start, tmp_path):
    key = Key(tmp_path, "HS256")
    pushd = start(*key.options, "--channel", "room.*: subscribe=token presence=on")
    rights = {"subscribe": ["room.*"]}
    member = key.by_pyjwt(sub="ann", info={"name": "Ann"}, pushd=rights)
    viewer = key.by_pyjwt(sub="bob", pushd=rights | {"presence": ["room.*"]})
    client = connect(pushd, f"channel=room.a&token={member}")
    assert ask(client, action="presence", channel="room.a")["code"] == "not_allowed"
    assert ask(client, action="subscribe", channel="room.b", presence=True)["code"] == "not_allowed"
    with pytest.raises(InvalidStatus) as refusal:
        connect(pushd, f"channel=room.a&presence=1&token={member}")
    assert refusal.value.response.status_code == 403
    client = connect(pushd, f"channel=room.a&token={viewer}")
    found = ask(client, action="presence", channel="room.a")["presence"]
    assert [(entry["user"], entry["info"]) for entry in found] == [("ann", {"name": "Ann"}), ("bob", None)]


def test_the_file_has_the_same_fields(start, tmp_path):
    path = tmp_path / "pushd.yaml"
    path.write_text("channels:\n  - match: 'room.*'\n    presence: on\n    presence-grace: 100ms\n")
    pushd = start("--config", str(path))
    client = watching(pushd)
    connect(pushd, "channel=room.a&user_id=bob").close()
    assert [answer(client)["event"] for _ in range(2)] == ["join", "leave"]


def test_thousands_come_in_batches(server):
    """1,000 members on one connection each, and one that sees them all come."""
    client = watching(server)
    crowd = [server.raw() for _ in range(1000)]
    for number, other in enumerate(crowd):
        other.send(
            f"GET /ws?channel=room.a&user_id=u{number} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            .encode())
    assert {answer(client)["user"] for _ in crowd} == {f"u{number}" for number in range(1000)}
    assert listed(server)["count"] == 1001
    for other in crowd:
        other.close()
    events = [answer(client) for _ in crowd]
    assert {event["event"] for event in events} == {"leave"} and len({event["user"] for event in events}) == 1000
    assert users(server) == ["anonymous"]
