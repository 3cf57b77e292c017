"""Channels that send only their newest messages at intervals (conflate-every)."""

import json

import pytest
from support.commands import answer, connect, say
from support.sse import EventClient

RULE = ("--channel", "prices.*: conflate-every=400ms history=100/60s wildcard=allow")


def publish(pushd, *messages):
    """Publishes all of them in one turn."""
    lines = [{"channel": "prices.a", "data": data, **({"key": key} if key else {})} for data, key in messages]
    assert pushd.request("POST", "/v1/publish", "\n".join(json.dumps(line) for line in lines)).status == 200


@pytest.mark.parametrize("with_redis", [False, True])
def test_the_first_message_and_then_the_newest_of_each_key(start, redis_server, with_redis):
    options = ("--redis", redis_server.url) if with_redis else ()
    pushd = start(*options, "--workers", "1", *RULE).wait_for_status("ok")
    client = connect(pushd, "channel=prices.a&channel=prices.*")
    events = EventClient(pushd.raw(), "/sse?channel=prices.a&envelope=1").opened()
    publish(pushd, (1, None), (2, None), (3, "x"), (4, None), (5, "x"), (6, None))
    for get in (lambda: answer(client), events.read_json):
        messages = [get() for _ in range(3)]
        assert [(message["offset"], message["data"]) for message in messages] == [(1, 1), (5, 5), (6, 6)]
    # The history has everything, and who joins gets nothing of it again.
    publish(pushd, (7, None))
    other = connect(pushd)
    say(other, action="subscribe", channel="prices.a", recover={"epoch": "", "offset": 5})
    assert answer(other)["recovered"] is True
    publish(pushd, (8, "x"))
    assert [answer(other)["data"] for _ in range(3)] == [6, 7, 8]
    assert [answer(client)["data"] for _ in range(2)] == [7, 8]
    left_out = pushd.fresh_metrics().sum("pushd_dropped_total", policy="conflate-every")
    assert left_out == 3 * 2  # 2, 3 and 4, each for two clients
