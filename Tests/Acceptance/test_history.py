"""Channels that keep their messages: recovery, the last messages, positions, and who may read them."""

import json
import threading

import httpx
import pytest
from httpx_sse import EventSource
from support import wait_until
from support.commands import answer, connect, say
from support.pushd import run_pushd
from support.raw import handshake
from support.tokens import Key
from websockets.exceptions import InvalidStatus

RULE = ("--channel", "kept.*: history=10/60s")


@pytest.fixture
def server(start):
    return start(*RULE, "--workers", "2")


def position(pushd, channel="kept.a"):
    response = pushd.request("GET", f"/position?channel={channel}")
    assert response.status == 200, response.body
    return json.loads(response.body)


def history(pushd, method="GET", query=""):
    return json.loads(pushd.request(method, f"/v1/channels/kept.a/history{query}").body)


def subscribed(client, channel="kept.a", **options):
    """Subscribes, and returns the reply."""
    say(client, action="subscribe", channel=channel, **options)
    return answer(client)


def test_messages_have_numbers(server):
    client = connect(server)
    reply = subscribed(client)
    assert reply == {"status": "subscribed", "channel": "kept.a", "epoch": reply["epoch"], "offset": 0}
    for number in (1, 2, 3):
        assert server.publish("kept.a", json.dumps(number)) == 1
        assert answer(client) == {"channel": "kept.a", "offset": number, "data": number}
    assert position(server) == {"channel": "kept.a", "epoch": reply["epoch"], "offset": 3}


def test_other_channels_have_none(server):
    client = connect(server, "channel=plain")
    server.publish("plain", "1")
    assert answer(client) == {"channel": "plain", "data": 1}
    assert subscribed(client, "other") == {"status": "subscribed", "channel": "other"}
    assert server.request("GET", "/position?channel=plain").status == 404


def test_what_was_missed_comes_before_what_is_live(server):
    epoch = position(server)["epoch"]
    for number in range(1, 6):
        server.publish("kept.a", str(number))
    client = connect(server)
    reply = subscribed(client, recover={"epoch": epoch, "offset": 2}, id=7)
    assert reply == {
        "status": "subscribed", "channel": "kept.a", "recovered": True, "epoch": epoch, "offset": 5, "id": 7,
    }
    server.publish("kept.a", "6")
    assert [answer(client)["data"] for _ in range(4)] == [3, 4, 5, 6]


@pytest.mark.parametrize(
    "place", [{"epoch": "other", "offset": 12}, {"epoch": None, "offset": 1}, {"epoch": None, "offset": 99}])
def test_what_cannot_be_recovered_is_said(server, place):
    epoch = position(server)["epoch"]
    for number in range(15):
        server.publish("kept.a", str(number))
    place = {"epoch": place["epoch"] or epoch, "offset": place["offset"]}
    client = connect(server)
    assert subscribed(client, recover=place) == {
        "status": "subscribed", "channel": "kept.a", "recovered": False, "epoch": epoch, "offset": 15,
    }
    server.publish("kept.a", '"live"')
    assert answer(client)["data"] == "live"


def test_strict_is_all_or_nothing(server):
    epoch = position(server)["epoch"]
    for number in range(15):
        server.publish("kept.a", str(number))
    client = connect(server)
    reply = subscribed(client, recover={"epoch": epoch, "offset": 1}, strict=True)
    assert (reply["code"], reply["channel"]) == ("unrecoverable", "kept.a")
    assert subscribed(client, "plain", recover={"epoch": "", "offset": 0}, strict=True)["code"] == "unrecoverable"
    assert server.publish("kept.a", "15") == 0
    assert server.publish("plain", "1") == 0
    reply = subscribed(client, recover={"epoch": epoch, "offset": 14}, strict=True)
    assert reply["recovered"] is True
    assert [answer(client)["data"] for _ in range(2)] == [14, 15]


