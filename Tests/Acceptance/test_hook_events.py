"""--hook-events: a backend is told what happens."""

import json
import signal
import time
from urllib.parse import quote

import pytest
from support import wait_until
from support.backend import SECRET, Backend, is_signed
from support.certificates import Authority
from support.pushd import run_pushd
from support.redis_cluster import RedisCluster
from support.raw import handshake


@pytest.fixture
def telling(start, backend):
    """Starts a server that tells the backend, with a short grace time."""
    return lambda *options: start("--hook-events", f"{backend.url}/events", "--hook-grace", "200ms", *options)


def wait_for(backend, *kinds, seconds=10):
    """Waits until the backend has been told this and no more, and returns the events."""
    wait_until(lambda: len(backend.kinds()) >= len(kinds), f"{kinds}, got {backend.kinds()}", seconds)
    assert backend.kinds() == list(kinds)
    return backend.events


def about(event, *names):
    return tuple(event.get(name) for name in names)


@pytest.mark.parametrize("workers", ["1", "3"])
def test_the_life_of_a_client(telling, backend, workers):
    pushd = telling("--workers", workers)
    before = time.time() * 1000
    client = pushd.connect("a", user="ann")
    wait_until(lambda: len(backend.events) == 3, "three events")
    client.close()
    wait_until(lambda: len(backend.events) == 6, "six events")
    events = {event["event"]: event for event in backend.events}
    assert set(events) == {"connected", "disconnected", "occupied", "vacated", "joined", "left"}
    assert about(events["connected"], "user", "address") == ("ann", "127.0.0.1")
    assert about(events["disconnected"], "user", "reason") == ("ann", "client")
    assert events["connected"]["connection"] == events["disconnected"]["connection"]
    for kind in ("joined", "left"):
        assert about(events[kind], "channel", "user") == ("a", "ann")
    for kind in ("occupied", "vacated"):
        assert about(events[kind], "channel", "user") == ("a", None)
    numbers = []
    for event in backend.events:
        node, number = event["id"].split("-")
        assert event["node"] == node and event["connection" if "connection" in event else "id"].startswith(node)
        assert before - 1000 <= event["time_ms"] <= time.time() * 1000 + 1000
        numbers.append(int(number))
    assert numbers == sorted(set(numbers))


def test_the_order_within_a_node(telling, backend):
    pushd = telling("--workers", "1")
    client = pushd.connect("a", "b", user="ann")
    wait_for(backend, "connected", "occupied", "joined", "occupied", "joined")
    client.send(json.dumps({"action": "unsubscribe", "channel": "a"}))
    wait_until(lambda: len(backend.events) == 7, "the end of a")
    assert sorted(about(event, "event", "channel") for event in backend.events[5:]) == [("left", "a"), ("vacated", "a")]


def test_first_and_last_of_several(telling, backend):
    """Occupied and joined with the first connection, vacated and left after the last."""
    pushd = telling("--hook-event", "occupied", "--hook-event", "vacated", "--hook-event", "joined", "--hook-event", "left")
    first, second = pushd.connect("a", user="ann"), pushd.connect("a", user="ann")
    other, anonymous = pushd.connect("a", user="bob"), pushd.connect("a")
    wait_until(lambda: len(backend.events) == 3, "three events")
    told = {about(event, "event", "user") for event in backend.events}
    assert told == {("joined", "ann"), ("joined", "bob"), ("occupied", None)}
    first.close()
    other.close()
    wait_until(lambda: len(backend.events) == 4, "bob's end")
    assert about(backend.events[3], "event", "user") == ("left", "bob")
    second.close()
    wait_until(lambda: len(backend.events) == 5, "ann's end")
    assert about(backend.events[4], "event", "user") == ("left", "ann")
    anonymous.close()
    wait_until(lambda: len(backend.events) == 6, "the end of the channel")
    assert about(backend.events[5], "event", "channel") == ("vacated", "a")


def test_who_is_back_in_time_has_not_left(start, backend):
    pushd = start("--hook-events", f"{backend.url}/events", "--hook-grace", "60s")
    for _ in range(5):
        pushd.connect("a", user="ann").close()
    wait_until(lambda: backend.kinds().count("disconnected") == 5, "the ends")
    assert sorted(set(backend.kinds())) == ["connected", "disconnected", "joined", "occupied"]
    assert backend.kinds().count("joined") == backend.kinds().count("occupied") == 1


def test_what_clients_publish(telling, backend):
    pushd = telling("--allow-client-publish", "--hook-event", "published")
    client = pushd.connect("a", user="ann")
    for data in ({"text": "hé"}, [1], "s"):
        client.send(json.dumps({"action": "publish", "channel": "a", "data": data}))
    client.send(json.dumps({"action": "publish", "channel": "refused", "data": 1}))
    pushd.publish("a", "by the backend itself")
    events = wait_for(backend, "published", "published", "published")
    assert [about(event, "channel", "user", "data") for event in events] == [
        ("a", "ann", {"text": "hé"}), ("a", "ann", [1]), ("a", "ann", "s")
    ]


