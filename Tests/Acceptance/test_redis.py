"""Publishing through a real Redis, to one node and to several."""

import json
import re
import threading

import pytest
from support import wait_until
from support.pushd import run_pushd
from support.raw import handshake
from support.redis_server import RedisServer
from support.strangers import MEBIBYTE, resident_bytes
from support.swarm import Swarm

CHANNELS = [f"c{number}" for number in range(10)]


def subscribe(client, channel):
    client.send(json.dumps({"action": "subscribe", "channel": channel}))
    assert json.loads(client.recv(timeout=5)) == {"status": "subscribed", "channel": channel}


@pytest.fixture
def nodes(start, redis_server):
    return [start("--redis", redis_server.url).wait_for_status("ok") for _ in range(2)]


def test_redis_publish_reaches_the_channel_without_the_prefix(node, redis_server):
    client = node.connect("news")
    assert redis_server.publish("push:news", "hello") == 1
    assert client.recv(timeout=5) == "hello"


@pytest.mark.parametrize("payload", [b"\xff\x00", b"", b"x" * 1_000_000, "ü".encode(), b'{"channel":"other"}'], ids=len)
def test_the_payload_arrives_verbatim(node, redis_server, payload):
    client = node.raw().upgrade("/ws?channel=news")
    redis_server.publish("push:news", payload)
    assert client.read_frame().payload == payload


def test_a_message_larger_than_max_publish_is_never_held(start, tmp_path):
    server = RedisServer(tmp_path, "--client-output-buffer-limit", "pubsub 0 0 0").start()
    try:
        pushd = start("--redis", server.url).wait_for_status("ok")
        client = pushd.connect("news")
        before = resident_bytes(pushd.process.pid)
        assert server.publish("push:news", b"x" * (200 * MEBIBYTE)) == 1
        server.publish("push:news", "after it")
        peak = before
        while not (dropped := pushd.metrics().sum("pushd_dropped_total", policy="oversized")):
            peak = max(peak, resident_bytes(pushd.process.pid))
        assert client.recv(timeout=10) == "after it"
        assert dropped == 1
        assert peak - before < 8 * MEBIBYTE
    finally:
        server.kill()


def test_any_channel_name_works_in_redis(node, redis_server):
    client = node.connect("ü *?[a] \\x")
    assert redis_server.publish("push:ü *?[a] \\x", "hello") == 1
    assert client.recv(timeout=5) == "hello"


def test_global_channel_reaches_global(nodes, redis_server):
    clients = [node.connect("global") for node in nodes]
    assert redis_server.publish("global_channel", "to all") == 2
    assert [client.recv(timeout=5) for client in clients] == ["to all"] * 2


def test_other_maps_and_prefixes(start, redis_server):
    node = start("--redis", redis_server.url, "--redis-prefix", "app/", "--redis-map", "alarms=red", "--redis-map", "x=y")
    client = node.wait_for_status("ok").connect("news", "red", "y")
    for redis_channel in ("app/news", "alarms", "x"):
        assert redis_server.publish(redis_channel, f"by {redis_channel}") == 1
        assert client.recv(timeout=5) == f"by {redis_channel}"
    assert redis_server.publish("push:news", "another app's") == 0


def test_http_publish_on_one_node_reaches_the_other(nodes):
    here, there = (node.connect("c") for node in nodes)
    assert nodes[0].publish("c", "hello") == 1
    assert [here.recv(timeout=5), there.recv(timeout=5)] == ["hello", "hello"]


def test_client_publish_on_one_node_reaches_the_other(start, redis_server):
    nodes = [start("--redis", redis_server.url, "--allow-client-publish").wait_for_status("ok") for _ in range(2)]
    here, there = (node.connect("c") for node in nodes)
    here.send('{"action":"publish","channel":"c","data":{"a":1}}')
    assert there.recv(timeout=5) == '{"a":1}'
    assert {here.recv(timeout=5), here.recv(timeout=5)} == {'{"status":"published","channel":"c"}', '{"a":1}'}


