"""TLS with slow, disappearing and hostile clients: the answers they get, and that a healthy client is not affected."""

import contextlib
import itertools
import os
import re
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import wait_until
from support.kernel import unread_bytes
from support.pushd import ask
from support.raw import CLOSE, PING, PONG, TEXT, RawClient, encode_frame, handshake
from support.witness import Witness
from test_http import GET_HEALTH, error_of
from test_tls import (  # noqa: F401, the fixtures among them
    COMMAND,
    LAST_REQUEST,
    VERSIONS,
    authority,
    both_versions,
    pair,
    publish_all,
    pushd,
    serve,
    trusting,
)

pytestmark = pytest.mark.usefixtures("witness")

ALERT = 21
LIMIT = 65_536
SIZE = 4096
PLENTY = 4000  # messages: far more than the kernel and an outbox of LIMIT hold
ENOUGH = 1500  # messages: more than they hold (4 MiB), and published before the client's time to answer a close ends
ONE_LOOP = ("--workers", "1", "--pacing", "latency")  # after the answer, the message has been written or dropped
STORM = 2000  # handshakes at once


class TimedWitness(Witness):
    """A witness that measures the latency of each message."""

    def __init__(self, pushd):
        self.latencies = []
        super().__init__(pushd)

    def _beat(self):
        began = time.monotonic()
        super()._beat()
        self.latencies.append(time.monotonic() - began)

    def report(self):
        found = sorted(self.latencies)
        p50, p99 = (found[int(len(found) * part)] for part in (0.5, 0.99))
        print(f"{len(found)} messages, latency p50 {p50:.4f} s, p99 {p99:.4f} s, most {found[-1]:.4f} s")
        return p50, found[-1]


@pytest.fixture
def witness(pushd):
    witness = TimedWitness(pushd)
    yield witness
    witness.stop()


def read_all(client):
    """Everything that a client without TLS receives until the connection is closed."""
    while client.receive_more():
        pass
    return bytes(client.received)


def assert_refused(received):
    """Refused by an alert, by an HTTP response if the input looks like HTTP, or by closing."""
    is_alert = received[:1] == bytes([ALERT]) and len(received) <= 14
    assert not received or is_alert or received.startswith(b"HTTP/1.1 400 "), received


def client_hello(pushd):
    return pushd.raw(shakes_hands=False).hello()


def closed(pushd, reason):
    return pushd.metrics().sum("pushd_connections_closed_total", reason=reason)


# Not TLS

RECORD = b"\x16\x03\x01"  # a handshake record; the first one always claims TLS 1.0