def test_batches_are_signed(telling, backend, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET)
    pushd = telling("--hook-secret-file", str(secret))
    pushd.connect("a")
    wait_until(lambda: len(backend.events) == 2, "two events")
    for body, headers in backend.requests:
        assert is_signed(body, headers["X-Pushd-Signature"])
        assert not is_signed(body + b" ", headers["X-Pushd-Signature"])
        assert headers["Content-Type"] == "application/json" and json.loads(body)


@pytest.mark.parametrize("conduct", [500, 302, 404, "reset", "away"])
def test_a_backend_that_dies_and_comes_back(telling, backend, conduct):
    """Events arrive afterwards, in order, and none twice; only if its answer is lost, a batch comes again."""
    pushd = telling("--hook-event", "connected")
    pushd.connect(user="0")
    wait_until(lambda: len(backend.events) == 1, "the first event")
    if conduct == "away":
        backend.leave()
    else:
        backend.conduct = conduct
    clients = [pushd.connect(user=str(number)) for number in range(1, 30)]
    wait_until(lambda: pushd.health()["status"] == "degraded", "degraded")
    assert pushd.health()["events"]["state"] == "down"
    if conduct == "away":
        backend.come_back()
    else:
        backend.conduct = "answer"
    wait_until(lambda: len({event["id"] for event in backend.events}) == 30, "all events", seconds=30)
    users = [event["user"] for event in backend.events]
    distinct = list(dict.fromkeys(users)) if conduct == "reset" else users
    assert distinct == [str(number) for number in range(30)] and len(clients) == 29
    pushd.wait_for_status("ok")
    assert pushd.log().count("hook down") == 1 and pushd.log().count("hook up") == 1
    wait_until(lambda: pushd.metrics().sum("pushd_events_sent_total") == 30, "the count of events that were taken")
    metrics = pushd.fresh_metrics()
    assert metrics.sum("pushd_events_dropped_total") == 0
    assert metrics.sum("pushd_events_queued") == metrics.sum("pushd_events_queued_bytes") == 0


def test_one_batch_at_a_time(telling, backend):
    backend.conduct, backend.delay = "slow", 0.3
    pushd = telling("--hook-event", "connected")
    for number in range(20):
        pushd.connect(user=str(number))
    wait_until(lambda: len(backend.events) == 20, "all events")
    assert len(backend.batches) <= 5 and len({event["id"] for event in backend.events}) == 20
    assert backend.attempts == backend.batches


def test_the_queue_is_bounded(telling, backend):
    """What has no room is dropped, counted and logged once; memory stays within bounds."""
    backend.conduct = "hang"
    pushd = telling("--allow-client-publish", "--hook-event", "published")
    client = pushd.connect("a")
    text = json.dumps({"action": "publish", "channel": "a", "data": "x" * 60_000})
    for _ in range(400):
        client.send(text)
        while json.loads(client.recv(timeout=10)) == "x" * 60_000:
            pass
    wait_until(lambda: pushd.metrics().sum("pushd_events_dropped_total") > 100, "dropped events")
    assert 15 << 20 < pushd.fresh_metrics().sum("pushd_events_queued_bytes") <= 16 << 20
    assert pushd.log().count("events dropped") == 1
    assert pushd.resident_bytes() < 150 << 20


def test_nobody_waits_for_the_backend(telling, backend):
    backend.conduct = "hang"
    pushd = telling()
    client = pushd.connect("a")
    assert pushd.publish("a", "hello") == 1 and client.recv(timeout=5) == "hello"


def test_a_stop_sends_what_is_left(start, backend):
    pushd = start("--hook-events", f"{backend.url}/events", "--hook-grace", "60s", "--workers", "2")
    pushd.connect("a", user="ann")
    wait_until(lambda: len(backend.events) == 3, "three events")
    pushd.clients.clear()
    pushd.signal()
    assert pushd.wait() == 0
    assert sorted(backend.kinds()[3:]) == ["disconnected", "left", "vacated"]


def test_over_https(start, tmp_path):
    authority = Authority(tmp_path)
    backend = Backend(pair=authority.sign("backend"))
    try:
        pushd = start("--hook-events", f"{backend.url}/events", "--hook-ca", str(authority.file))
        pushd.connect("a")
        wait_until(lambda: len(backend.events) == 2, "two events")
    finally:
        backend.close()