def test_it_subscribes_only_to_channels_that_have_subscribers_here(node, redis_server):
    def subscribed():
        with redis_server.client() as client:
            return set(client.pubsub_channels("push:*"))

    client = node.connect("a", "b")
    assert subscribed() >= {b"push:a", b"push:b"}
    assert not subscribed() & {b"push:default", b"push:c"}
    client.close()
    wait_until(lambda: not subscribed() & {b"push:a", b"push:b"}, "Redis channels left")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_message_right_after_the_reply_is_not_missed(start, redis_server, workers):
    node = start("--redis", redis_server.url, "--workers", workers, "--max-channels", "1000").wait_for_status("ok")
    client = node.connect("first")
    with redis_server.client() as publisher:
        for number in range(200):
            subscribe(client, f"c{number}")
            publisher.publish(f"push:c{number}", f"message {number}")
            assert client.recv(timeout=5) == f"message {number}"


def test_a_message_right_after_the_101_is_not_missed(node, redis_server):
    with redis_server.client() as publisher:
        for number in range(100):
            client = node.raw().upgrade(f"/ws?channel=a{number}&channel=b{number}")
            publisher.publish(f"push:b{number}", f"message {number}")
            assert client.read_frame().payload == b"message %d" % number


def test_leaving_and_coming_back_misses_nothing(node, redis_server):
    client = node.connect("other")
    with redis_server.client() as publisher:
        for number in range(100):
            subscribe(client, "c")
            publisher.publish("push:c", f"message {number}")
            assert client.recv(timeout=5) == f"message {number}"
            client.send('{"action":"unsubscribe","channel":"c"}')
            assert json.loads(client.recv(timeout=5))["status"] == "unsubscribed"


def test_health_tells_about_redis(node):
    node.connect("c")
    wait_until(lambda: node.health()["redis"].get("probe_ms"), "a probe that came back")
    wait_until(lambda: node.health()["redis"]["subscribed"] == 1, "one Redis channel")
    redis = node.health()["redis"]
    assert (redis["state"], redis["reconnects"]) == ("connected", 0)
    assert redis["since_s"] >= 0


@pytest.mark.parametrize("password", ["iAITMl7lD127c/VZEl0OZl8qviaXHIo=", "12/34"])
def test_a_slash_in_a_password_that_is_not_encoded_is_explained(password):
    failed = run_pushd("--redis", f"redis://:{password}@127.0.0.1")
    assert failed.returncode == 64
    assert "encode / in a password as %2F" in failed.stderr
    assert password not in failed.stderr


def test_a_password(tmp_path, start):
    server = RedisServer(tmp_path, password="se:cr@t").start()
    try:
        node = start("--redis", f"redis://:se%3Acr%40t@127.0.0.1:{server.port}/0").wait_for_status("ok")
        client = node.connect("c")
        server.publish("push:c", "hello")
        assert client.recv(timeout=5) == "hello"
        assert start("--redis", server.url).health()["status"] == "degraded"
    finally:
        server.kill()


def test_a_redis_on_a_unix_socket(tmp_path, start):
    server = RedisServer(tmp_path, "--unixsocket", str(tmp_path / "redis.sock")).start()
    try:
        client = start("--redis", f"redis+unix://{tmp_path}/redis.sock").wait_for_status("ok").connect("c")
        server.publish("push:c", "hello")
        assert client.recv(timeout=5) == "hello"
    finally:
        server.kill()