GARBAGE = {
    "zeros": bytes(100),
    "ones": b"\xff" * 5,
    "random": os.urandom(20_000).replace(b"\x16", b"\x17"),
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "SSL 2": b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + bytes(37),
    "record of 65535": RECORD + b"\xff\xff" + bytes(1000),
    "record of 18433": RECORD + b"\x48\x01" + bytes(100),
    "empty records": RECORD + b"\x00\x00" * 50,
    "ServerHello": RECORD + b"\x00\x05\x02\x00\x00\x01\x00",
    "message of 16 MiB": RECORD + b"\x40\x00\x01\xff\xff\xff" + bytes(16_380),
    "data": b"\x17\x03\x03\x00\x05hello",
    "alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "cipher changes": b"\x14\x03\x03\x00\x01\x01" * 40,
    "TLS 6": b"\x16\x09\x09\x00\x05\x01\x00\x00\x01\x00",
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_what_is_no_client_hello_is_closed(pushd, data):
    client = pushd.tcp(timeout=8)  # less than the handshake timeout
    client.send(data)
    assert_refused(read_all(client))


def test_a_client_hello_that_never_ends_is_closed(pushd):
    client = pushd.tcp(timeout=8)
    client.send(RECORD + b"\x40\x00\x01\xff\xff\xff" + bytes(16_380))
    for _ in range(20):
        client.send(RECORD + b"\x40\x00" + bytes(16_384))
    assert_refused(read_all(client))


@pytest.mark.parametrize(
    "request_bytes",
    [
        GET_HEALTH,
        handshake(),
        b"GET / HTTP/1.0\r\n\r\n",
        b"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000,
        b"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000,
        b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
        b"DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"OPTIONS / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
    ids=["GET", "upgrade", "HTTP 1.0", "POST", "large POST", "HEAD", "PUT", "DELETE", "OPTIONS"],
)
def test_plain_http_is_told_that_tls_is_spoken_here(pushd, request_bytes):
    client = pushd.tcp()
    client.send(request_bytes)
    response = client.read_response(has_body=not request_bytes.startswith(b"HEAD"))
    assert response.status == 400 and response.headers["connection"].lower() == "close"
    if not request_bytes.startswith(b"HEAD"):
        assert "TLS" in error_of(response)
        assert client.is_closed()


def test_plain_http_may_come_byte_by_byte(pushd):
    client = pushd.tcp()
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in GET_HEALTH:
        client.send(bytes([byte]))
    assert client.read_response().status == 400
    assert client.is_closed()


# Handshakes that take their time


@pytest.mark.parametrize("size", [1, 3, 5, 100, None], ids=lambda size: f"{size or 'all'} bytes")
def test_a_handshake_that_stops_is_closed(serve, size):
    pushd = serve("--handshake-timeout", "1")
    client = pushd.raw(shakes_hands=False)
    client.send_records(client.hello()[:size])
    while client.socket.recv(1 << 16):
        pass
    wait_until(lambda: pushd.health()["connections"] == 0, "nobody left")


def test_a_handshake_that_trickles_is_closed(serve):
    pushd = serve("--handshake-timeout", "1")
    client, hello = pushd.tcp(timeout=0.05), client_hello(pushd)
    deadline = time.monotonic() + 10
    for byte in itertools.chain(hello[:-1], itertools.repeat(0)):
        assert time.monotonic() < deadline, "every byte has bought it more time"
        client.send(bytes([byte]))
        with contextlib.suppress(TimeoutError):
            if not client.receive_more():
                break


@both_versions
def test_a_request_that_never_comes_is_closed(serve, version):
    pushd = serve("--handshake-timeout", "1")
    client = pushd.raw(trusting(pushd.authority, version))
    while client.receive_more():
        pass
    assert not client.received or client.read_response().status == 408


def test_the_time_for_the_request_begins_with_the_connection(serve):
    pushd = serve("--handshake-timeout", "1")
    client = pushd.raw(timeout=0.05)
    deadline = time.monotonic() + 10
    for byte in itertools.cycle(b"GET /ws?" + b"x" * 4000):
        assert time.monotonic() < deadline, "every byte has bought it more time"
        client.send(bytes([byte]))
        with contextlib.suppress(TimeoutError):
            if not client.receive_more():
                break


@both_versions
def test_a_client_hello_byte_by_byte(pushd, version):
    client = pushd.raw(trusting(pushd.authority, version), shakes_hands=False)
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in client.hello():
        client.send_records(bytes([byte]))
    assert client.shake_hands().ask(GET_HEALTH).status == 200


@pytest.mark.parametrize("size", [1, 50])
def test_a_client_hello_in_many_records(pushd, size):
    client = pushd.raw(shakes_hands=False)
    hello = client.hello()[5:]
    pieces = [hello[at : at + size] for at in range(0, len(hello), size)]
    client.send_records(b"".join(RECORD + len(piece).to_bytes(2, "big") + piece for piece in pieces))
    assert client.shake_hands().ask(GET_HEALTH).status == 200


class InteractiveOpenSSL:
    """`openssl s_client` at its terminal."""

    def __init__(self, port, *options):
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-crlf", *options]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT)
        self.output = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.kill()
        self.process.stdout.close()
        self.process.wait()

    def type(self, line, answer, count=1):
        """Types a line until the answer has appeared `count` times in total."""
        self.process.stdin.write(line)
        self.process.stdin.flush()
        while self.output.count(answer) < count:
            assert self.read(), self.output

    def read(self):
        data = self.process.stdout.read1()
        self.output += data
        return data


TYPED_REQUEST = GET_HEALTH.replace(b"\r\n", b"\n")


def test_a_client_does_not_renegotiate(pushd):
    with InteractiveOpenSSL(pushd.port, "-tls1_2") as openssl:
        openssl.type(TYPED_REQUEST, b"HTTP/1.1 200")
        openssl.type(b"R\n", b"RENEGOTIATING")
        while openssl.read():
            pass  # it ends by itself
        refusal = openssl.output.partition(b"RENEGOTIATING")[2]
    assert re.search(b"no renegotiation|alert|unexpected eof|reset", refusal, re.IGNORECASE), refusal


def test_keys_change_under_way(pushd):
    """TLS 1.3's KeyUpdate, for the client's key alone (k) and for both keys (K)."""
    with InteractiveOpenSSL(pushd.port, "-tls1_3") as openssl:
        for number in range(1, 6):
            openssl.type(b"k\n", b"KEYUPDATE", 2 * number - 1)
            openssl.type(b"K\n", b"KEYUPDATE", 2 * number)
            openssl.type(TYPED_REQUEST, b"HTTP/1.1 200", number)


@pytest.mark.parametrize("key", [b"k\n", b"K\n"], ids=["its own", "both"])
def test_keys_do_not_change_without_end(pushd, key):
    with InteractiveOpenSSL(pushd.port, "-tls1_3") as openssl:
        openssl.type(TYPED_REQUEST, b"HTTP/1.1 200")
        for number in range(1, 33):
            openssl.type(key, b"KEYUPDATE", number)
        openssl.type(TYPED_REQUEST, b"HTTP/1.1 200", 2)
        with contextlib.suppress(BrokenPipeError):
            openssl.process.stdin.write(key * 10)
            openssl.process.stdin.flush()
        while openssl.read():
            pass  # the connection is closed, so it ends


# Leaving


def half_shaken(pushd, version):
    """A client that has received the server's part of the handshake, but has not sent its last message."""
    client = pushd.raw(trusting(pushd.authority, version), shakes_hands=False)
    client.send_records(client.hello())
    assert client.socket.recv(1 << 16)
    return client


@both_versions
def test_nothing_is_left_of_clients_that_vanish(pushd, witness, version):
    context, hello = trusting(pushd.authority, version), client_hello(pushd)

    def vanish():
        for data in (hello[:50], hello, os.urandom(50), GET_HEALTH):
            for leave in (RawClient.close, RawClient.reset):
                with RawClient(pushd.address) as client:
                    client.send(data)
                    leave(client)
        half_shaken(pushd, version).reset()
        half_shaken(pushd, version).close()
        for then in (b"", handshake("/ws?channel=vanish"), GET_HEALTH * 100):
            pushd.raw(context, then=then).reset()  # with answers in flight
            pushd.raw(context, then=then).close()
        client = pushd.raw(context).upgrade("/ws?channel=vanish")
        client.send_records(client.encrypt(COMMAND)[:10])
        client.close()

    before = pushd.descriptors() + 5  # for the measuring connections, and descriptors that are opened once
    for _ in range(30):
        vanish()
        assert witness.failure is None
    wait_until(lambda: pushd.descriptors() <= before, f"at most {before} descriptors", pause=0.1)
    wait_until(lambda: pushd.health()["connections"] == 1, "the witness alone")
    assert pushd.publish("vanish", "x") == 0


@both_versions
def test_nothing_waits_for_clients_that_are_gone(pushd, version):
    for _ in range(20):
        damaged, cut = (pushd.raw(trusting(pushd.authority, version)).upgrade("/ws?channel=c") for _ in range(2))
        damaged.send_records(GET_HEALTH)
        cut.send_records(cut.encrypt(COMMAND)[:10])
        cut.close()
        assert damaged.is_closed()
    wait_until(lambda: pushd.metrics().sum("pushd_outbox_bytes") == 0, "no bytes that wait")


@both_versions
@pytest.mark.parametrize("says_goodbye", [True, False], ids=["close_notify", "no close_notify"])
def test_a_client_that_ends_its_half_is_let_go(pushd, version, says_goodbye):
    client = pushd.raw(trusting(pushd.authority, version)).upgrade("/ws?channel=c")
    if says_goodbye:
        client.say_goodbye()
    client.socket.shutdown(socket.SHUT_WR)
    while client.receive_more():
        pass
    wait_until(lambda: closed(pushd, "aborted") == 1, "one client gone without Close")
    assert pushd.publish("c", "x") == 0


@both_versions
def test_answers_come_though_close_notify_came_with_the_question(pushd, version):
    client = pushd.raw(trusting(pushd.authority, version), then=handshake() + COMMAND * 3)
    client.say_goodbye()
    assert client.read_response().status == 101
    assert [client.read_json() for _ in range(3)] == [{"action": "pong"}] * 3
    assert client.is_closed() and client.end == "close_notify"


@both_versions
def test_answers_come_to_a_half_closed_request(pushd, version):
    client = pushd.raw(trusting(pushd.authority, version), then=GET_HEALTH * 3)
    client.say_goodbye()
    client.socket.shutdown(socket.SHUT_WR)
    assert [client.read_response().status for _ in range(3)] == [200] * 3
    assert client.is_closed()


@pytest.mark.alone
@both_versions
@pytest.mark.parametrize("size, waiting", [(30_000, 5_000), (4_000, 100_000)], ids=["one", "many"])
def test_a_half_closed_client_gets_the_messages_that_wait(serve, version, size, waiting):
    pushd = serve("--workers", "1")
    client, publisher, sent = stalled(pushd, version), pushd.http(), []
    while len(sent) * size < unread_bytes(client) + waiting:
        sent.append(b"%d " % len(sent) + b"x" * size)
        assert ask(publisher, "POST", "/publish?channel=c", sent[-1]).status == 200
    client.say_goodbye()
    wait_until(lambda: pushd.publish("c", "too late") == 0, "the end of its stream noticed")
    assert [client.read_frame().payload for _ in sent] == sent
    assert client.is_closed() and client.end == "close_notify"
    publisher.close()


@both_versions
@pytest.mark.parametrize(
    "last",
    [LAST_REQUEST, b"GET /health HTTP/1.0\r\n\r\n", handshake() + encode_frame(CLOSE, b"\x03\xe8")],
    ids=["Connection: close", "HTTP 1.0", "Close"],
)
def test_the_server_says_goodbye(pushd, version, last):
    client = pushd.raw(trusting(pushd.authority, version), then=last)
    while client.receive_more():
        pass
    assert client.received.startswith(b"HTTP/1.1 ")
    assert client.end == "close_notify"
    assert client.socket.recv(1) == b"", "and closes"


@both_versions
@pytest.mark.parametrize("kind", ["a changed byte", "plain bytes"])
def test_records_that_are_damaged_close_the_connection(pushd, version, kind):
    client, other = (pushd.raw(trusting(pushd.authority, version)).upgrade("/ws?channel=c") for _ in range(2))
    records = bytearray(client.encrypt(COMMAND))
    records[-1] ^= 1
    client.send_records(bytes(records) if kind == "a changed byte" else GET_HEALTH)
    assert client.is_closed() and "ALERT" in client.end
    assert pushd.publish("c", "hello") == 1
    assert other.read_frame().payload == b"hello"


# Slow readers


def payload(number):
    return b"%08d" % number + b"." * (SIZE - 8)


def stalled(pushd, version, **headers):
    """A client that has joined and reads nothing."""
    return pushd.raw(trusting(pushd.authority, version), receive_buffer=4096).upgrade("/ws?channel=c", **headers)


def dropped(pushd, policy):
    return int(pushd.fresh_metrics().sum("pushd_dropped_total", policy=policy))


@pytest.mark.alone
@both_versions
def test_a_client_that_does_not_keep_up_is_closed_with_1013(serve, version):
    pushd = serve("--outbox-limit", str(LIMIT))
    slow, healthy, publisher = stalled(pushd, version), pushd.connect("c"), pushd.http()
    for number in range(ENOUGH):
        assert ask(publisher, "POST", "/publish?channel=c", payload(number)).status == 200
        assert healthy.recv(timeout=10) == payload(number).decode()
    publisher.close()
    frames = [slow.read_frame()]
    while frames[-1].opcode == TEXT:
        frames.append(slow.read_frame())
    assert [frame.payload for frame in frames[:-1]] == [payload(number) for number in range(len(frames) - 1)]
    assert frames[-1].opcode == CLOSE and int.from_bytes(frames[-1].payload[:2], "big") == 1013
    slow.send_frame(CLOSE, frames[-1].payload)
    assert slow.is_closed() and slow.end == "close_notify"
    wait_until(lambda: closed(pushd, "slow_consumer") == 1, "the count")


@both_versions
@pytest.mark.parametrize("policy, last_is_kept", [("drop-oldest", True), ("drop-newest", False)])
def test_the_stream_goes_on_behind_what_is_dropped(serve, version, policy, last_is_kept):
    pushd = serve(*ONE_LOOP, "--slow-consumer", policy, "--outbox-limit", str(LIMIT))
    slow = stalled(pushd, version)
    publish_all(pushd, [payload(number) for number in range(PLENTY)])
    metrics = pushd.fresh_metrics()
    assert metrics.sum("pushd_outbox_bytes") <= LIMIT + SIZE
    lost = int(metrics.sum("pushd_dropped_total", policy=policy))
    assert lost > 0
    received = [slow.read_frame().payload for _ in range(PLENTY - lost)]
    numbers = [int(message[:8]) for message in received]
    assert received == [payload(number) for number in numbers], "each is whole"
    assert numbers == sorted(set(numbers)) and numbers[:10] == list(range(10))
    assert (numbers[-1] == PLENTY - 1) == last_is_kept
    assert pushd.publish("c", "the end") == 1
    assert slow.read_frame().payload == b"the end"
    slow.send(COMMAND)
    assert slow.read_json() == {"action": "pong"}


@both_versions
def test_a_reader_that_stops_again_and_again(serve, version):
    pushd = serve(*ONE_LOOP, "--slow-consumer", "drop-oldest", "--outbox-limit", str(LIMIT))
    slow = stalled(pushd, version)
    received, published = [], 0
    for _ in range(5):
        publish_all(pushd, [payload(number) for number in range(published, published + 400)])
        published += 400
        waiting = published - dropped(pushd, "drop-oldest") - len(received)
        received += [int(slow.read_frame().payload[:8]) for _ in range(waiting // 2)]
    received += [
        int(slow.read_frame().payload[:8]) for _ in range(published - dropped(pushd, "drop-oldest") - len(received))
    ]
    assert len(received) < published, "nothing was ever dropped"
    assert received == sorted(set(received)) and received[-1] == published - 1


@both_versions
def test_pings_of_a_client_that_does_not_read_wait_in_its_kernel(serve, version):
    pushd = serve("--max-message-rate", "any")
    client = pushd.raw(trusting(pushd.authority, version), receive_buffer=4096).upgrade()
    before = pushd.resident_bytes()
    records = memoryview(b"".join(client.encrypt(encode_frame(PING, b"flood") * 1000) for _ in range(2000)))
    client.socket.settimeout(1)
    with contextlib.suppress(TimeoutError):
        while records:
            records = records[client.socket.send(records) :]
    assert records, "the server took them all"
    assert pushd.resident_bytes() - before < 4 << 20
    client.socket.settimeout(60)
    thread = threading.Thread(target=client.send_records, args=[records])
    thread.start()
    expected = encode_frame(PONG, b"flood", is_masked=False) * 2_000_000
    assert client.take(len(expected)) == expected
    thread.join()


# Many at once


def test_two_thousand_handshakes_at_once(pushd, witness):
    hello = client_hello(pushd)
    undisturbed = len(witness.latencies)
    before, memory = pushd.descriptors(), pushd.resident_bytes()

    def begin(_):
        """Sends only the beginning of a handshake."""
        client = pushd.tcp(timeout=60)
        client.send(hello)
        return client

    def shake_hands(number):
        with pushd.raw(trusting(pushd.authority, ("1.2", "1.3")[number % 2]), timeout=60) as client:
            return client.ask(GET_HEALTH).status

    with ThreadPoolExecutor(8) as executor:
        whole = executor.map(shake_hands, range(300))
        begun = list(executor.map(begin, range(STORM)))
        assert list(whole) == [200] * 300
    wait_until(lambda: len(witness.latencies) > undisturbed + 50, "messages meanwhile", seconds=60)
    grown = pushd.resident_bytes() - memory
    p50, most = witness.report()
    print(f"{STORM} half handshakes: {grown / STORM:.0f} bytes of memory each")
    assert p50 < 1 and most < 10
    for client in begun:
        client.close()
    wait_until(lambda: pushd.descriptors() <= before + 2, f"{before} descriptors again", seconds=30)


def test_half_handshakes_do_not_keep_others_out(serve):
    pushd = serve("--handshake-timeout", "2")
    hello = client_hello(pushd)
    for _ in range(500):
        pushd.tcp().send(hello)
    assert pushd.raw().ask(GET_HEALTH).status == 200
    wait_until(lambda: pushd.descriptors() < 200, "the end of the half handshakes")


# Keep-alive and stops


def test_a_client_that_answers_pings_stays_and_one_that_does_not_is_closed(serve):
    pushd = serve("--ping-interval", "1", "--pong-timeout", "1")
    client, silent = pushd.raw().upgrade("/ws?channel=c"), pushd.raw().upgrade("/ws?channel=c")
    for _ in range(3):
        frame = client.read_frame()
        assert frame.opcode == PING
        client.send_frame(PONG, frame.payload)
    assert silent.read_frame().opcode == PING
    while silent.receive_more():
        pass
    wait_until(lambda: pushd.publish("c", "still here") == 1, "one subscriber")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stop_closes_every_client_as_going_away(serve, workers):
    pushd = serve("--workers", workers, "--drain", "1")
    clients = [pushd.raw(trusting(pushd.authority, version)).upgrade() for version in VERSIONS for _ in range(5)]
    pushd.signal()
    for client in clients:
        assert client.read_close_code() == 1001
        assert client.end == "close_notify"
    assert pushd.wait() == 0


def test_a_handshake_that_never_ends_cannot_hold_up_the_stop(serve):
    pushd = serve("--drain", "0", "--handshake-timeout", "2")
    client = pushd.raw(shakes_hands=False)
    client.send_records(client.hello())
    assert client.socket.recv(1), "the server's part of the handshake"
    pushd.signal()
    assert pushd.wait(10) == 0
