"""Slow clients: what they lose, the notices they get, and that no other client is affected."""

import json
import socket
import time

import pytest
from support import wait_until
from support.raw import CLOSE, TEXT, encode_frame, handshake

LIMIT = 65_536
SIZE = 4096
# A publish is counted by the end of the turn that answers it, on the loop that handled it.
ONE_LOOP = ("--workers", "1", "--pacing", "latency")  # after the answer, the message has been written or dropped
PLENTY = 4000  # messages: far more than the kernel and an outbox of LIMIT hold


def stalled(pushd, channels="channel=c", protocol=None):
    """A client that has joined and reads nothing."""
    return pushd.raw(receive_buffer=4096).upgrade(f"/ws?{channels}", Sec_WebSocket_Protocol=protocol)


def payload(number, size=SIZE):
    return f"{number:08d}".ljust(size, ".")


def publish_many(pushd, count, channel="c", key=None):
    """Sends all requests over one connection before it reads the answers."""
    path = f"/publish?channel={channel}" + (f"&key={key}" if key else "")
    connection = socket.create_connection(pushd.address)
    stream = connection.makefile("rb")
    for start in range(0, count, 100):
        numbers = range(start, min(start + 100, count))
        connection.sendall(
            b"".join(
                f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {SIZE}\r\n\r\n{payload(number)}".encode()
                for number in numbers
            )
        )
        for _ in numbers:
            status = stream.readline()
            assert b" 200 " in status, status
            length = 0
            while (line := stream.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            stream.read(length)
    connection.close()


def dropped(pushd, policy):
    return int(pushd.fresh_metrics().sum("pushd_dropped_total", policy=policy))


@pytest.mark.parametrize("policy", ["drop-oldest", "drop-newest", "conflate"])
def test_what_is_dropped_is_counted_to_the_message(start, policy):
    pushd = start(*ONE_LOOP, "--slow-consumer", policy, "--outbox-limit", str(LIMIT))
    fast, slow = pushd.connect("c"), stalled(pushd)
    fast_numbers = []
    for _ in range(PLENTY // 10):
        publish_many(pushd, 10)
        fast_numbers += [int(fast.recv(timeout=10)[:8]) for _ in range(10)]
    assert fast_numbers == list(range(10)) * (PLENTY // 10), "the healthy one gets everything"
    metrics = pushd.fresh_metrics()
    assert metrics.sum("pushd_connections") == 2, "nobody is closed"
    assert metrics.sum("pushd_outbox_bytes") <= LIMIT + SIZE
    lost = int(metrics.sum("pushd_dropped_total", policy=policy))
    received = 0
    while received < PLENTY - lost:
        assert len(slow.read_frame().payload) == SIZE
        received += 1
    wait_until(lambda: pushd.metrics().sum("pushd_deliveries_total") == 2 * PLENTY - lost, "the counters to add up")
    assert lost > 0 and dropped(pushd, policy) == lost
    assert pushd.publish("c", "the end") == 2
    assert slow.read_frame().payload == b"the end"


@pytest.mark.parametrize(("policy", "last_is_kept"), [("drop-oldest", True), ("drop-newest", False), ("conflate", True)])
def test_which_messages_are_kept(start, policy, last_is_kept):
    pushd = start(*ONE_LOOP, "--slow-consumer", policy, "--outbox-limit", str(LIMIT))
    slow = stalled(pushd)
    publish_many(pushd, PLENTY)
    lost = dropped(pushd, policy)
    numbers = [int(slow.read_frame().payload[:8]) for _ in range(PLENTY - lost)]
    assert numbers == sorted(numbers), "what is kept is in order"
    assert numbers[:10] == list(range(10)), "what the kernel had is not taken back"
    assert (numbers[-1] == PLENTY - 1) == last_is_kept
    gaps = sum(1 for left, right in zip(numbers, numbers[1:]) if right != left + 1)
    assert gaps == (1 if last_is_kept else 0)
    if policy == "conflate":
        assert numbers[-2] < PLENTY - 10, "only the newest of what waited"


@pytest.mark.parametrize("policy", ["drop-oldest", "drop-newest", "conflate"])
def test_a_client_that_speaks_the_protocol_is_told(start, policy):
    pushd = start(*ONE_LOOP, "--slow-consumer", policy, "--outbox-limit", str(LIMIT))
    slow = stalled(pushd, protocol="pushd.v1")
    publish_many(pushd, PLENTY)
    received, missed = 0, 0
    while received + missed < PLENTY:
        message = json.loads(slow.read_frame().payload)
        if message.get("event") == "missed":
            assert message == {"event": "missed", "channel": "c", "count": message["count"]}
            missed += message["count"]
        else:
            received += 1
    assert received + missed == PLENTY and missed == dropped(pushd, policy)


def test_policies_by_pattern(start):
    pushd = start(
        "--slow-consumer", "ticker.*=conflate", "--slow-consumer", "drop-newest", "--slow-consumer", "chat=disconnect",
        "--outbox-limit", str(LIMIT),
    )
    ticker, other, chat = (stalled(pushd, f"channel={name}") for name in ("ticker.eur", "other", "chat"))
    for channel in ("ticker.eur", "other"):
        publish_many(pushd, PLENTY, channel)
    metrics = pushd.fresh_metrics()
    assert all(metrics.sum("pushd_dropped_total", policy=policy) > 0 for policy in ("conflate", "drop-newest"))
    assert metrics.sum("pushd_connections") == 3
    publish_many(pushd, PLENTY, "chat")
    wait_until(lambda: dropped(pushd, "disconnect") > 0, "the policy of chat")
    while (frame := chat.read_frame()).opcode == TEXT:
        pass
    assert frame.opcode == CLOSE and int.from_bytes(frame.payload[:2], "big") == 1013
    assert pushd.get("/health").status == 200
    del ticker, other


@pytest.mark.parametrize("broker", ["embedded", "redis"])
def test_conflation_keeps_the_newest_of_each_key(start, redis_server, broker):
    options = ("--redis", redis_server.url) if broker == "redis" else ()
    pushd = start("--slow-consumer", "conflate", "--outbox-limit", str(LIMIT), *options).wait_for_status("ok")
    slow = stalled(pushd)
    publish_many(pushd, PLENTY)  # fills the kernel
    for number in range(50):
        for key in ("a", "b", "c"):
            assert pushd.request("POST", f"/publish?channel=c&key={key}", f"{key}{number}").status == 200
    received = []
    while not received or received[-1] != b"c49":
        received.append(slow.read_frame().payload)
    assert received[-3:] == [b"a49", b"b49", b"c49"]
    # Only these of the 150 were waiting; the kernel may have had room for some of the first.
    assert sum(len(payload) != SIZE for payload in received) < 30


@pytest.mark.parametrize("query", ["key=", "key=a&key=b", "key=%00", "key=" + "k" * 256])
def test_keys_that_are_none(pushd, query):
    assert pushd.request("POST", f"/publish?channel=c&{query}", "x").status == 400


def test_a_client_that_takes_nothing_is_closed_though_it_is_alive(start):
    pushd = start("--slow-consumer", "drop-oldest", "--stall-timeout", "1", "--outbox-limit", str(LIMIT))
    slow, slow_reader = stalled(pushd), stalled(pushd)
    publish_many(pushd, PLENTY)
    deadline = time.monotonic() + 10
    while pushd.metrics().sum("pushd_connections_closed_total", reason="stalled") == 0:
        assert time.monotonic() < deadline
        slow.send(encode_frame(TEXT, b'{"action":"ping"}'))  # it sends all the time
        publish_many(pushd, 10)
        slow_reader.take(20_000)  # this one reads something, if not everything
    metrics = pushd.fresh_metrics()
    assert metrics.sum("pushd_connections_closed_total", reason="stalled") == 1
    assert metrics.sum("pushd_connections") == 1


def test_publishers_feel_that_the_server_is_over_its_budget(start):
    pushd = start(*ONE_LOOP, "--outbox-budget", "1000000", "--outbox-limit", "100000000")
    clients = [stalled(pushd) for _ in range(4)]
    connection, status = pushd.http(), 200
    for number in range(PLENTY):
        connection.request("POST", "/publish?channel=c", payload(number))
        response = connection.getresponse()
        body, status = response.read(), response.status
        if status != 200:
            break
    assert status == 503 and response.getheader("Retry-After") == "1" and b"budget" in body
    assert dropped(pushd, "over_budget") > 0
    assert "over budget" in pushd.log()
    wait_until(lambda: pushd.request("POST", "/publish?channel=d", "x").status == 200, "the budget to hold again")
    connection.close()
    del clients


def test_two_large_messages_at_once_are_no_reason_to_close_a_client(pushd):
    client = stalled(pushd)
    messages = [letter * 700_000 for letter in ("a", "b", "c")]
    for message in messages:
        assert pushd.publish("c", message) == 1
    for message in messages:
        assert client.read_frame().payload == message.encode()
    assert pushd.fresh_metrics().sum("pushd_dropped_total") == 0


def test_a_limit_for_less_than_two_messages_is_warned_about(start):
    pushd = start("--outbox-limit", "65536")
    (line,) = [line for line in pushd.log().splitlines() if "--outbox-limit" in line]
    assert " warning " in line and "(65536)" in line and "--max-publish (1048576)" in line


# Limits on what one client sends


def test_a_client_that_sends_too_fast_is_closed(start):
    pushd = start("--max-message-rate", "100")
    client, other = pushd.raw().upgrade(), pushd.connect("c")
    client.send(encode_frame(TEXT, b'{"action":"ping"}') * 1000)
    replies = 0
    while (frame := client.read_frame()).opcode == TEXT:
        replies += 1
    assert replies == 100
    assert frame.opcode == CLOSE and int.from_bytes(frame.payload[:2], "big") == 4429
    wait_until(
        lambda: pushd.metrics().sum("pushd_connections_closed_total", reason="too_many_messages") == 1, "the count"
    )
    other.send('{"action":"ping"}')
    assert json.loads(other.recv(timeout=5)) == {"action": "pong"}


def test_or_told(start):
    pushd = start("--max-message-rate", "10:error")
    client = pushd.raw().upgrade()
    client.send(encode_frame(TEXT, b'{"action":"ping"}') * 30)
    replies = [json.loads(client.read_frame().payload) for _ in range(30)]
    assert replies[:10] == [{"action": "pong"}] * 10
    assert all("--max-message-rate" in reply["error"] for reply in replies[-10:])
    assert pushd.fresh_metrics().sum("pushd_messages_over_rate_total") >= 10
    time.sleep(1.3)  # the limit is per second
    client.send_frame(TEXT, b'{"action":"ping"}')
    assert client.read_json() == {"action": "pong"}


# Limits on connecting


def answer(pushd, target="/ws"):
    """The response to a handshake; the connection stays open until the end of the test."""
    return pushd.raw().ask(handshake(target))


@pytest.mark.parametrize("option", ["--max-connect-rate", "--max-connect-rate-per-address"])
def test_connecting_too_fast_is_refused_for_a_while(start, option):
    pushd = start(option, "5")
    statuses = [answer(pushd).status for _ in range(20)]
    assert 5 <= statuses.count(101) <= 10 and statuses.count(503) == 20 - statuses.count(101)
    wait_until(lambda: answer(pushd).status == 101, "the next second")


@pytest.mark.parametrize(
    ("option", "path"), [("--max-connections-per-address", "/ws"), ("--max-connections-per-user", "/ws?user_id=u")]
)
def test_connections_per_address_and_user(start, option, path):
    pushd = start(option, "2")
    first, _ = pushd.raw().upgrade(path), pushd.raw().upgrade(path)
    response = answer(pushd, path)
    assert response.status == 503 and response.headers["retry-after"] == "1" and option.encode() in response.body
    if option.endswith("user"):
        assert answer(pushd, "/ws?user_id=v").status == 101
    first.close()
    wait_until(lambda: answer(pushd, path).status == 101, "the place to be free again")


@pytest.mark.parametrize(
    "limit",
    ["max-connections", "max-connect-rate", "max-connect-rate-per-address", "max-connections-per-address",
     "max-connections-per-user"],
)
@pytest.mark.parametrize("dry", ["", ":dry"])
def test_a_dry_limit_is_counted_and_lets_everybody_in(start, limit, dry):
    pushd = start(f"--{limit}", f"1{dry}")
    statuses = [answer(pushd, "/ws?user_id=u").status for _ in range(20)]
    metrics = pushd.fresh_metrics()
    hits = metrics.sum("pushd_limit_hits_total", limit=limit, enforced="false" if dry else "true")
    if dry:
        assert statuses == [101] * 20
        assert hits > 0 and pushd.get("/health/ready").status == 200
    else:
        assert hits == statuses.count(503) > 0
    assert metrics.sum("pushd_limit_hits_total") == hits, "no other limit"


@pytest.mark.parametrize("dry", ["", ":dry"])
def test_dry_limits_of_one_client(start, dry):
    pushd = start("--max-channels", f"1{dry}", "--max-message-rate", f"10:error{dry}")
    assert answer(pushd, "/ws?channel=a&channel=b").status == (101 if dry else 400)
    client = pushd.raw().upgrade("/ws?channel=a")
    client.send(encode_frame(TEXT, b'{"action":"subscribe","channel":"b"}') * 2)
    for reply in (client.read_json() for _ in range(2)):
        assert ("error" in reply) == (not dry), reply
    client.send(encode_frame(TEXT, b'{"action":"ping"}') * 100)
    replies = [client.read_json() for _ in range(100)]
    assert (replies == [{"action": "pong"}] * 100) == bool(dry)
    metrics = pushd.fresh_metrics()
    for limit in ("max-channels", "max-message-rate"):
        assert metrics.sum("pushd_limit_hits_total", limit=limit, enforced="false" if dry else "true") > 1
    assert (metrics.sum("pushd_messages_over_rate_total") == 0) == bool(dry)