def test_names_cannot_forge_events(telling, backend):
    pushd = telling("--hook-event", "joined")
    name = '","event":"left","x":"'
    client = pushd.raw()
    client.ask(handshake(f"/ws?channel={quote(name)}&user_id={quote(name)}"))
    events = wait_for(backend, "joined")
    assert about(events[0], "channel", "user") == (name, name)


# With Redis


@pytest.fixture
def start_nodes(start, backend):
    """Starts three nodes with one Redis."""

    def one(url):
        options = ("--hook-events", f"{backend.url}/events", "--hook-grace", "500ms", "--redis", url)
        kinds = [word for kind in ("occupied", "vacated", "joined", "left") for word in ("--hook-event", kind)]
        return start(*options, *kinds).wait_for_status("ok")

    return lambda url: [one(url) for _ in range(3)]


@pytest.fixture
def cluster(start_nodes, redis_server):
    return start_nodes(redis_server.url)


def test_once_for_all_nodes(cluster, backend):
    check_that_each_event_comes_once(cluster, backend)


def test_with_a_redis_cluster(start_nodes, backend, tmp_path):
    redis = RedisCluster(tmp_path)
    try:
        nodes = start_nodes(redis.start().url)
        check_that_each_event_comes_once(nodes, backend)
    finally:
        redis.kill()


def check_that_each_event_comes_once(cluster, backend):
    clients = [node.connect("a", user="ann") for node in cluster]
    wait_until(lambda: len(backend.events) >= 2, "two events")
    clients += [node.connect("b", user="bob") for node in cluster]
    wait_until(lambda: len(backend.events) >= 4, "four events")
    for client in clients:
        client.close()
    wait_until(lambda: len(backend.events) >= 8, "eight events")
    told = [about(event, "event", "channel", "user") for event in backend.events]
    assert sorted(map(str, told)) == sorted(
        str(event)
        for channel, user in (("a", "ann"), ("b", "bob"))
        for event in [
            ("occupied", channel, None), ("joined", channel, user), ("vacated", channel, None), ("left", channel, user)
        ]
    )


def test_who_moves_to_another_node_has_not_left(cluster, backend):
    client = cluster[0].connect("a", user="ann")
    wait_until(lambda: len(backend.events) == 2, "two events")
    for number in range(1, 7):
        client.close()
        client = cluster[number % 3].connect("a", user="ann")
    client.close()
    wait_until(lambda: len(backend.events) >= 4, "the end")
    assert sorted(backend.kinds()) == ["joined", "left", "occupied", "vacated"]
    assert set(backend.kinds()[:2]) == {"joined", "occupied"}


def test_a_node_that_is_silent_is_forgotten(cluster, backend):
    """The others tell of what only it had, when its lease of 30 s is over; and it tells that it is back."""
    cluster[0].connect("only", user="ann")
    cluster[0].connect("both")
    cluster[1].connect("both")
    wait_until(lambda: len(backend.events) == 3, "three events")
    cluster[0].signal(signal.SIGSTOP)
    try:
        wait_until(lambda: len(backend.events) == 5, "the ends", seconds=60, pause=0.2)
    finally:
        cluster[0].signal(signal.SIGCONT)
    told = {about(event, "event", "channel", "user") for event in backend.events[3:]}
    assert told == {("vacated", "only", None), ("left", "only", "ann")}
    assert {event["node"] for event in backend.events[3:]} != {backend.events[0]["node"]}
    wait_until(lambda: len(backend.events) == 7, "the beginnings", seconds=20, pause=0.1)
    told = {about(event, "event", "channel", "user") for event in backend.events[5:]}
    assert told == {("occupied", "only", None), ("joined", "only", "ann")}
    orders = [event["order"] for event in backend.events if event["channel"] == "only" and "user" not in event]
    assert orders == sorted(orders)


def test_redis_goes_away(cluster, backend, redis_server):
    """What happens meanwhile is told when it is back; what is over by then is not."""
    cluster[0].connect("a")
    wait_until(lambda: backend.kinds() == ["occupied"], "occupied")
    redis_server.kill()
    wait_until(lambda: cluster[1].health()["status"] == "degraded", "degraded")
    cluster[1].connect("b")
    cluster[1].connect("c").close()
    redis_server.start()
    wait_until(lambda: "b" in [event["channel"] for event in backend.events], "b", seconds=30)


# Options


@pytest.mark.parametrize(
    "options, reason",
    [
        (["--hook-event", "joined"], "is not possible without --hook-events"),
        (["--hook-events", "http://localhost/", "--hook-event", "join"], "is not one of connected, disconnected, occupied"),
        (["--hook-events", "localhost"], "is not a URL"),
        (["--hook-grace", "2d"], "is not a time from 0 to 24h"),
    ],
)
def test_options_that_are_refused(options, reason):
    result = run_pushd(*options)
    assert result.returncode == 64 and reason in result.stderr
