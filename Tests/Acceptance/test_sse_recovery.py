"""GET /sse of channels with a history: cursors, what comes after a cut, and what is gone."""

import asyncio
import json
import random
import subprocess
from datetime import timedelta

import httpx
import httpx_sse
import pytest
import sseclient
from aiohttp_sse_client.client import EventSource as AiohttpEventSource
from support import wait_until
from support.chromium import COMMAND, Chromium
from support.relay import Relay
from support.sse import EventClient
from test_sse import listen

RULE = ("--channel", "kept.*: history=100/60s", "--workers", "2")


@pytest.fixture
def server(start):
    return start(*RULE)


def stream(pushd, target="/sse?channel=kept.a", last_event_id=None):
    headers = {"Last-Event-ID": last_event_id} if last_event_id is not None else {}
    return EventClient(pushd.raw(), target, **headers).opened()


def started(pushd, target="/sse?channel=kept.a", last_event_id=None):
    """A stream, and the cursor that it begins with."""
    client = stream(pushd, target, last_event_id)
    assert client.read_line().startswith("retry: ")
    name, _, cursor = client.read_line().partition(": ")
    assert (name, client.read_line()) == ("id", ""), "the cursor comes first, and is no event"
    assert cursor.replace("-", "").replace("_", "").isalnum()
    client.last_event_id = cursor
    return client, cursor


def data(client, count):
    return [client.read().data for _ in range(count)]


def test_each_event_has_an_id_from_which_it_goes_on(server):
    client, start = started(server)
    cursors = [start]
    for number in range(5):
        server.publish("kept.a", str(number))
        assert client.read().data == str(number)
        cursors.append(client.last_event_id)
    assert len(set(cursors)) == 6
    for number, cursor in enumerate(cursors):
        again, accepted = started(server, last_event_id=cursor)
        assert accepted == cursor
        assert data(again, 5 - number) == [str(number) for number in range(number, 5)]
        assert again.last_event_id == cursors[-1]


def test_a_page_names_its_cursor_in_the_url_and_its_browser_a_later_one(server):
    client, start = started(server)
    for number in range(3):
        server.publish("kept.a", str(number))
    data(client, 2)
    target = f"/sse?channel=kept.a&last_event_id={start}&history=1"
    for cursor, missed in ((None, ["0", "1", "2"]), (client.last_event_id, ["2"])):
        again = stream(server, target, cursor)
        assert again.read().type == "subscribed", "its URL has asked for the last message"
        assert data(again, len(missed)) == missed


def test_other_channels_have_no_ids(server):
    for target in ("/sse?channel=plain", "/sse?channel=plain&channel=other"):
        client = stream(server, target, last_event_id="AQ")
        server.publish("plain", "1")
        client.read()
        assert client.last_event_id == ""


def test_a_cursor_over_several_channels(server):
    target = "/sse?channel=kept.a&channel=plain&channel=kept.b"
    client, start = started(server, target)
    sent = [("kept.a", 1), ("kept.b", 2), ("plain", 3), ("kept.b", 4), ("kept.a", 5)]
    cursors = [start]
    for channel, number in sent:
        server.publish(channel, str(number))
        event = client.read_json()
        assert (event["channel"], event["data"]) == (channel, number)
        cursors.append(client.last_event_id)
    assert cursors[2] == cursors[3], "a message of another channel moves nothing"
    for number, cursor in enumerate(cursors):
        again, accepted = started(server, target, cursor)
        assert accepted == cursor
        missed = [entry for entry in sent[number:] if entry[0] != "plain"]
        found = [again.read_json() for _ in missed]
        assert sorted((event["channel"], event["data"]) for event in found) == sorted(missed)
        assert again.last_event_id == cursors[-1]
    # The order of the channels does not matter, and a new one is no loss.
    again, _ = started(server, "/sse?channel=kept.c&channel=kept.b&channel=kept.a", cursors[3])
    assert {again.read_json()["data"], again.read_json()["data"]} == {4, 5}


@pytest.mark.parametrize("channels", [["kept.a"], ["kept.a", "kept.b", "plain", "kept.c"]])
def test_whoever_is_cut_at_random_gets_each_message_once(server, channels):
    """A client is cut in the middle of events, too, and knows only what is complete."""
    dice = random.Random(len(channels))
    target = "/sse?envelope=1&" + "&".join(f"channel={channel}" for channel in channels)
    kept = [channel for channel in channels if channel.startswith("kept")]
    client, cursor = started(server, target)
    got, sent = {channel: [] for channel in channels}, dict.fromkeys(kept, 0)
    for _ in range(40):
        for _ in range(dice.randrange(10)):
            channel = dice.choice(kept)
            sent[channel] += 1
            server.publish(channel, str(sent[channel]))
        for _ in range(dice.randrange(6)):
            if sum(sent.values()) == sum(map(len, got.values())):
                break
            event = client.read_json()
            got[event["channel"]].append(event["data"])
            cursor = client.last_event_id
        client.close()
        client, accepted = started(server, target, cursor)
        assert accepted == cursor
    while sum(sent.values()) > sum(map(len, got.values())):
        event = client.read_json()
        got[event["channel"]].append(event["data"])
    for channel in kept:
        assert got[channel] == list(range(1, sent[channel] + 1))


