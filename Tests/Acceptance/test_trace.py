"""GET /v1/trace: what happens to a user, a channel or a connection, while it happens."""

import re
import time

from support.sse import EventClient
from support.tokens import Key


def trace(pushd, query, **headers):
    return EventClient(pushd.raw(), f"/v1/trace?{query}", **headers).opened()


def test_what_happens_to_a_user(start, tmp_path):
    key = Key(tmp_path, "HS256")
    pushd = start(*key.options, "--workers", "2", "--channel", "private.*: subscribe=token", "--allow-client-publish")
    events = trace(pushd, "user=ada")
    token = key.token(sub="ada", exp=int(time.time()) + 3, pushd={"subscribe": ["private.*"]})
    client = pushd.raw().upgrade(f"/ws?channel=private.a&token={token}", Sec_WebSocket_Protocol="pushd.v1")
    connected = events.read_json()
    assert re.fullmatch("[0-9a-f]{36}", connected.pop("connection"))
    assert abs(connected.pop("time_ms") / 1000 - time.time()) < 5
    assert connected == {
        "event": "connected", "user": "ada", "channels": ["private.a"], "protocol": "pushd.v1", "address": "127.0.0.1",
    }

    def happens(name, **members):
        event = events.read_json()
        assert event["event"] == name and event.items() >= members.items(), event

    client.send_frame(1, b'{"action":"subscribe","channels":["b","c"]}')
    happens("subscribed", channel="b", user="ada")
    happens("subscribed", channel="c")
    client.send_frame(1, b'{"action":"publish","channel":"b","data":1}')
    happens("published", channel="b")
    happens("message", channel="b", bytes=1, subscribers=1)
    client.send_frame(1, b'{"action":"publish","channel":"other","data":1}')
    happens("refused", code="not_subscribed")
    happens("expiring")
    happens("closed", reason="token_expired", code=4401)
    assert EventClient(pushd.raw(), "/sse?user_id=ada&token=x").response.status == 401
    happens("refused", status=401)


def test_a_slow_client_of_a_channel(start):
    pushd = start("--outbox-limit", "65536")
    events = trace(pushd, "channel=c")
    slow = EventClient(pushd.raw(receive_buffer=4096), "/sse?channel=c&user_id=slow").opened()
    assert events.read_json()["protocol"] == "sse"
    names = set()
    while "closed" not in names:
        pushd.publish("c", "x" * 30_000)
        event = events.read_json()
        while event["event"] != "message":
            names.add(event["event"])
            if event["event"] == "closed":
                assert (event["reason"], event["code"], event["user"]) == ("slow_consumer", 1013, "slow")
                break
            if event["event"] == "dropped":
                assert event["messages"] > 0
                slow.read_all()
            event = events.read_json()
    assert names >= {"blocked", "dropped", "closed"}


def test_only_admins_may(start):
    pushd = start("--api-key", "secret")
    assert EventClient(pushd.raw(), "/v1/trace?user=a").response.status == 401
    events = trace(pushd, "user=a", Authorization="Bearer secret")
    pushd.connect("c", user="a")
    assert events.read_json()["event"] == "connected"
    assert EventClient(start().raw(), "/v1/trace?user=a", X_Forwarded_For="192.0.2.1").response.status == 403


def test_a_drain_ends_it(start):
    pushd = start()
    events = trace(pushd, "channel=c")
    pushd.signal()
    assert events.read().type == "close" and events.read() is None
    assert pushd.wait() == 0
