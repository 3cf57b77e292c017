"""GET /sse: messages as server-sent events, read by real clients."""

import json
import re
import selectors
import subprocess
import time

import httpx
import httpx_sse
import pytest
import sseclient
from support import free_port, wait_until
from support.backend import allow, deny
from support.certificates import Authority
from support.raw import TEXT, RawClient, decode_frames
from support.sse import Event, EventClient, curl_events
from support.tls import TLSClient, trusting
from support.tokens import Key

PAYLOADS = [
    "hello", "", " leading and trailing ", "two\nlines", "\n", "a\n\nb\n", "event: x\nid: 1\nretry: 5\n\n", ":", "é 😀",
    '{"a": 1}', "\u0000\u0001", "\ufeffBOM", "x" * 200_000,
]


def stream(pushd, target="/sse?channel=c", **options):
    return EventClient(pushd.raw(), target, **options).opened()


# Clients from elsewhere


def by_httpx(pushd, target):
    with httpx.Client(trust_env=False) as client:
        with httpx_sse.connect_sse(client, "GET", f"http://127.0.0.1:{pushd.port}{target}") as source:
            yield None
            for event in source.iter_sse():
                yield event.data


def by_sseclient(pushd, target):
    with httpx.stream("GET", f"http://127.0.0.1:{pushd.port}{target}", trust_env=False, timeout=10) as response:
        yield None
        for event in sseclient.SSEClient(response.iter_bytes()).events():
            yield event.data


def by_curl(pushd, target):
    return curl_events(f"http://127.0.0.1:{pushd.port}{target}")


@pytest.mark.parametrize("client", [by_httpx, by_sseclient, by_curl])
def test_real_clients_get_the_same_text(pushd, client):
    events = client(pushd, "/sse?channel=c")
    next(events)
    wait_until(lambda: pushd.health()["subscriptions"] == 1, "a subscription")
    # Not all of them return events without text, or with control characters, as the standard says.
    payloads = [payload for payload in PAYLOADS if payload.strip("\n") and payload.isprintable() or "lines" in payload]
    for payload in payloads:
        assert pushd.publish("c", payload) == 1
        assert next(events) == payload
    events.close()
    wait_until(lambda: pushd.health()["connections"] == 0, "its end")


def test_every_text_comes_back_as_it_was(pushd):
    client = stream(pushd)
    for payload in PAYLOADS:
        pushd.publish("c", payload)
        assert client.read() == Event(data=payload)


def test_carriage_returns_become_line_feeds(pushd):
    client = stream(pushd)
    pushd.publish("c", "a\rb\r\nc\r")
    assert client.read() == Event(data="a\nb\nc\n")


def test_envelopes(pushd):
    one, two = stream(pushd, "/sse?channel=a&envelope=1"), stream(pushd, "/sse?channel=a&channel=b")
    plain = stream(pushd, "/sse?channel=a")
    pushd.publish("a", '{"n": [1,\n2]}')
    assert one.read_json() == two.read_json() == {"channel": "a", "data": {"n": [1, 2]}}
    assert plain.read().data == '{"n": [1,\n2]}'
    pushd.publish("b", "text\r")
    assert two.read_json() == {"channel": "b", "data": "text\r"}
    pushd.publish("a", b"\xff")
    assert plain.read_json() == one.read_json() == {"channel": "a", "data_base64": "/w=="}


def test_the_default_channel_and_an_old_client(pushd):
    client = stream(pushd, "/sse", version="1.0")
    assert client.response.headers["connection"] == "close"
    pushd.publish("default", "hello")
    assert client.read().data == "hello"


# A browser


SCRIPT = """
    window.got = []; window.types = []; window.opens = 0;
    window.source = new EventSource(%s);
    source.onopen = () => opens++;
    source.onmessage = event => got.push(event.data);
    source.addEventListener('close', event => types.push(JSON.parse(event.data).code));
"""


def listen(browser, page_address, url):
    page = browser.open(f"http://{page_address}/health")
    page.wait_for("document.readyState === 'complete' && location.origin !== 'null'")
    page.evaluate(SCRIPT % json.dumps(url))
    return page


def test_an_event_source_in_chromium(browser, pushd):
    page = listen(browser, f"127.0.0.1:{pushd.port}", "/sse?channel=c")
    page.wait_for("opens === 1")
    payloads = [*PAYLOADS, "a\rb"]
    for payload in payloads:
        assert pushd.publish("c", payload) == 1
    page.wait_for(f"got.length === {len(payloads)}")
    assert page.evaluate("got") == [*PAYLOADS, "a\nb"]