@pytest.mark.parametrize("target", ["/sse?channel=kept.a", "/sse?channel=kept.a&channel=kept.b&channel=plain"])
def test_what_is_gone_is_said_for_its_channel(start, target):
    pushd = start("--channel", "kept.*: history=3/60s")
    client, cursor = started(pushd, target)
    for number in range(5):
        pushd.publish("kept.a", str(number))
    client, accepted = started(pushd, target, cursor)
    kind, text = client.read()
    gap = json.loads(text)
    assert kind == "gap" and gap == {
        "event": "gap", "channel": "kept.a", "recovered": False, "epoch": gap["epoch"], "offset": 5,
    }
    assert accepted != cursor
    pushd.publish("kept.a", '"live"')
    assert "live" in client.read().data
    assert pushd.fresh_metrics().sum("pushd_recoveries_total", result="failed") == 1


@pytest.mark.parametrize("foreign", ["17", "x" * 7000, "e:1", "\u00fc", "AQ==", "data"])
def test_an_id_of_another_server_recovers_nothing(server, foreign):
    server.publish("kept.a", "old")
    client = stream(server, "/sse?channel=kept.a&channel=kept.b", foreign)
    assert [client.read().type for _ in range(2)] == ["gap", "gap"]
    server.publish("kept.a", "live")
    assert client.read_json() == {"channel": "kept.a", "offset": 2, "data": "live"}


def test_more_channels_than_a_cursor_can_have(server):
    target = "/sse?" + "&".join(f"channel=kept.{number}" for number in range(65))
    client = stream(server, target)
    server.publish("kept.3", "1")
    assert client.read_json()["offset"] == 1 and client.last_event_id == ""
    client, _ = started(server, "/sse?" + "&".join(f"channel=kept.{number}" for number in range(64)))
    server.publish("kept.3", "2")
    assert client.read_json()["offset"] == 2
    assert len(client.last_event_id) < 6144


def test_two_values_are_refused(server):
    assert EventClient(server.raw(), "/sse?channel=kept.a&last_event_id=AQ&last_event_id=AQ").response.status == 400


# Clients from elsewhere


def test_httpx_and_sseclient(server):
    url = f"http://127.0.0.1:{server.port}/sse?channel=kept.a"
    with httpx.Client(trust_env=False) as client, httpx_sse.connect_sse(client, "GET", url) as source:
        events = source.iter_sse()
        start = next(events)
        assert start.data == "" and start.id
        server.publish("kept.a", "first\nof two lines")
        event = next(events)
        assert event.data == "first\nof two lines"
    server.publish("kept.a", "second")
    with httpx.stream("GET", url, headers={"Last-Event-ID": event.id}, trust_env=False) as response:
        event = next(sseclient.SSEClient(response.iter_bytes()).events())
        assert event.data == "second" and event.id


def test_aiohttp_comes_back_by_itself(server):
    relay = Relay(server.address)

    async def talk():
        url = f"http://127.0.0.1:{relay.port}/sse?channel=kept.a"
        async with AiohttpEventSource(url, reconnection_time=timedelta(milliseconds=1)) as source:
            source._reconnection_time = timedelta(milliseconds=50)  # not what the server asks for
            texts = []
            for number in range(3):
                await asyncio.to_thread(server.publish, "kept.a", f"{number}")
                texts.append((await anext(source)).data)
            await asyncio.to_thread(relay.cut)
            relay.restore()
            await asyncio.to_thread(server.publish, "kept.a", "missed")
            texts.append((await anext(source)).data)
            return texts

    assert asyncio.run(asyncio.wait_for(talk(), 20)) == ["0", "1", "2", "missed"]
    relay.cut()


NODE = """
setInterval(() => {}, 1000); // a source that waits does not keep Node running
const source = new EventSource(process.argv[1]);
source.onopen = () => console.log("open");
source.onmessage = event => console.log(event.data);
source.addEventListener("gap", event => console.log("gap in " + JSON.parse(event.data).channel));
"""


def has_event_source():
    probe = ["node", "--experimental-eventsource", "--eval", "EventSource.name"]
    try:
        return subprocess.run(probe, capture_output=True, timeout=10, check=False).returncode == 0
    except FileNotFoundError:
        return False


def test_node_comes_back_by_itself(server):
    if not has_event_source():
        pytest.skip("no Node with an EventSource here")
    relay = Relay(server.address)
    url = f"http://127.0.0.1:{relay.port}/sse?channel=kept.a&channel=kept.b"
    command = ["node", "--experimental-eventsource", "--no-warnings", "--eval", NODE, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as node:
        assert node.stdout.readline() == "open\n"
        server.publish("kept.a", "1")
        assert json.loads(node.stdout.readline())["data"] == 1
        relay.cut()
        wait_until(lambda: server.health()["connections"] == 0, "the end of the connection")
        for channel, text in (("kept.a", "2"), ("kept.b", "3"), ("kept.a", "4")):
            server.publish(channel, text)
        relay.restore()
        assert node.stdout.readline() == "open\n"
        assert {json.loads(node.stdout.readline())["data"] for _ in range(3)} == {2, 3, 4}
        node.kill()
    relay.cut()


def test_an_event_source_in_chromium_comes_back(start, tmp_path):
    if not COMMAND:
        pytest.skip("no Chromium here")
    browser = Chromium(tmp_path)
    server = start(*RULE, "--allow-origin", "*")
    relay = Relay(server.address)
    try:
        page = listen(browser, f"127.0.0.1:{server.port}", f"http://127.0.0.1:{relay.port}/sse?channel=kept.a")
        page.wait_for("opens === 1")
        server.publish("kept.a", "before")
        page.wait_for("got.length === 1")
        relay.cut()
        wait_until(lambda: server.health()["connections"] == 0, "the end of the connection")
        server.publish("kept.a", "missed")
        relay.restore()
        page.wait_for("opens === 2")
        server.publish("kept.a", "live")
        page.wait_for("got.length === 3")
        assert page.evaluate("got") == ["before", "missed", "live"]
    finally:
        browser.close()
        relay.cut()