def test_an_empty_epoch_matches_any(server):
    server.publish("kept.a", "1")
    client = connect(server)
    assert subscribed(client, recover={"epoch": "", "offset": 0})["recovered"] is True
    assert answer(client)["data"] == 1


def test_the_last_messages_come_first(server):
    for number in range(5):
        server.publish("kept.a", str(number))
    client = connect(server)
    subscribed(client, history=2)
    assert [answer(client)["data"] for _ in range(2)] == [3, 4]


def test_recovery_and_rewind_in_the_url(server):
    epoch = position(server)["epoch"]
    for number in range(5):
        server.publish("kept.a", str(number))
        server.publish("kept.b", str(10 + number))
    client = connect(server, f"channel=kept.a&channel=kept.b&recover={epoch}:3&history=1")
    reply = answer(client)
    assert (reply["channel"], reply["recovered"], reply["offset"]) == ("kept.a", True, 5)
    assert [answer(client)["data"] for _ in range(2)] == [3, 4]
    reply = answer(client)
    assert (reply["channel"], reply["offset"], "recovered" in reply) == ("kept.b", 5, False)
    assert answer(client)["data"] == 14


def test_a_plain_client_recovers_too(server):
    epoch = position(server)["epoch"]
    for number in range(5):
        server.publish("kept.a", f"message {number}")
    client = connect(server, f"channel=kept.a&recover={epoch}:3", ())
    server.publish("kept.a", "live")
    assert [client.recv(timeout=5) for _ in range(3)] == ["message 3", "message 4", "live"]


def test_an_event_stream_recovers_too(server):
    epoch = position(server)["epoch"]
    for number in range(5):
        server.publish("kept.a", f"message {number}")
    url = f"http://{server.host}:{server.port}/sse?channel=kept.a&recover={epoch}:3"
    with httpx.stream("GET", url, timeout=5) as response:
        events = EventSource(response).iter_sse()
        first = next(event for event in events if event.event == "subscribed")
        assert json.loads(first.data)["recovered"] is True
        server.publish("kept.a", "live")
        assert [next(events).data for _ in range(3)] == ["message 3", "message 4", "live"]


@pytest.mark.parametrize(
    "query", ["channel=kept.a&recover=x", "channel=kept.a&recover=e:1&recover=e:2", "channel=kept.a&history=-1",
              "channel=kept.a&history=x", "channel=kept.a&recover=e:-1"]
)
def test_a_bad_position_in_the_url_is_refused(server, query):
    with pytest.raises(InvalidStatus) as refusal:
        connect(server, query)
    assert refusal.value.response.status_code == 400


def test_the_history_command(server):
    epoch = position(server)["epoch"]
    for text in ('{"a":1}', "text", b"\xff"):
        server.publish("kept.a", text)
    client = connect(server)
    say(client, action="history", channel="kept.a", id=1)
    assert answer(client) == {
        "history": [{"offset": 1, "data": {"a": 1}}, {"offset": 2, "data": "text"}, {"offset": 3, "data_base64": "/w=="}],
        "epoch": epoch, "offset": 3, "channel": "kept.a", "id": 1,
    }
    say(client, action="history", channel="kept.a", limit=1)
    assert [entry["offset"] for entry in answer(client)["history"]] == [3]
    say(client, action="history", channel="plain")
    assert answer(client)["code"] == "no_history"


def test_the_history_api(server):
    for number in range(3):
        server.publish("kept.a", str(number))
    found = history(server, "GET", "?limit=2")
    assert [entry["data"] for entry in found["history"]] == [1, 2]
    cleared = history(server, "DELETE")
    assert (cleared["history"], cleared["offset"]) == ([], 3)
    assert server.request("GET", "/v1/channels/plain/history").status == 404
    client = connect(server)
    reply = subscribed(client, recover={"epoch": cleared["epoch"], "offset": 1})
    assert reply["recovered"] is False