def test_an_event_source_comes_back_after_a_restart(browser, start, tmp_path):
    port = free_port()
    first = start("--listen", f"127.0.0.1:{port}")
    page = listen(browser, f"127.0.0.1:{port}", "/sse?channel=c")
    page.wait_for("opens === 1")
    first.stop()
    page.wait_for("types.length === 1")
    assert page.evaluate("types") == [1001]
    second = start("--listen", f"127.0.0.1:{port}")
    page.wait_for("opens === 2")
    assert second.publish("c", "back") == 1
    page.wait_for("got.includes('back')")


def test_pages_of_other_origins(browser, start):
    elsewhere = start()
    origin = f"http://127.0.0.1:{elsewhere.port}"
    closed, open_to_all, listed = start(), start("--allow-origin", "*"), start("--allow-origin", origin)
    for pushd, is_admitted in ((closed, False), (open_to_all, True), (listed, True)):
        page = listen(browser, f"127.0.0.1:{elsewhere.port}", f"http://127.0.0.1:{pushd.port}/sse?channel=c")
        if is_admitted:
            page.wait_for("opens === 1")
            pushd.publish("c", "hello")
            page.wait_for("got.includes('hello')")
        else:
            page.wait_for("source.readyState === EventSource.CLOSED")  # it does not try again
            assert pushd.fresh_metrics().sum("pushd_handshakes_total", status="403") == 1
    response = stream(listed, Origin=origin).response
    assert response.headers["access-control-allow-origin"] == origin and response.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in response.headers


# Who may open one


def answer(pushd, target, **headers):
    return EventClient(pushd.raw(), target, **headers).response


def test_rules_and_tokens(start, tmp_path):
    key = Key(tmp_path, "HS256")
    granted = {"pushd": {"subscribe": ["private.*"]}}
    pushd = start(
        *key.options, "--token-cookie", "session", "--allow-origin", "https://app.example",
        "--channel", "private.*: subscribe=token", "--channel", "closed: subscribe=nobody",
    )
    assert answer(pushd, "/sse?channel=closed").status == 403
    assert answer(pushd, "/sse?channel=private.a").status == 401
    assert answer(pushd, "/sse?channel=private.a&token=x").status == 401
    assert answer(pushd, f"/sse?channel=private.a&token={key.token()}").status == 403
    assert answer(pushd, f"/sse?channel=public&token={key.token()}&user_id=another").status == 400
    token = key.token(**granted)
    carriers = [
        (f"/sse?channel=private.a&token={token}", {}),
        ("/sse?channel=private.a", {"Authorization": f"Bearer {token}"}),
        ("/sse?channel=private.a", {"Cookie": f"a=b; session={token}"}),
    ]
    for number, (target, headers) in enumerate(carriers):
        client = stream(pushd, target, Origin="https://app.example", **headers)
        assert client.response.headers["access-control-allow-credentials"] == "true"
        assert pushd.publish("private.a", "secret") == number + 1
        assert client.read().data == "secret"
    # Channels of the token are joined at once, so the envelope has to name them.
    client = stream(pushd, f"/sse?channel=a&token={key.token(channels=['b'])}")
    pushd.publish("b", "1")
    assert client.read_json() == {"channel": "b", "data": 1}
    assert "token=" not in pushd.log()


def test_the_end_of_a_token_ends_the_stream(start, tmp_path):
    key = Key(tmp_path, "HS256")
    pushd = start(*key.options)
    token = key.token(exp=int(time.time()) + 2)
    client = stream(pushd, f"/sse?channel=c&token={token}")
    kind, data = client.read()
    assert kind == "expiring" and json.loads(data)["in_s"] <= 2
    assert client.read() == Event("close", '{"event":"close","code":4401,"reason":"token expired"}')
    assert client.read() is None
    assert answer(pushd, f"/sse?channel=c&token={token}").status == 401
    wait_until(lambda: pushd.metrics().sum("pushd_connections_closed_total", reason="token_expired") == 1, "the count")


def test_the_backend_is_asked(start, backend):
    backend.decide = lambda question: (
        allow(user="ann", channels=["news"]) if question["question"] == "connect" else deny("not this one")
    )
    pushd = start(
        "--hook-connect", f"{backend.url}/connect", "--hook-subscribe", f"{backend.url}/subscribe",
        "--channel", "asked.*: subscribe=ask",
    )
    client = stream(pushd, "/sse?channel=a")
    assert [question["channels"] for question in backend.questions] == [["a"]]
    pushd.publish("news", "x")
    assert client.read_json() == {"channel": "news", "data": "x"}
    refused = answer(pushd, "/sse?channel=asked.1")
    assert refused.status == 403 and b"not this one" in refused.body
    (entry,) = json.loads(pushd.get("/v1/connections?user=ann").body)["connections"]
    assert entry["protocol"] == "sse" and entry["subscriptions"] == 2


