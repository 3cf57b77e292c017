"""Redis is away: starts late, is killed, or is frozen."""

import json
import re
import signal
import threading
import time

from support import wait_until
from support.redis_server import RedisServer


def assert_delivery(pushd, server, clients, text):
    """A message through Redis reaches all clients, each of which is on channel c."""
    wait_until(lambda: server.publish("push:c", "try") == 1, "pushd's subscription in Redis")
    server.publish("push:c", text)
    for client in clients:
        while (received := client.recv(timeout=5)) == "try":
            pass
        assert received == text


def cpu_share(pushd, seconds):
    """The share of one core that the process uses during this time."""
    cpu, began = pushd.cpu_seconds(), time.monotonic()
    time.sleep(seconds)
    return (pushd.cpu_seconds() - cpu) / (time.monotonic() - began)


def test_redis_may_start_after_pushd(start, stopped_redis):
    pushd = start("--redis", stopped_redis.url)
    assert pushd.health()["status"] == "degraded"
    assert pushd.get("/health").status == 200
    assert pushd.get("/health/ready").status == 200
    clients = [pushd.connect("c") for _ in range(3)]
    wait_until(lambda: pushd.health()["connections"] == 3, "3 connections")
    stopped_redis.start()
    pushd.wait_for_status("ok")
    assert_delivery(pushd, stopped_redis, clients, "hello")


def test_delivery_resumes_each_time_redis_is_killed_and_restarted(node, redis_server):
    clients = [node.connect("c") for _ in range(20)]
    for outage in range(1, 6):
        redis_server.kill()
        node.wait_for_status("degraded")
        assert cpu_share(node, 0.7) < 0.1
        clients.append(node.connect("c"))
        redis_server.start()
        node.wait_for_status("ok")
        assert node.health()["redis"]["reconnects"] == outage
        assert_delivery(node, redis_server, clients, f"after outage {outage}")
    assert node.health()["connections"] == 25


def test_it_logs_one_line_for_each_change_of_state(node, redis_server):
    before = node.log()
    redis_server.kill()
    node.wait_for_status("degraded")
    time.sleep(1.5)  # several attempts, none of which may log
    redis_server.start()
    node.wait_for_status("ok")
    lines = node.log().removeprefix(before).splitlines()
    assert len(lines) == 2, lines
    assert all("redis" in line.lower() for line in lines)


def test_a_frozen_redis_does_not_hold_up_a_subscription_for_ever(node, redis_server):
    client = node.connect("other")
    redis_server.freeze()
    try:
        client.send('{"action":"subscribe","channel":"c"}')
        assert json.loads(client.recv(timeout=5)) == {"status": "subscribed", "channel": "c"}
        node.wait_for_status("degraded")
        node.raw().upgrade("/ws?channel=c")
        assert cpu_share(node, 0.5) < 0.1
    finally:
        redis_server.thaw()
    node.wait_for_status("ok")
    assert_delivery(node, redis_server, [client], "thawed")


def test_a_frozen_redis_is_noticed_by_the_probe(node, redis_server):
    redis_server.freeze()
    try:
        wait_until(lambda: node.health()["status"] == "degraded", "degraded", seconds=20)
    finally:
        redis_server.thaw()
    node.wait_for_status("ok")


def test_subscriptions_of_an_outage_are_made_up_for(node, redis_server):
    client = node.connect("a", "left")
    redis_server.kill()
    node.wait_for_status("degraded")
    client.send('{"action":"subscribe","channel":"c"}')
    client.send('{"action":"unsubscribe","channel":"left"}')
    assert [json.loads(client.recv(timeout=5))["status"] for _ in range(2)] == ["subscribed", "unsubscribed"]
    redis_server.start()
    node.wait_for_status("ok")
    assert_delivery(node, redis_server, [client], "new")
    with redis_server.client() as redis:
        wait_until(lambda: set(redis.pubsub_channels("push:*")) == {b"push:a", b"push:c"}, "these channels in Redis")


