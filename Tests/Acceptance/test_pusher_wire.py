"""The facts on which Pusher's clients rely, a test each; the letters name the clients that break otherwise.

J is pusher-js 8, E Laravel Echo 2, P pysher 1.0.8, A asyncpusher 0.2.5, H the server library pusher 3.3.4.
"""

import base64
import hashlib
import json
import time

import pusher
import pytest
from support.pushd import ROOT
from support.pusher_client import APP, ID, KEY, SECRET, Client, library, query, sign


@pytest.fixture
def server(start):
    return start("--pusher-app", f"{ID}:{KEY}:{SECRET} subscription-count=off")


@pytest.fixture
def here(server):
    return client(server)


def client(server, **options):
    return Client(server, **options).established()


def data(frame, event):
    """The data of the frame, which is the event."""
    assert frame["event"] == event, frame
    return json.loads(frame["data"])


def succeeded(frame, channel):
    assert (frame["event"], frame["channel"]) == ("pusher_internal:subscription_succeeded", channel), frame
    return json.loads(frame["data"])


# Connecting


def test_the_first_frame_is_connection_established_with_an_activity_timeout(server):  # J, A
    frame = Client(server).read()
    assert frame["event"] == "pusher:connection_established"
    established = json.loads(frame["data"])
    assert set(established) == {"socket_id", "activity_timeout"} and established["activity_timeout"] > 0


def test_its_data_is_a_string_of_json(server):  # P
    assert isinstance(Client(server).read()["data"], str)


def test_the_data_of_an_error_is_an_object(here):  # P
    here.send("nonsense", {})
    frame = here.read()
    assert frame["event"] == "pusher:error" and set(frame["data"]) == {"code", "message"}


@pytest.mark.parametrize(
    "parameters",
    ["client=Pysher&version=1.0.7&protocol=6", "protocol=7&client=js&version=8.6.0&flash=false",
     "client=asyncpusher&version=0.2.5&protocol=7", "protocol=5&client=&version="],
)
def test_protocols_5_to_7_and_any_client_are_accepted(server, parameters):
    client(server, query=parameters)


def test_paths_may_carry_a_prefix_and_the_signature_covers_what_was_signed(start):  # J, E
    server = start(*APP, "--path-prefix", "/push")
    there = client(server, prefix="/push")
    there.joined("news")
    body = b'{"name":"e","channel":"news","data":"1"}'
    for signed in (f"/push/apps/{ID}/events", f"/apps/{ID}/events"):
        path = f"/push/apps/{ID}/events?{query('POST', signed, body)}"
        assert server.request("POST", path, body).status == 200
        assert there.read()["event"] == "e"


# Liveness


def test_a_ping_at_once_after_the_handshake_is_answered(server):  # P
    early = Client(server)
    early.send("pusher:ping", "")
    assert [early.read()["event"] for _ in range(2)] == ["pusher:connection_established", "pusher:pong"]


def test_idle_clients_are_pinged_by_websocket_and_not_closed_for_a_missing_pong_event(start):  # A
    server = start(*APP, "--ping-interval", "1s", "--pong-timeout", "1s")
    here = client(server)  # answers pings of WebSocket, and no others
    time.sleep(2.5)
    assert here.is_idle(), "no pusher:ping, and no close"


def test_a_ping_event_is_answered(here):  # J
    here.send("pusher:ping", {})
    assert here.read() == {"event": "pusher:pong", "data": {}}


# Events


@pytest.mark.parametrize("payload", ["hello", '{"a":1}', b"\xff", '"x"', "7"])
def test_the_data_of_an_event_is_json_text(server, here, payload):  # A
    here.joined("news")
    server.publish("news", payload)
    json.loads(here.read()["data"])


def test_internal_events_name_their_channel(server, here):  # J, E, P
    other = client(server)
    here.subscribe("presence-a", "1")
    other.subscribe("presence-a", "2")
    here.subscribe("cache-a")
    here.subscribe("private-a\n")
    assert {frame["event"]: frame.get("channel") for frame in (here.read() for _ in range(5))} == {
        "pusher_internal:subscription_succeeded": "cache-a", "pusher_internal:member_added": "presence-a",
        "pusher:cache_miss": "cache-a", "pusher:subscription_error": "private-a\n"}


# Presence


def test_the_confirmation_of_a_presence_channel_has_the_member_itself(here):  # J
    presence = here.joined("presence-a", "1", {"name": "Ann"})["presence"]
    assert presence["hash"] == {"1": {"name": "Ann"}} and presence["count"] == 1