def test_limits_of_clients_hold_for_streams_too(start):
    pushd = start("--max-connections", "3", "--max-connections-per-user", "1")
    first = stream(pushd, "/sse?channel=c&user_id=ann")
    assert answer(pushd, "/sse?user_id=ann").status == 503
    stream(pushd)
    pushd.connect("c")
    assert answer(pushd, "/sse").status == 503
    assert pushd.get("/health/ready").status == 503
    first.close()
    wait_until(lambda: pushd.health()["connections"] == 2, "a free place")
    stream(pushd, "/sse?channel=c&user_id=ann")


# Where it is served


def test_over_tls(start, tmp_path, tls_records):
    authority = Authority(tmp_path)
    pair = authority.sign("localhost")
    pushd = start(
        "--listen", "127.0.0.1:0", "--listen", "tls:127.0.0.1:0", "--tls-cert", str(pair.certificate),
        "--tls-key", str(pair.key), "--tls-records", tls_records,
    )
    port = int(re.search(r"listening on 127\.0\.0\.1:(\d+) with TLS", pushd.log())[1])
    secure = TLSClient(("127.0.0.1", port), trusting(authority)).shake_hands()
    client = EventClient(secure).opened()
    for payload in PAYLOADS:
        pushd.publish("c", payload)
        assert client.read().data == payload
    pushd.signal()
    assert client.read().type == "close" and client.read() is None
    assert secure.end == "close_notify"
    secure.close()