def test_an_http_publish_without_redis_is_answered(node, redis_server):
    client = node.connect("c")
    redis_server.kill()
    node.wait_for_status("degraded")
    response = node.request("POST", "/publish?channel=c", "hello")
    assert response.status in (200, 503)
    if response.status == 200:  # it was accepted, so it must arrive
        assert client.recv(timeout=5) == "hello"


def test_clients_of_pushd_v1_are_told_of_the_gap(node, redis_server):
    client, plain = node.connect("c", subprotocols=["pushd.v1"]), node.connect("c")
    redis_server.kill()
    node.wait_for_status("degraded")
    redis_server.start()
    node.wait_for_status("ok")
    gap = json.loads(client.recv(timeout=5))
    assert gap.pop("seconds") > 0
    assert gap == {"event": "gap", "channel": "c"}
    assert_delivery(node, redis_server, [plain], "after")
    while (received := json.loads(client.recv(timeout=5)))["data"] == "try":
        pass
    assert received == {"channel": "c", "data": "after"}


def test_a_publish_waits_for_a_redis_that_is_back_soon(node, redis_server):
    client = node.connect("c")
    redis_server.kill()
    wait_until(lambda: re.search("redis disconnected reason=.* retry=within", node.log()), "the loss")
    publisher = threading.Thread(target=lambda: answers.append(node.request("POST", "/publish?channel=c", "patient")))
    answers = []
    publisher.start()
    redis_server.start()
    publisher.join()
    assert answers[0].status == 200
    # Redis may have accepted it before the subscription was back; then the client has got a gap notice instead.
    assert client.ping().wait(5)


def test_a_publish_is_answered_503_once_redis_is_away_for_long(node, redis_server):
    redis_server.kill()
    node.wait_for_status("degraded")
    began = time.monotonic()
    assert node.request("POST", "/publish?channel=c", "hello").status == 503
    assert time.monotonic() - began < 5
    response = node.request("POST", "/publish?channel=c", "hello")
    assert response.status == 503
    assert response.headers["retry-after"]


def test_readiness_may_need_redis(start, stopped_redis):
    pushd = start("--redis", stopped_redis.url, "--ready-needs-redis")
    assert pushd.get("/health/ready").status == 503
    stopped_redis.start()
    wait_until(lambda: pushd.get("/health/ready").status == 200, "readiness")
    assert pushd.get("/health/live").status == 200


def test_a_wrong_password_is_told_and_put_right_without_a_restart(start, tmp_path, stopped_redis):
    file = tmp_path / "password"
    file.write_text("wrong")
    stopped_redis.password, stopped_redis.options = "right", ("--requirepass", "right")
    stopped_redis.start()
    pushd = start("--redis", stopped_redis.url, "--redis-password-file", str(file))
    wait_until(lambda: "WRONGPASS" in pushd.health()["redis"].get("reason", ""), "the reason")
    assert pushd.log().count("WRONGPASS") == 1
    file.write_text("right\n")
    pushd.wait_for_status("ok")


def test_a_link_that_redis_cuts_at_its_output_buffer_limit_is_named_and_counted(start, tmp_path):
    server = RedisServer(tmp_path, "--client-output-buffer-limit", "pubsub 65536 0 0").start()
    try:
        node = start("--redis", server.url).wait_for_status("ok")
        client, _ = node.connect("c"), node.connect("flood")
        assert_delivery(node, server, [client], "before")
        node.signal(signal.SIGSTOP)
        try:
            wait_until(lambda: server.publish("push:flood", b"x" * 20_000) == 0, "the cut", seconds=30, pause=0)
        finally:
            node.signal(signal.SIGCONT)
        wait_until(lambda: "output buffer limit" in node.log(), "the reason in the log")
        node.wait_for_status("ok")
        assert node.fresh_metrics().sum("pushd_redis_overruns_total") == 1
        wait_until(lambda: server.publish("push:c", "after") == 1, "pushd's subscription in Redis")
        while client.recv(timeout=5) != "after":
            pass
    finally:
        server.kill()


def test_a_stop_does_not_wait_for_redis(node, redis_server):
    redis_server.freeze()
    try:
        node.signal()
        assert node.wait(5) == 0
    finally:
        redis_server.thaw()