def test_members_come_after_the_confirmation_and_once_for_all_their_connections(server, here):  # J
    other, again, last = client(server), client(server), client(server)
    here.joined("presence-a", "1")
    other.joined("presence-a", "2")
    assert data(here.read(), "pusher_internal:member_added")["user_id"] == "2"
    again.joined("presence-a", "2")
    other.socket.close()
    last.joined("presence-a", "3")
    assert data(here.read(), "pusher_internal:member_added")["user_id"] == "3"
    again.socket.close()
    assert data(here.read(), "pusher_internal:member_removed")["user_id"] == "2"


def test_a_user_id_is_a_string_also_where_it_was_a_number(server, here):  # J
    here.joined("presence-a", "1")
    assert client(server).joined("presence-a", 2)["presence"]["ids"] == ["1", "2"]
    assert data(here.read(), "pusher_internal:member_added")["user_id"] == "2"


# Leaving


def test_unsubscribing_while_pending_twice_and_from_unknown_channels_is_silent(here):  # J
    here.subscribe("news")
    for channel in ("news", "news", "other"):
        here.send("pusher:unsubscribe", {"channel": channel})
    succeeded(here.read(), "news")
    assert here.is_idle()


def test_no_reply_exists_to_unsubscribing(here):  # J, P
    here.joined("news")
    here.send("pusher:unsubscribe", {"channel": "news"})
    assert here.is_idle()


# Client events


@pytest.mark.parametrize("sent", [{"n": [1]}, "text", 7, None])
def test_client_events_keep_their_data_and_have_a_user_in_presence_channels(server, here, sent):  # J
    other = client(server)
    for each, user in ((other, "2"), (here, "1")):
        each.joined("presence-a", user)
        each.joined("private-a")
    assert other.read()["event"] == "pusher_internal:member_added"
    for channel in ("presence-a", "private-a"):
        here.send("client-x", sent, channel=channel)
    assert other.read() == {"event": "client-x", "channel": "presence-a", "data": sent, "user_id": "1"}
    assert other.read() == {"event": "client-x", "channel": "private-a", "data": sent}
    assert here.is_idle()


# Subscribing


def test_a_subscription_error_is_an_event_of_the_channel(here):  # E
    here.send("pusher:subscribe", {"channel": "private-a", "auth": "x:y"})
    frame = here.read()
    assert (frame["event"], frame["channel"]) == ("pusher:subscription_error", "private-a")
    assert frame["data"]["type"] == "AuthError" and frame["data"]["status"] == 401 and frame["data"]["error"]


@pytest.mark.parametrize("channel", ["cache-a", "private-cache-a", "presence-cache-a", "private-encrypted-cache-a"])
def test_a_cache_channel_misses_or_gives_its_last_event_after_the_confirmation(server, here, channel):  # J
    here.joined(channel, "1" if channel.startswith("presence-") else None)
    assert here.read() == {"event": "pusher:cache_miss", "channel": channel}
    server.publish(channel, '{"event":"e","data":"1"}')
    assert here.read()["data"] == "1"
    other = client(server)
    other.joined(channel, "1" if channel.startswith("presence-") else None)
    assert other.read() == {"event": "e", "channel": channel, "data": "1"}


def test_subscription_counts_are_numbers_above_0(start):  # J
    server = start("--pusher-app", f"{ID}:{KEY}:{SECRET} subscription-count=on")
    here = client(server)
    here.joined("news")
    frame = here.read()
    assert frame["channel"] == "news"
    assert data(frame, "pusher_internal:subscription_count") == {"subscription_count": 1}


def test_names_decide_by_their_prefix(server, here):  # J
    for channel in ("news", "cache-a", "xprivate-a", "presence"):
        here.send("pusher:subscribe", {"channel": channel})
        succeeded(here.read(), channel)
        if channel == "cache-a":
            here.read()
    for channel in ("private-a", "presence-a", "private-encrypted-a", "private-cache-a", "presence-cache-a"):
        here.send("pusher:subscribe", {"channel": channel})
        assert here.read()["event"] == "pusher:subscription_error", channel


def test_encrypted_channels_pass_through_and_have_no_client_events(server, here):  # J
    here.joined("private-encrypted-a")
    key = base64.b64encode(b"k" * 32).decode()
    pusher.Pusher(
        ID, KEY, SECRET, ssl=False, host=server.host, port=server.port, encryption_master_key_base64=key
    ).trigger("private-encrypted-a", "e", {"n": 1})
    assert set(json.loads(here.read()["data"])) == {"nonce", "ciphertext"}
    here.send("client-x", 1, channel="private-encrypted-a")
    assert here.read()["event"] == "pusher:error"


