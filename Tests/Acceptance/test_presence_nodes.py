"""Presence on several nodes with one Redis: one list, each event once, no ghosts."""

import time

import pytest
from support import wait_until
from support.commands import answer, connect
from support.raw import handshake
from support.relay import Relay
from test_presence import ask, users

RULE = "room.*: presence=on presence-grace=500ms"
OPTIONS = ("--channel", RULE, "--presence-heartbeat", "500ms", "--workers", "1")


@pytest.fixture
def nodes(start, redis_server):
    nodes = [start("--redis", redis_server.url, *OPTIONS) for _ in range(3)]
    for node in nodes:
        wait_until(lambda node=node: node.metrics().sum("pushd_presence_nodes") == 2, "the other nodes")
    return nodes


def watching(node, channel="room.a"):
    """A client of the user watcher that is told who comes to a channel."""
    client = connect(node, "channel=&user_id=watcher")
    assert ask(client, action="subscribe", channel=channel, presence=True)["status"] == "subscribed"
    return client


def told(client, count):
    """The next events about others than the watchers, as (event, user)."""
    found = []
    while len(found) < count:
        event = answer(client)
        if event["event"] in ("join", "leave") and event["user"] != "watcher":
            found.append((event["event"], event["user"]))
    return found


def nothing_more(client):
    with pytest.raises(TimeoutError):
        while (event := answer(client, seconds=0.7))["event"] == "gap":
            pass  # it is about messages
        raise AssertionError(f"more was told: {event}")


def everywhere(nodes, expected):
    for node in nodes:
        wait_until(lambda node=node: users(node) == sorted(expected), f"{expected} on each node", seconds=30)


def crowd(node, count, name="u"):
    """Members, by raw WebSockets that nobody reads."""
    clients = [node.raw() for _ in range(count)]
    for number, client in enumerate(clients):
        client.send(handshake(f"/ws?channel=room.a&user_id={name}{number}"))


def test_one_list_and_each_event_once(nodes):
    watchers = [watching(node) for node in nodes]
    ann = connect(nodes[0], "channel=room.a&user_id=ann")
    connect(nodes[1], "channel=room.a&user_id=bob")
    everywhere(nodes, ["ann", "bob", "watcher"])
    for watcher in watchers:
        assert sorted(told(watcher, 2)) == [("join", "ann"), ("join", "bob")]
    ann.close()
    for watcher in watchers:
        assert told(watcher, 1) == [("leave", "ann")]
    everywhere(nodes, ["bob", "watcher"])
    nothing_more(watchers[2])


def test_who_moves_to_another_node_was_not_gone(nodes):
    watcher = watching(nodes[2])
    client = connect(nodes[0], "channel=room.a&user_id=ann")
    assert told(watcher, 1) == [("join", "ann")]
    for turn in range(1, 7):
        client.close()
        time.sleep(0.1)  # less than the grace time
        client = connect(nodes[turn % 2], "channel=room.a&user_id=ann")
    everywhere(nodes, ["ann", "watcher"])
    nothing_more(watcher)


def test_members_of_a_killed_node_leave(nodes):
    watcher = watching(nodes[2])
    crowd(nodes[0], 1000)
    crowd(nodes[1], 500, "v")
    connect(nodes[1], "channel=room.a&user_id=u7")
    joined = told(watcher, 1500)
    assert len(set(joined)) == 1500
    nodes[0].kill()
    began = time.monotonic()
    left = told(watcher, 999)
    # Twice the heartbeat, and the quarters of a second in which nodes look.
    assert time.monotonic() - began < 2 * 0.5 + 3 * 0.25 + 1
    assert set(left) == {("leave", f"u{number}") for number in range(1000) if number != 7}
    everywhere(nodes[1:], ["watcher", "u7", *(f"v{number}" for number in range(500))])
    nothing_more(watcher)
    assert nodes[1].metrics().sum("pushd_presence_nodes") == 1


def test_a_new_node_knows_all_members(start, nodes, redis_server):
    crowd(nodes[0], 300)
    watcher = watching(nodes[1])
    fourth = start("--redis", redis_server.url, *OPTIONS)
    everywhere([fourth, *nodes], ["watcher", *(f"u{number}" for number in range(300))])
    connect(fourth, "channel=room.a&user_id=ann")
    events = told(watcher, 1)
    while events[-1][1] != "ann":
        events += told(watcher, 1)
    assert events[-1] == ("join", "ann")


def test_a_cut_to_redis_is_no_leaving(start, redis_server):
    relay = Relay(("127.0.0.1", redis_server.port))
    cut = start("--redis", f"redis://127.0.0.1:{relay.port}", *OPTIONS)
    whole = start("--redis", redis_server.url, *OPTIONS)
    wait_until(lambda: whole.metrics().sum("pushd_presence_nodes") == 1, "the other node")
    connect(cut, "channel=room.a&user_id=ann")
    bob = connect(whole, "channel=room.a&user_id=bob")
    everywhere([cut, whole], ["ann", "bob"])
    watcher = watching(cut)
    relay.cut()
    wait_until(lambda: users(whole) == ["bob"], "the silent node's members to leave")
    connect(cut, "channel=room.a&user_id=cid")
    assert told(watcher, 1) == [("join", "cid")]
    nothing_more(watcher)
    assert users(cut) == ["ann", "bob", "cid", "watcher"], "silence means nothing while Redis is away"
    bob.close()
    relay.restore()
    everywhere([cut, whole], ["ann", "cid", "watcher"])
    assert told(watcher, 1) == [("leave", "bob")]
    relay.cut()