def test_a_snapshot_and_live_without_a_gap(server):
    place = position(server)
    server.publish("kept.a", '"between"')
    client = connect(server)
    subscribed(client, recover={"epoch": place["epoch"], "offset": place["offset"]}, strict=True)
    assert answer(client)["data"] == "between"


def test_old_messages_are_gone(start):
    pushd = start("--channel", "kept.*: history=10/1s")
    pushd.publish("kept.a", "1")
    wait_until(lambda: history(pushd)["history"] == [], "an empty history")
    wait_until(lambda: pushd.metrics().sum("pushd_history_messages") == 0, "no kept messages")
    assert position(pushd)["offset"] == 1


def test_who_may_subscribe_may_recover_but_not_read_the_past(start, tmp_path):
    key = Key(tmp_path, "HS256")
    pushd = start(*key.options, "--channel", "kept.*: subscribe=token history=10/60s")
    pushd.publish("kept.a", "1")
    member = key.by_pyjwt(pushd={"subscribe": ["kept.*"]})
    reader = key.by_pyjwt(pushd={"subscribe": ["kept.*"], "history": ["kept.*"]})
    outsider = key.by_pyjwt(pushd={"subscribe": ["other"]})

    client = connect(pushd, f"channel=&token={member}")
    assert subscribed(client, history=5)["code"] == "not_allowed"
    assert subscribed(client, recover={"epoch": "", "offset": 0})["recovered"] is True
    assert answer(client)["data"] == 1
    say(client, action="history", channel="kept.a")
    assert answer(client)["code"] == "not_allowed"

    client = connect(pushd, f"channel=&token={reader}")
    assert subscribed(client, history=5)["status"] == "subscribed"
    assert answer(client)["data"] == 1

    client = connect(pushd, f"channel=&token={outsider}")
    assert subscribed(client, recover={"epoch": "", "offset": 0})["code"] == "not_allowed"
    say(client, action="history", channel="kept.a")
    assert answer(client)["code"] == "not_allowed"
    for token, status in ((outsider, 403), (member, 200), ("", 401)):
        assert pushd.request("GET", f"/position?channel=kept.a&token={token}").status == status
    raw = pushd.raw()
    assert raw.ask(handshake(f"/ws?channel=kept.a&history=3&token={member}")).status == 403


def test_joiners_miss_nothing_and_get_nothing_twice(server):
    """Clients join with recovery while messages are published at full speed."""
    epoch = position(server)["epoch"]
    stop = threading.Event()
    published = 0

    def publish():
        nonlocal published
        while not stop.is_set():
            server.publish("kept.a", str(published + 1))
            published += 1

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        for _ in range(60):
            client = connect(server)
            has = max(position(server)["offset"] - 5, 0)
            reply = subscribed(client, recover={"epoch": epoch, "offset": has})
            numbers = [answer(client)["offset"] for _ in range(20)]
            if reply["recovered"]:
                assert numbers == list(range(has + 1, has + 21))
            else:  # too many were published meanwhile
                assert numbers == list(range(reply["offset"] + 1, reply["offset"] + 21))
            client.close()
    finally:
        stop.set()
        publisher.join()
    assert server.fresh_metrics().sum("pushd_recoveries_total", result="recovered") > 0


def test_the_budget_is_kept(start):
    pushd = start("--channel", "*: history=1000/60s", "--history-budget", "100KiB")
    for number in range(300):
        pushd.publish(f"c{number % 10}", "x" * 1000)
    assert pushd.fresh_metrics().sum("pushd_history_bytes") <= 100 * 1024
    assert pushd.fresh_metrics().sum("pushd_history_shed_messages_total") > 0


@pytest.mark.parametrize("value", ["10", "0/5m", "10/0", "10/31d", "-1/5m", "x/5m", "10/5m/1", "200000/5m"])
def test_a_bad_history_is_refused(value):
    ended = run_pushd("--channel", f"c: history={value}")
    assert ended.returncode == 64
    assert f"history={value}" in ended.stderr and "100/5m" in ended.stderr