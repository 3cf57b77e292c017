"""The commands that a client may send over its WebSocket, and the replies."""

import json

import pytest
from support import wait_until
from support.commands import answer, say
from support.raw import BINARY, TEXT


def test_ping(pushd):
    client = pushd.connect()
    say(client, action="ping")
    assert client.recv(timeout=5) == '{"action":"pong"}'


def test_subscribe_and_unsubscribe(pushd):
    client = pushd.connect("a")
    say(client, action="subscribe", channel="b")
    assert client.recv(timeout=5) == '{"status":"subscribed","channel":"b"}'
    assert [pushd.publish(channel, f"to {channel}") for channel in "ab"] == [1, 1]
    assert [client.recv(timeout=5), client.recv(timeout=5)] == ["to a", "to b"]
    say(client, action="unsubscribe", channel="a")
    assert client.recv(timeout=5) == '{"status":"unsubscribed","channel":"a"}'
    assert [pushd.publish(channel, f"again to {channel}") for channel in "ab"] == [0, 1]
    assert client.recv(timeout=5) == "again to b"


def test_replace_leaves_all_other_channels(pushd):
    client = pushd.connect("a", "b")
    say(client, action="subscribe", channel="c", replace=True)
    assert answer(client) == {"status": "subscribed", "channel": "c"}
    assert [pushd.publish(channel, channel) for channel in "abc"] == [0, 0, 1]
    assert client.recv(timeout=5) == "c"


def test_replace_with_a_channel_that_is_joined_keeps_it(pushd):
    client = pushd.connect("a", "b")
    say(client, action="subscribe", channel="a", replace=True)
    assert answer(client) == {"status": "subscribed", "channel": "a"}
    assert [pushd.publish(channel, channel) for channel in "ab"] == [1, 0]


def test_subscribing_twice_delivers_once(pushd):
    client = pushd.connect("a")
    say(client, action="subscribe", channel="a")
    assert answer(client)["status"] == "subscribed"
    assert pushd.publish("a", "1") == 1
    assert pushd.publish("a", "2") == 1
    assert [client.recv(timeout=5), client.recv(timeout=5)] == ["1", "2"]


@pytest.mark.parametrize("identity", ["x", 'qu"ote ü', "", 7, 0, -1, 1.5, 12345678901234567890])
@pytest.mark.parametrize("action", ["ping", "subscribe", "unsubscribe", "publish", "nonsense"])
def test_the_id_comes_back(start, action, identity):
    client = start("--workers", "1").connect("c")
    say(client, action=action, channel="c", data=1, id=identity)
    assert answer(client)["id"] == identity


@pytest.mark.parametrize("identity", [None, True, [1], {"a": 1}])
def test_an_id_is_a_string_or_a_number(pushd, identity):
    client = pushd.connect()
    say(client, action="ping", id=identity)
    assert "error" in answer(client)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "{",
        "[]",
        "null",
        "{}",
        '{"action":"ping"} {}',
        '{"action":"ping",}',
        "{'action':'ping'}",
        '{"action":null}',
        '{"action":["ping"]}',
        '{"action":"PING"}',
        '{"action":"fly"}',
        '{"action":"subscribe"}',
        '{"action":"subscribe","channel":7}',
        '{"action":"subscribe","channel":""}',
        '{"action":"subscribe","channel":"a\\u0000"}',
        '{"action":"subscribe","channel":"a\\nb"}',
        '{"action":"subscribe","channel":"c","replace":"yes"}',
        json.dumps({"action": "subscribe", "channel": "x" * 256}),
        '{"action":"unsubscribe"}',
        '{"action":"unsubscribe","channel":false}',
        "[" * 60_000,
        '{"a":' * 10_000,
    ],
    ids=lambda text: text[:40],
)
def test_a_bad_command_gets_an_error_and_the_connection_stays(pushd, text):
    client = pushd.connect("c")
    client.send(text)
    reply = answer(client)
    assert list(reply) == ["error", "code"] and reply["error"]
    assert reply["code"] in ("bad_json", "bad_request", "unknown_action")
    say(client, action="ping")
    assert answer(client) == {"action": "pong"}
    assert pushd.publish("c", "hello") == 1
    assert client.recv(timeout=5) == "hello"


def test_a_binary_frame_gets_an_error_and_the_connection_stays(pushd):
    client = pushd.raw().upgrade()
    client.send_frame(BINARY, b'{"action":"ping"}')
    assert "error" in client.read_json()
    client.send_frame(TEXT, b'{"action":"ping"}')
    assert client.read_json() == {"action": "pong"}


def test_commands_that_come_together_are_answered_in_order(pushd):
    client = pushd.connect()
    for number in range(1000):
        say(client, action="ping", id=number)
    assert [answer(client)["id"] for _ in range(1000)] == list(range(1000))


def test_past_max_channels_a_subscription_is_refused(start):
    pushd = start("--max-channels", "2")
    client = pushd.connect("a")
    say(client, action="subscribe", channel="b")
    assert answer(client)["status"] == "subscribed"
    say(client, action="subscribe", channel="c")
    assert "error" in answer(client)
    assert [pushd.publish(channel, "x") for channel in "abc"] == [1, 1, 0]
    say(client, action="subscribe", channel="c", replace=True)
    assert [client.recv(timeout=5) for _ in range(2)] == ["x", "x"]
    assert answer(client)["status"] == "subscribed"