def test_what_an_auth_endpoint_answers_is_accepted(server, here):  # J, E
    application = library(server)
    answer = application.authenticate("presence-a", here.id, {"user_id": "7", "user_info": {"a": 1}})
    here.send("pusher:subscribe", {"channel": "presence-a"} | answer)
    assert succeeded(here.read(), "presence-a")["presence"]["hash"] == {"7": {"a": 1}}


# Users


def test_signing_in_gives_the_data_back_as_a_string(server, here):  # J
    text = '{"id":"7","user_info":{"name":"x"}}'
    here.send("pusher:signin", {"auth": f"{KEY}:{sign(f'{here.id}::user::{text}')}", "user_data": text})
    assert data(here.read(), "pusher:signin_success") == {"user_data": text}


@pytest.mark.parametrize("text", ['{"id":""}', '{"id":7}', "{}"])
def test_a_user_has_an_id_that_is_a_string_and_not_empty(here, text):  # J
    here.send("pusher:signin", {"auth": f"{KEY}:{sign(f'{here.id}::user::{text}')}", "user_data": text})
    assert here.read()["event"] == "pusher:error"


def test_only_the_signed_in_client_subscribes_to_a_users_channel(server, here):  # J, H
    other = client(server)
    here.sign_in("7")
    for each in (here, other):
        each.send("pusher:subscribe", {"channel": "#server-to-user-7", "auth": ""})
    succeeded(here.read(), "#server-to-user-7")
    assert other.read()["event"] == "pusher:subscription_error"
    library(server).send_to_user("7", "e", "1")
    assert here.read()["data"] == "1" and other.is_idle()


def test_after_signing_in_presence_needs_no_channel_data(here):  # J
    here.sign_in("7")
    here.send("pusher:subscribe", {"channel": "presence-a", "auth": here.auth("presence-a")})
    assert succeeded(here.read(), "presence-a")["presence"]["hash"] == {"7": {"name": "7"}}


def test_watchlist_events_have_no_channel_and_a_list(here):  # J
    here.sign_in("7", watchlist=["8"])
    frame = here.read()
    assert "channel" not in frame
    assert data(frame, "pusher_internal:watchlist_events") == {"events": [{"name": "offline", "user_ids": ["8"]}]}


# What application servers send


def test_the_socket_that_an_application_names_does_not_get_the_event(server, here):  # E
    other = client(server)
    for each in (here, other):
        each.joined("news")
    library(server).trigger("news", "e", "1", socket_id=here.id)
    assert other.read()["data"] == "1" and here.is_idle()


def test_refusals_have_the_statuses_that_libraries_know(server):  # H
    path, body = f"/apps/{ID}/events", b'{"name":"e","channel":"news","data":"1"}'
    assert server.request("POST", f"{path}?{query('POST', path, body)}", body).status == 200
    with pytest.raises(pusher.errors.PusherBadAuth):
        library(server, secret="other").trigger("news", "e", "1")
    with pytest.raises(pusher.errors.PusherForbidden):
        library(server, app="9").trigger("news", "e", "1")
    assert server.request("POST", f"{path}?{query('POST', path, b'[]')}", b"[]").status == 400


def test_what_others_forgot_to_check_is_checked(server):
    """The MD5 of the body, the time, and keys that are there twice; test_pusher_api.py has more."""
    path, body = f"/apps/{ID}/events", b'{"name":"e","channel":"news","data":"1"}'
    good = query("POST", path, body)
    for parameters in (
        query("POST", path, body, body_md5=hashlib.md5(b"x").hexdigest()),
        query("POST", path, body, auth_timestamp=str(int(time.time()) - 601)),
        f"{good}&auth_key={KEY}",
    ):
        assert server.request("POST", f"{path}?{parameters}", body).status == 401


# The end


def test_no_code_of_pushd_ends_a_client_for_ever(start):
    server = start(*APP, "--max-message-rate", "5")
    here = client(server)
    for _ in range(10):
        here.send("pusher:ping", {})
    assert 4100 <= here.closed()[1] < 4300


def test_an_error_precedes_the_end_so_that_clients_come_back(server, here):  # P
    server.signal()
    frames, code = here.closed()
    assert frames[-1]["event"] == "pusher:error" and frames[-1]["data"]["code"] == code and 4200 <= code < 4300


def test_the_documentation_has_the_settings_without_which_clients_do_not_connect():
    text = (ROOT / "docs/pusher.md").read_text()
    for setting in ("`cluster`", "`wsHost`", "`wsPort`", "`forceTLS`", "`enabledTransports`", "`disableStats`"):
        assert f"| {setting}" in text or setting in text