def test_on_a_unix_socket(start, tmp_path):
    path = tmp_path / "pushd.sock"
    pushd = start("--listen", f"unix:{path}")
    command = ["curl", "-sN", "--unix-socket", path, "http://localhost/sse?channel=c"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as curl:
        assert curl.stdout.readline().startswith(b"retry: ")
        wait_until(lambda: pushd.health()["subscriptions"] == 1, "a subscription")
        assert pushd.publish("c", "hello") == 1
        assert [curl.stdout.readline() for _ in range(2)] == [b"data: hello\n", b"\n"]
        curl.kill()


def test_below_a_prefix(start):
    pushd = start("--path-prefix", "/push")
    client = stream(pushd, "/push/sse?channel=c")
    pushd.publish("c", "hello")
    assert client.read().data == "hello"


def test_on_the_admin_address_there_is_none(start):
    pushd = start("--admin", "127.0.0.1:0")
    port = int(re.search(r"listening on 127\.0\.0\.1:(\d+) for admin requests", pushd.log())[1])
    with RawClient(("127.0.0.1", port)) as client:
        assert EventClient(client).response.status == 404


# What happens to a stream


def test_comments_keep_an_idle_stream_alive(start):
    client = stream(start("--ping-interval", "1"))
    assert re.fullmatch(r"retry: \d+", client.read_line())
    began = time.monotonic()
    assert [client.read_line() for _ in range(3)] == [":"] * 3
    assert time.monotonic() - began < 10


def test_a_drain_says_when_to_come_back(start):
    pushd = start("--drain", "1")
    clients = [stream(pushd) for _ in range(20)]
    before = []
    for client in clients:
        before.append(int(client.read_line().removeprefix("retry: ")))
    assert len(set(before)) > 10 and all(1000 <= retry <= 3000 for retry in before)
    pushd.signal()
    for client in clients:
        assert client.read() == Event("close", '{"event":"close","code":1001,"reason":"server is going away"}')
        assert client.read() is None
    assert len({client.retry for client in clients}) > 10
    assert pushd.wait() == 0


LIMIT, SIZE, PLENTY = 65_536, 4096, 4000


def stalled(pushd):
    return EventClient(pushd.raw(receive_buffer=4096)).opened()


def publish_many(pushd, count):
    with RawClient(pushd.address) as publisher:
        head = f"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nContent-Length: {SIZE}\r\n\r\n"
        for first in range(0, count, 50):
            numbers = range(first, min(first + 50, count))
            publisher.send("".join(head + f"{number:08d}".ljust(SIZE, ".") for number in numbers).encode())
            for _ in numbers:
                assert publisher.read_response().status == 200


def test_a_slow_reader_is_ended_and_told_why(start):
    pushd = start("--outbox-limit", str(LIMIT))
    slow, fast = stalled(pushd), pushd.connect("c")
    for number in range(100):
        publish_many(pushd, 10)
        assert [int(fast.recv(timeout=10)[:8]) for _ in range(10)] == list(range(10)), "others lose nothing"
    metrics = pushd.fresh_metrics()
    assert metrics.sum("pushd_outbox_bytes") <= 2 * (LIMIT + SIZE)
    wait_until(lambda: pushd.metrics().sum("pushd_dropped_total", policy="disconnect") > 0, "a drop")
    events = slow.read_all()
    assert events.pop() == Event("close", '{"event":"close","code":1013,"reason":"too slow"}')
    assert [int(event.data[:8]) for event in events] == [number % 10 for number in range(len(events))]
    assert len(events) < 1000
    wait_until(lambda: pushd.metrics().sum("pushd_connections_closed_total", reason="slow_consumer") == 1, "the count")


@pytest.mark.parametrize("policy", ["drop-oldest", "drop-newest", "conflate"])
def test_what_a_slow_reader_misses_is_told(start, policy):
    pushd = start("--workers", "1", "--slow-consumer", policy, "--outbox-limit", str(LIMIT))
    slow = stalled(pushd)
    publish_many(pushd, PLENTY)
    assert pushd.fresh_metrics().sum("pushd_outbox_bytes") <= LIMIT + SIZE
    received, missed = 0, 0
    while received + missed < PLENTY:
        event = slow.read()
        if event.type == "missed":
            missed += json.loads(event.data)["count"]
        else:
            received += 1
    assert received + missed == PLENTY and missed > 0
    assert missed == pushd.fresh_metrics().sum("pushd_dropped_total", policy=policy)


def test_a_reader_that_takes_nothing_is_closed(start):
    pushd = start("--slow-consumer", "drop-oldest", "--stall-timeout", "1", "--outbox-limit", str(LIMIT))
    stalled(pushd)
    publish_many(pushd, 1000)
    wait_until(lambda: pushd.metrics().sum("pushd_connections") == 0, "the end of the stalled one")


def test_lists_name_the_protocol(pushd):
    stream(pushd, "/sse?channel=a&channel=b&user_id=ann")
    pushd.connect("a", user="bob")
    (entry,) = json.loads(pushd.get("/v1/connections?user=ann").body)["connections"]
    assert (entry["protocol"], entry["subscriptions"]) == ("sse", 2)
    assert len(json.loads(pushd.get("/v1/connections?channel=a").body)["connections"]) == 2
    described = json.loads(pushd.get(f"/v1/connections/{entry['connection']}").body)
    assert described["channels"] == ["a", "b"]
    metrics = pushd.fresh_metrics()
    assert metrics.sum("pushd_connections") == 2 and metrics.sum("pushd_event_streams") == 1


# Many


def test_thousands_of_streams_and_websockets_on_one_channel(start):
    """Each gets each message once and in order, whatever it speaks."""
    pushd = start("--workers", "2")
    count, messages = 1000, [f'{{"n":{number}}}' for number in range(40)]
    streams = [EventClient(pushd.raw(), f"/sse?channel=c&envelope={number % 2}").opened() for number in range(count)]
    sockets = [pushd.raw().upgrade("/ws?channel=c") for _ in range(count)]
    wait_until(lambda: pushd.health()["subscriptions"] == 2 * count, "all subscriptions")
    for message in messages:
        assert pushd.publish("c", message) == 2 * count
    ends = {0: messages[-1], 1: f'{{"channel":"c","data":{messages[-1]}}}'}
    with selectors.DefaultSelector() as selector:
        for number, client in enumerate([stream.client for stream in streams] + sockets):
            end = messages[-1] if number >= count else f"data: {ends[number % 2]}\n\n"
            client.socket.setblocking(False)
            selector.register(client.socket, selectors.EVENT_READ, (client, end.encode()))
        deadline, waiting = time.monotonic() + 60, 2 * count
        while waiting:
            assert time.monotonic() < deadline, f"{waiting} still wait"
            for key, _ in selector.select(timeout=1):
                client, end = key.data
                assert client.receive_more()
                if client.received.endswith(end):
                    selector.unregister(client.socket)
                    waiting -= 1
    for client in sockets:
        frames, _ = decode_frames(client.received)
        assert [frame.payload.decode() for frame in frames if frame.opcode == TEXT] == messages
    for number, client in enumerate(streams):
        data = [client.read().data for _ in messages]
        assert data == [f'{{"channel":"c","data":{message}}}' if number % 2 else message for message in messages]
    metrics = pushd.fresh_metrics()
    assert metrics.sum("pushd_deliveries_total") == 2 * count * len(messages)
    assert metrics.sum("pushd_event_streams") == count


def test_with_redis(node, redis_server):
    client = stream(node)
    subprocess.run(["redis-cli", "-p", str(redis_server.port), "PUBLISH", "push:c", "hello"], check=True, timeout=10)
    assert client.read().data == "hello"