def test_two_nodes_deliver_everything_once_and_in_one_order(start, redis_server):
    """500 subscribers per node, 10 channels, and 10,000 messages from two concurrent publishers."""
    nodes = [start("--redis", redis_server.url, "--ping-interval", "300").wait_for_status("ok") for _ in range(2)]
    published = {channel: [f"{channel} {number:04}".encode() for number in range(1000)] for channel in CHANNELS}

    def publish_half(first):
        with redis_server.client() as client, client.pipeline(transaction=False) as pipeline:
            for number in range(first, 1000, 2):
                for channel in CHANNELS:
                    pipeline.publish(f"push:{channel}", published[channel][number])
            assert pipeline.execute() == [2] * 5000

    swarm = Swarm(nodes, CHANNELS, 50)
    try:
        publishers = [threading.Thread(target=publish_half, args=[first]) for first in (0, 1)]
        for publisher in publishers:
            publisher.start()
        frame_size = 2 + len(published["c0"][0])
        swarm.receive(1000 * frame_size, seconds=60)
        for publisher in publishers:
            publisher.join()
        for channel in CHANNELS:  # a duplicate would come before this
            redis_server.publish(f"push:{channel}", "the end")
        swarm.receive(1000 * frame_size + 2 + len("the end"), seconds=10)

        streams = {channel: {bytes(one.client.received) for one in swarm.all if one.channel == channel} for channel in CHANNELS}
        assert [len(different) for different in streams.values()] == [1] * 10, "another order, or a message lost or twice"
        for subscriber in swarm.of_node[0][::50]:
            *messages, end = subscriber.messages()
            assert sorted(messages) == published[subscriber.channel]
            assert end == b"the end"
    finally:
        swarm.close()


def test_both_nodes_deliver_http_publishes_in_one_order(nodes):
    clients = [node.connect("c") for node in nodes]

    def publish(node, name):
        raw = node.raw()
        raw.send(
            b"".join(
                b"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n%s %03d" % (name, number)
                for number in range(500)
            )
        )
        assert all(raw.read_response().status == 200 for _ in range(500))

    publishers = [threading.Thread(target=publish, args=[node, name]) for node, name in zip(nodes, (b"a", b"b"))]
    for publisher in publishers:
        publisher.start()
    first, second = ([client.recv(timeout=10) for _ in range(1000)] for client in clients)
    for publisher in publishers:
        publisher.join()
    assert first == second
    assert sorted(first) == [f"{name} {number:03}" for name in "ab" for number in range(500)]


def test_a_bad_handshake_waits_for_nothing(node, redis_server):
    redis_server.freeze()
    try:
        assert node.raw().ask(handshake("/ws?channel=%00")).status == 400
    finally:
        redis_server.thaw()


def test_a_pattern_brings_channels_without_subscriptions_of_their_own(start, redis_server):
    node = start("--redis", redis_server.url, "--redis-pattern", "news.*").wait_for_status("ok")
    client = node.connect("news.sport", "other")
    assert redis_server.publish("push:news.sport", "by the pattern") == 1
    assert client.recv(timeout=5) == "by the pattern"
    assert redis_server.publish("push:news.nobody", "to nobody") == 1
    assert redis_server.publish("push:other", "by its name") == 1
    assert client.recv(timeout=5) == "by its name"
    with redis_server.client() as redis:
        assert redis.pubsub_channels("push:news.*") == []


def test_names_that_cannot_be_channels_are_counted_and_logged_once(start, redis_server):
    node = start("--redis", redis_server.url, "--redis-pattern", "*").wait_for_status("ok")
    for name in (b"push:\xff", b"push:a\x01b", b"push:" + b"x" * 256):
        assert redis_server.publish(name, "lost") == 1
    wait_until(lambda: node.metrics().sum("pushd_redis_ignored_messages_total") == 3, "three counted")
    assert node.log().count("cannot be channels") == 1


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_name_cannot_forge_a_line_of_the_log(start, redis_server, form):
    node = start("--redis", redis_server.url, "--redis-pattern", "*", "--log-format", form).wait_for_status("ok")
    forged = "2026-11-28T00:00:00.000Z critical forged \x1b[31m\x9b\u2028"
    assert redis_server.publish(f"push:x\n{forged}".encode(), "lost") == 1
    line = wait_until(lambda: [line for line in node.log().split("\n") if "forged" in line], "the line")
    assert len(line) == 1 and "cannot be channels" in line[0]
    assert not re.search("[\x00-\x1f\x7f]", line[0])
    assert form == "json" or line[0].endswith(r"x\n2026-11-28T00:00:00.000Z critical forged \u001b[31m\u009b\u2028")