def test_several_channels_are_joined_and_left_with_a_reply_each(pushd):
    client = pushd.connect("a", "z")
    say(client, action="subscribe", channels=["b", "a", "c", "b"], id=7)
    assert [answer(client) for _ in range(4)] == [{"status": "subscribed", "channel": name, "id": 7} for name in "bacb"]
    assert [pushd.publish(name, name) for name in "abcz"] == [1] * 4
    assert [client.recv(timeout=5) for _ in range(4)] == list("abcz")
    say(client, action="unsubscribe", channels=["c", "never", "a"])
    assert [answer(client)["channel"] for _ in range(3)] == ["c", "never", "a"]
    assert [pushd.publish(name, name) for name in "abcz"] == [0, 1, 0, 1]
    assert [client.recv(timeout=5) for _ in range(2)] == list("bz")


def test_replace_leaves_all_channels_but_the_listed_ones(pushd):
    client = pushd.connect("a", "b", "c")
    say(client, action="subscribe", channels=["d", "b"], replace=True)
    assert [answer(client)["channel"] for _ in range(2)] == ["d", "b"]
    assert [pushd.publish(name, name) for name in "abcd"] == [0, 1, 0, 1]


def test_of_several_channels_those_past_the_limit_are_refused(start):
    pushd = start("--max-channels", "3")
    client = pushd.connect("a", "b")
    say(client, action="subscribe", channels=["b", "c", "d"], id=1)
    assert [answer(client).get("status") for _ in range(2)] == ["subscribed"] * 2
    refusal = answer(client)
    assert refusal["channel"] == "d" and refusal["id"] == 1 and "--max-channels" in refusal["error"]
    assert [pushd.publish(name, name) for name in "abcd"] == [1, 1, 1, 0]
    assert [client.recv(timeout=5) for _ in range(3)] == list("abc")
    say(client, action="subscribe", channels=["a"] * 4)
    assert "--max-channels" in answer(client)["error"]
    say(client, action="ping")
    assert answer(client) == {"action": "pong"}


@pytest.mark.parametrize("reached", [True, False], ids=["redis", "no redis"])
def test_several_channels_are_confirmed_by_redis(start, redis_server, reached):
    """Without Redis they are confirmed as well, like a single one."""
    pushd = start("--redis", redis_server.url).wait_for_status("ok")
    if not reached:
        redis_server.kill()
        pushd.wait_for_status("degraded")
    client = pushd.connect("z")
    say(client, action="subscribe", channels=list("abc"))
    assert [answer(client)["channel"] for _ in range(3)] == list("abc")
    if reached:
        assert [redis_server.publish(f"push:{name}", name) for name in "abc"] == [1] * 3
        assert {client.recv(timeout=5) for _ in range(3)} == set("abc")


def test_a_client_may_go_while_its_channels_wait_for_redis(start, redis_server):
    pushd = start("--redis", redis_server.url).wait_for_status("ok")
    client = pushd.raw().upgrade("/ws?channel=z")
    redis_server.freeze()
    try:
        client.send_frame(TEXT, b'{"action":"subscribe","channels":["a","b","c"]}')
        client.close()
        wait_until(lambda: pushd.health()["connections"] == 0, "no connection")
    finally:
        redis_server.thaw()
    wait_until(lambda: pushd.health()["channels"] == 0, "no channel")


def test_a_confirmed_subscription_misses_nothing(pushd):
    client = pushd.connect()
    for number in range(200):
        say(client, action="subscribe", channel=f"c{number}", replace=True)
        assert answer(client)["status"] == "subscribed"
        assert pushd.publish(f"c{number}", "hello") == 1
        assert client.recv(timeout=5) == "hello"


# Publishing from a client


def test_publishing_is_refused_unless_it_is_allowed(pushd):
    client = pushd.connect("c")
    say(client, action="publish", channel="c", data="hello", id=1)
    reply = answer(client)
    assert reply["id"] == 1 and reply["error"]
    pushd.publish("c", "the next thing it gets")
    assert client.recv(timeout=5) == "the next thing it gets"


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("data, delivered", [('{"a": [1, "ü"]}', '{"a": [1, "ü"]}'), ("17", "17"), ("null", "null")])
def test_data_is_published_as_the_json_it_is(start, workers, data, delivered):
    pushd = start("--workers", workers, "--allow-client-publish")
    publisher, others = pushd.connect("c"), [pushd.connect("c") for _ in range(4)]
    publisher.send(f'{{"action":"publish","channel":"c","data":{data},"id":1}}')
    assert {publisher.recv(timeout=5), publisher.recv(timeout=5)} == {
        '{"status":"published","channel":"c","id":1}',
        delivered,
    }
    assert [other.recv(timeout=5) for other in others] == [delivered] * 4


def test_only_joined_channels_can_be_published_to(start):
    pushd = start("--allow-client-publish")
    publisher, other = pushd.connect("mine"), pushd.connect("theirs")
    say(publisher, action="publish", channel="theirs", data="intruder")
    assert "error" in answer(publisher)
    pushd.publish("theirs", "the first thing it gets")
    assert other.recv(timeout=5) == "the first thing it gets"


@pytest.mark.parametrize("text", ['{"action":"publish","channel":"c"}', '{"action":"publish","data":1}'])
def test_a_publish_without_its_fields_gets_an_error(start, text):
    client = start("--allow-client-publish").connect("c")
    client.send(text)
    reply = answer(client)
    assert list(reply) == ["error", "code"] and reply["code"] == "bad_request"
