"""Pusher's protocol on /app/KEY: channels of all kinds, between its clients and those of /ws, on one node and two."""

import contextlib
import json

import pytest
import pusher
from support import wait_until
from support.commands import answer, connect, say
from support.pusher_client import APP, KEY, Client, Pysher, library
from support.tokens import Key
from websockets.exceptions import InvalidStatus


@pytest.fixture
def server(start):
    return start(*APP, "--workers", "2")


def client(pushd):
    return Client(pushd).established()


def event(name, channel, data, **members):
    return {"event": name, "channel": channel, "data": data} | members


# Connections


@pytest.mark.parametrize("version", [5, 6, 7])
def test_versions(server, version):
    Client(server, query=f"client=js&protocol={version}").established()


@pytest.mark.parametrize(
    ("key", "query", "code"),
    [("other", "protocol=7", 4001), (KEY, "protocol=4", 4007), (KEY, "protocol=x", 4007), (KEY, "", 4008)],
)
def test_what_is_not_there_is_final(server, key, query, code):
    frames, closed_with = Client(server, key, query).closed()
    assert closed_with == code
    assert [frame["data"]["code"] for frame in frames] == [code] and frames[0]["event"] == "pusher:error"


def test_without_an_application_there_is_no_such_path(pushd):
    with pytest.raises(InvalidStatus) as refused:
        Client(pushd)
    assert refused.value.response.status_code == 404
    assert pushd.request("POST", "/apps/77/events", "{}").status == 404


def test_pings_are_answered_also_before_anything_was_read(server):
    early = Client(server)
    early.send("pusher:ping", "")
    early.established()
    assert early.read() == {"event": "pusher:pong", "data": {}}
    early.send("pusher:pong", {})
    assert early.is_idle()


def test_what_is_wrong_is_an_error_and_the_connection_stays(server):
    here = client(server)
    here.socket.send("{")
    here.socket.send(b"x")
    here.send("client-a", 1, channel="news")
    for _ in range(3):
        frame = here.read()
        assert frame["event"] == "pusher:error" and set(frame["data"]) == {"code", "message"}
    assert here.is_idle()


def test_a_drain_sends_clients_elsewhere_at_once(server):
    here = client(server)
    server.signal()
    frames, code = here.closed()
    assert code == 4200 and frames[-1]["data"]["code"] == 4200


def test_a_rate_does_not_end_a_client_for_ever(start):
    here = client(start(*APP, "--max-message-rate", "5"))
    with contextlib.suppress(Exception):
        for _ in range(50):
            here.send("pusher:ping", {})
    assert here.closed()[1] == 4100


# Public channels


def test_what_anyone_publishes_comes_as_a_message(server):
    here = client(server)
    assert here.joined("news") == {}
    server.publish("news", '{"a":1}')
    server.publish("news", "hello")
    server.publish("news", b"\xff")
    server.publish("news", '{"event":"created","data":{"id":1}}')
    assert here.read() == event("message", "news", '{"a":1}')
    assert here.read() == event("message", "news", '"hello"')
    assert here.read() == event("message", "news", '{"base64":"/w=="}')
    assert here.read() == event("created", "news", '{"id":1}')


def test_unsubscribing_is_silent_also_twice_and_from_unknown_channels(server):
    here = client(server)
    here.joined("news")
    for channel in ("news", "news", "other"):
        here.send("pusher:unsubscribe", {"channel": channel})
    assert here.is_idle()
    server.publish("news", "1")
    assert here.is_idle()
    here.joined("news")
    here.joined("news")


def test_rules_of_channels_count(start):
    server = start(*APP, "--channel", "closed*: subscribe=nobody", "--channel", "private-no*: subscribe=nobody",
                   "--max-channels", "2")
    here = client(server)
    for channel in ("closed", "private-no"):
        here.subscribe(channel)
        frame = here.read()
        assert (frame["event"], frame["channel"]) == ("pusher:subscription_error", channel)
        assert frame["data"]["type"] == "AuthError" and frame["data"]["status"] == 401
    here.joined("a")
    here.joined("b")
    here.subscribe("c")
    assert here.read()["data"]["type"] == "LimitReached"


# Private channels and client events


def test_a_private_channel_is_closed_to_those_without_a_signature(server):
    here, other = client(server), client(server)
    here.joined("private-a")
    other.send("pusher:subscribe", {"channel": "private-a", "auth": here.auth("private-a")})
    assert other.read()["data"]["status"] == 401, "another connection's"
    plain = connect(server)
    say(plain, action="subscribe", channel="private-a")
    assert answer(plain)["code"] == "token_required"
    for path in ("/ws?channel=private-a", "/sse?channel=%23server-to-user-1"):
        assert server.get(path, {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                                 "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="} if "ws" in path else ()).status == 401


