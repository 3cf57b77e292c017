"""Messages that grow by pieces (append=, end=)."""

import json

import pytest
from support.commands import answer, connect, say
from support.sse import EventClient


def append(pushd, piece, name="s", status=200, **options):
    query = "".join(f"&{key}={value}" for key, value in options.items())
    response = pushd.request("POST", f"/publish?channel=c&append={name}{query}", piece.encode())
    assert response.status == status, response
    return json.loads(response.body)


def joined(client, count, whole=False):
    """The text after so many messages; the first may be what was there before."""
    text = None
    for number in range(count):
        message = answer(client)
        assert message["channel"] == "c" and message["id"] == "s"
        assert message.get("append", False) == (not whole or number > 0)
        text = message["data"] if "append" not in message else (text or "") + message["data"]
    return text


@pytest.mark.parametrize("rule", [(), ("--channel", "c: history=100/60s")])
def test_who_comes_later_gets_the_text_so_far(start, rule):
    pushd = start("--workers", "2", *rule)
    first = connect(pushd, "channel=c")
    for piece in ("Es ", "war ", "1", "2", ' {"a"'):
        append(pushd, piece)
    assert joined(first, 5) == 'Es war 12 {"a"'
    later = [connect(pushd, "channel=c")]
    later.append(connect(pushd))
    say(later[1], action="subscribe", channel="c")
    assert answer(later[1])["status"] == "subscribed"
    events = EventClient(pushd.raw(), "/sse?channel=c&envelope=1").opened()
    plain = pushd.connect("c")
    append(pushd, "!")
    append(pushd, "", end=1)
    for client in later:
        assert joined(client, 2, whole=True) == 'Es war 12 {"a"!'
        last = answer(client)
        assert last["append"] is True and last["end"] is True and last["data"] == ""
    assert [events.read_json().get("append") for _ in range(3)] == [None, True, True]
    assert [plain.recv(timeout=5) for _ in range(3)] == ['Es war 12 {"a"', "!", ""]
    pushd.publish("c", "7")
    if rule:
        client = connect(pushd, "channel=c&history=1")
        assert answer(client)["status"] == "subscribed" and answer(client)["data"] == 7
    for client in later:
        message = answer(client)
        assert message["data"] == 7 and "id" not in message


def test_a_client_that_recovers_goes_on_with_the_pieces(start):
    pushd = start("--channel", "c: history=100/60s")
    append(pushd, "a")
    append(pushd, "b")
    client = connect(pushd)
    say(client, action="subscribe", channel="c", recover={"epoch": "", "offset": 1})
    assert answer(client)["recovered"] is True
    append(pushd, "c")
    assert [(message["offset"], message["data"], message["append"]) for message in (answer(client), answer(client))] == [
        (2, "b", True), (3, "c", True)]
    # Who has nothing, or not enough, gets everything so far.
    say(client, action="unsubscribe", channel="c")
    assert answer(client)["status"] == "unsubscribed"
    say(client, action="subscribe", channel="c", recover={"epoch": "other", "offset": 1})
    assert answer(client)["recovered"] is False
    assert answer(client) == {"channel": "c", "offset": 3, "id": "s", "data": "abc"}


def test_limits_and_mistakes(start, redis_server):
    pushd = start("--max-publish", "1KiB", "--channel", "newest: conflate-every=1s")
    append(pushd, "x" * 1000)
    assert "--max-publish" in append(pushd, "x" * 25, status=413)["error"]
    append(pushd, "x" * 24)
    append(pushd, "x", status=413, end=1)
    append(pushd, "", end=1)
    append(pushd, "x")
    for number in range(63):
        append(pushd, "x", name=f"s{number}")
    assert "end=1" in append(pushd, "x", name="another", status=413)["error"]
    for path in ("channel=c&end=1", "channel=c&append=", "channel=c&append=s&end=2", "user=u&append=s",
                 "channel=newest&append=s"):
        response = pushd.request("POST", f"/publish?{path}", b"x")
        assert response.status == 400, path
    with_redis = start("--redis", redis_server.url).wait_for_status("ok")
    assert "history" in append(with_redis, "x", status=400)["error"]


# With Redis


RULE = ("--channel", "c: history=5/60s")


@pytest.fixture
def nodes(start, redis_server):
    options = ("--max-publish", "100KiB", "--redis", redis_server.url, *RULE)
    return [start(*options).wait_for_status("ok") for _ in range(2)]


def test_all_nodes_have_the_text_so_far(nodes, start, redis_server):
    """Also one that starts later, and of more pieces than the history keeps."""
    first = connect(nodes[0], "channel=c")
    pieces = [f"{number} " for number in range(20)]
    for number, piece in enumerate(pieces):
        append(nodes[number % 2], piece)
    assert joined(first, 20) == "".join(pieces)
    nodes.append(start("--redis", redis_server.url, *RULE).wait_for_status("ok"))
    later = [connect(node, "channel=c") for node in nodes]
    append(nodes[1], "!", end=1)
    for client in later:
        assert joined(client, 2, whole=True) == "".join(pieces) + "!"
    assert joined(first, 1) == "!"
    append(nodes[2], "anew")
    for client in (first, *later):
        assert answer(client)["data"] == "anew"
    assert answer(connect(nodes[0], "channel=c"))["data"] == "anew"


def test_long_texts_and_several_at_once(nodes):
    """A text is kept in chunks; what is too much is refused, and nothing of it is there."""
    for number in range(30):
        append(nodes[0], f"{number}," * 500, name="long")
        append(nodes[1], "x", name=f"s{number}")
    texts = {f"s{number}": "x" for number in range(30)} | {"long": "".join(f"{number}," * 500 for number in range(30))}
    client = connect(nodes[1], "channel=c")
    messages = [answer(client) for _ in texts]
    assert {message["id"]: message["data"] for message in messages} == texts
    room = 102_400 - sum(map(len, texts.values()))
    assert "--max-publish" in append(nodes[0], "y" * (room + 1), name="more", status=413)["error"]
    for number in range(33):
        append(nodes[0], "", name=f"t{number}")
    assert "end=1" in append(nodes[0], "", name="another", status=413)["error"]
    append(nodes[0], "", name="long", end=1)
    append(nodes[0], "y" * room, name="more")


def test_pieces_that_were_missed_are_not_left_out(nodes, redis_server):
    """A node that was cut off reads the pieces, and its late subscribers have the whole text."""
    client = connect(nodes[0], "channel=c")
    append(nodes[1], "a")
    assert joined(client, 1) == "a"
    for round, piece in enumerate("bcd"):
        with redis_server.client() as redis:
            redis.client_kill_filter(_type="pubsub")
        append(nodes[1], piece)
        assert joined(client, 1) == piece
    later = connect(nodes[0], "channel=c")
    append(nodes[0], "e")
    assert joined(later, 2, whole=True) == "abcde"


def test_a_repeat_of_a_piece_is_not_appended(nodes):
    for node in nodes:
        append(node, "once", id="1")
    append(nodes[0], " more", id="2")
    assert answer(connect(nodes[1], "channel=c"))["data"] == "once more"