def test_a_token_opens_private_channels_to_other_protocols(start, tmp_path):
    key = Key(tmp_path, "HS256")
    server = start(*APP, *key.options, "--token-required")
    here = client(server)
    here.joined("private-a")
    plain = connect(server, f"channel=private-a&token={key.by_pyjwt(sub='u', pushd={'subscribe': ['private-*']})}")
    library(server).trigger("private-a", "e", {"n": 1})
    assert here.read() == event("e", "private-a", '{"n": 1}')
    assert answer(plain) == {"channel": "private-a", "data": {"event": "e", "data": '{"n": 1}'}}


def test_client_events_reach_all_others_as_they_were_sent(server):
    here, other = client(server), client(server)
    for each in (here, other):
        each.joined("private-a")
    here.send("client-typing", {"who": "me"}, channel="private-a")
    here.socket.send('{"event":"client-bare","channel":"private-a"}')
    assert other.read() == event("client-typing", "private-a", {"who": "me"})
    assert other.read() == {"event": "client-bare", "channel": "private-a"}
    assert here.is_idle()


@pytest.mark.parametrize(
    ("channel", "data"),
    [("news", 1), ("private-encrypted-a", 1), ("private-other", 1), ("private-a", "x" * 10_240)],
    ids=["public", "encrypted", "not joined", "too large"],
)
def test_other_client_events_are_refused(server, channel, data):
    here = client(server)
    for joined in ("news", "private-encrypted-a", "private-a"):
        here.joined(joined)
    here.send("client-a", data, channel=channel)
    assert here.read()["data"]["code"] == 4301
    assert here.is_idle()


def test_a_rule_can_forbid_client_events(start):
    here = client(start(*APP, "--channel", "private-*: subscribe=anyone publish=nobody"))
    here.joined("private-a")
    here.send("client-a", 1, channel="private-a")
    assert here.read()["data"]["code"] == 4301


# Presence


def test_members_come_and_go_once_for_all_their_connections(server):
    ann = client(server)
    presence = ann.joined("presence-a", 1, {"name": "Ann"})["presence"]
    assert presence == {"ids": ["1"], "hash": {"1": {"name": "Ann"}}, "count": 1}
    bob, again = client(server), client(server)
    assert bob.joined("presence-a", "2")["presence"]["count"] == 2
    assert again.joined("presence-a", "2")["presence"] == {
        "ids": ["1", "2"], "hash": {"1": {"name": "Ann"}, "2": None}, "count": 2}
    added = ann.read()
    assert added["event"] == "pusher_internal:member_added" and added["channel"] == "presence-a"
    assert json.loads(added["data"]) == {"user_id": "2", "user_info": None}
    bob.socket.close()
    carl = client(server)
    carl.joined("presence-a", "3")
    assert json.loads(ann.read()["data"])["user_id"] == "3", "and nothing of bob, who has another connection"
    again.send("pusher:unsubscribe", {"channel": "presence-a"})
    removed = ann.read()
    assert removed["event"] == "pusher_internal:member_removed" and json.loads(removed["data"]) == {"user_id": "2"}
    assert carl.read() == removed, "nothing before it: it knew all the others"


def test_events_of_members_name_their_user(server):
    ann, bob = client(server), client(server)
    ann.joined("presence-a", "ann")
    bob.joined("presence-a", "bob")
    bob.send("client-wave", {"n": 1}, channel="presence-a")
    frames = [ann.read(), ann.read()]
    assert event("client-wave", "presence-a", {"n": 1}, user_id="bob") in frames


def test_a_presence_channel_needs_a_user(server):
    here = client(server)
    here.subscribe("presence-a")
    assert here.read()["data"]["status"] == 401
    here.sign_in("7")
    here.subscribe("presence-a")
    frame = here.read()
    assert json.loads(frame["data"])["presence"]["hash"] == {"7": {"name": "7"}}


# Users


def test_a_users_channel_is_for_the_user_that_has_signed_in(server):
    here, other = client(server), client(server)
    here.sign_in("7")
    other.sign_in("8")
    for each, users in ((here, "7"), (other, "8")):
        each.send("pusher:subscribe", {"channel": f"#server-to-user-{users}", "auth": ""})
        assert each.read()["event"] == "pusher_internal:subscription_succeeded"
    other.send("pusher:subscribe", {"channel": "#server-to-user-7", "auth": ""})
    assert other.read()["event"] == "pusher:subscription_error"
    library(server).send_to_user("7", "hello", {"n": 1})
    assert here.read() == event("hello", "#server-to-user-7", '{"n": 1}')
    assert other.is_idle()


def test_a_watchlist_tells_who_comes_and_goes(server):
    bob = client(server)
    bob.sign_in("bob")
    ann = client(server)
    ann.sign_in("ann", watchlist=["bob", "eve"])
    assert watched(ann) == [("online", ["bob"]), ("offline", ["eve"])]
    eve, again = client(server), client(server)
    for each in (eve, again):
        each.sign_in("eve")
    assert watched(ann) == [("online", ["eve"])]
    for each in (eve, again, bob):
        each.socket.close()
    assert sorted([*watched(ann), *watched(ann)]) == [("offline", ["bob"]), ("offline", ["eve"])]


def watched(here):
    frame = here.read()
    assert frame["event"] == "pusher_internal:watchlist_events" and "channel" not in frame
    return [(event["name"], event["user_ids"]) for event in json.loads(frame["data"])["events"]]


# Cache channels


def test_a_cache_channel_gives_its_last_event(server):
    first = client(server)
    first.joined("private-cache-a")
    assert first.read() == {"event": "pusher:cache_miss", "channel": "private-cache-a"}
    for number in range(2):
        library(server).trigger("private-cache-a", "e", str(number))
        assert first.read() == event("e", "private-cache-a", str(number))
    second = client(server)
    second.joined("private-cache-a")
    assert second.read() == event("e", "private-cache-a", "1")
    assert first.is_idle() and second.is_idle()


# Clients and libraries that people use


def test_pysher_and_the_library_pusher(server):
    ours = client(server)
    ours.joined("presence-room", "9")
    theirs = Pysher(server, user_data={"user_id": "5", "user_info": {"name": "Eve"}})
    try:
        theirs.subscribe("news")
        theirs.subscribe("private-a")
        room = theirs.subscribe("presence-room")
        assert json.loads(ours.read()["data"]) == {"user_id": "5", "user_info": {"name": "Eve"}}
        application = library(server)
        application.trigger(["news", "private-a"], "hello", {"n": 1})
        application.trigger_batch([{"channel": "private-a", "name": "secret", "data": {"n": 2}}])
        theirs.wait_for("news", "hello", '{"n": 1}')
        theirs.wait_for("private-a", "secret", '{"n": 2}')
        server.publish("news", "plain")
        theirs.wait_for("news", "message", '"plain"')
        room.trigger("client-wave", {"n": 3})
        assert ours.read() == event("client-wave", "presence-room", {"n": 3}, user_id="5")
        ours.send("client-wave", {"n": 4}, channel="presence-room")
        theirs.wait_for("presence-room", "client-wave", {"n": 4})
        assert application.users_info("presence-room") == {"users": [{"id": "9"}, {"id": "5"}]}
        assert application.channels_info("presence-", ["user_count"]) == {
            "channels": {"presence-room": {"user_count": 2}}}
    finally:
        theirs.close()


def test_between_pushers_clients_and_those_of_ws(server):
    here, plain = client(server), connect(server, "channel=news")
    here.joined("news")
    library(server).trigger("news", "hello", "text")
    assert here.read() == event("hello", "news", "text")
    assert answer(plain) == {"channel": "news", "data": {"event": "hello", "data": "text"}}


# Two nodes


def test_two_nodes_are_one(start, redis_server):
    options = (*APP, "--redis", redis_server.url, "--presence-heartbeat", "1s")
    nodes = [start(*options).wait_for_status("ok") for _ in range(2)]
    ann, bob = client(nodes[0]), client(nodes[1])
    assert ann.joined("presence-a", "ann")["presence"]["count"] == 1
    wait_until(lambda: library(nodes[1]).users_info("presence-a")["users"], "the other node's member")
    assert bob.joined("presence-a", "bob")["presence"]["ids"] == ["ann", "bob"]
    assert json.loads(ann.read()["data"])["user_id"] == "bob"
    bob.send("client-wave", 1, channel="presence-a")
    assert ann.read() == event("client-wave", "presence-a", 1, user_id="bob")
    library(nodes[0]).trigger("presence-a", "e", "1", socket_id=bob.id)
    library(nodes[0]).trigger("presence-a", "e", "2")
    assert [ann.read()["data"], ann.read()["data"]] == ["1", "2"]
    assert bob.read()["data"] == "2"
    for each in (ann, bob):
        each.joined("news")
    redis_server.publish("push:news", '{"event":"x","data":"y"}')
    assert ann.read() == bob.read() == event("x", "news", "y")
    library(nodes[1]).trigger("cache-a", "e", "1")
    wait_until(lambda: is_cached(nodes[0]), "the event of the other node")


def is_cached(node):
    here = client(node)
    here.joined("cache-a")
    return here.read() == event("e", "cache-a", "1")


def test_the_library_reports_what_is_refused(server):
    with pytest.raises(pusher.errors.PusherBadAuth):
        library(server, secret="wrong").trigger("news", "e", "1")
    with pytest.raises(pusher.errors.PusherBadRequest):
        library(server).trigger("news", "pusher:error", "1")
