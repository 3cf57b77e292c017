"""TLS on listeners: versions, ciphers and certificates, and everything else works as without TLS."""

import asyncio
import contextlib
import functools
import http.client
import itertools
import json
import os
import re
import socket
import subprocess
import threading
from urllib.parse import urlencode

import pytest
from support import free_port, wait_until
from support.certificates import NEW_KEY, NEW_RSA_KEY, Authority
from support.pushd import Pushd, ask
from support.raw import TEXT, RawClient, encode_frame, handshake
from support.swarm import Subscriber, Swarm
from support.tls import VERSIONS, TLSClient, trusting
from test_http import GET_HEALTH, error_of
from websockets.asyncio.client import connect

both_versions = pytest.mark.parametrize("version", VERSIONS)

LISTENING = re.compile(r"listening on (tls:)?(?:127\.0\.0\.1|0\.0\.0\.0|\[::1?\]):([1-9]\d*)(.*)")
LAST_REQUEST = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
COMMAND = encode_frame(TEXT, b'{"action":"ping"}')


@functools.cache
def event_loop():
    """An asyncio loop in its own thread."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop


class WebSocketClient:
    """A client of the websockets package, in its asynchronous form.

    The synchronous one reads and writes an SSLSocket in two threads at once, which Python 3.11 does not support: when a
    TLS 1.3 ticket coincides with the request, one of a hundred handshakes hangs.
    """

    def __init__(self, url, **options):
        async def open_it():
            return await connect(url, **options)

        self.client = self._run(open_it())
        self.protocol = self.client.protocol

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _run(self, coroutine, timeout=20):
        return asyncio.run_coroutine_threadsafe(coroutine, event_loop()).result(timeout)

    def send(self, message):
        self._run(self.client.send(message))

    def recv(self, timeout):
        return self._run(asyncio.wait_for(self.client.recv(), timeout))

    def close(self):
        self._run(self.client.close())


class TLSPushd(Pushd):
    """A pushd with a TLS listener; its clients trust `authority` and present the certificate `shows`."""

    def __init__(self, authority, shows, *arguments, **variables):
        self.authority = authority
        self.context = trusting(authority, pair=shows)
        super().__init__(*arguments, **variables)

    def logged_ports(self):
        """The ports with and without TLS, once all are logged. If no line says which, all use TLS."""
        words = zip(self.options, self.options[1:])
        count = sum(option == "--listen" and not value.startswith("unix:") for option, value in words)

        def named():
            assert self.process.poll() is None, self.log()
            lines = LISTENING.findall(self.log())
            return len(lines) == count and lines

        lines = wait_until(named, "a line for each port")
        tls = [int(port) for prefix, port, rest in lines if prefix or "tls" in rest.lower()]
        plain = [int(port) for prefix, port, rest in lines if not prefix and "tls" not in rest.lower()]
        return (tls, plain) if tls else (plain, [])

    def logged_port(self):
        return self.logged_ports()[0][0]

    def beside(self, unix_path=None):
        """The same daemon at its plain listener."""
        port = None if unix_path else self.logged_ports()[1][0]
        plain = Pushd.__new__(Pushd)
        plain.__dict__ = self.__dict__ | {"port": port, "unix_path": unix_path}
        return plain

    def http(self):
        if self.unix_path:
            return super().http()
        return http.client.HTTPSConnection(self.host, self.port, context=self.context, timeout=10)

    def connect(self, *channels, context=None, **options):
        options = {"close_timeout": 2, "max_size": None, "proxy": None, "ssl": context or self.context} | options
        query = urlencode([("channel", channel) for channel in channels])
        self.clients.append(WebSocketClient(f"wss://localhost:{self.port}/ws?{query}", **options))
        return self.clients[-1]

    def raw(self, context=None, shakes_hands=True, then=b"", **options):
        client = TLSClient(self.address, context or self.context, **options)
        self.clients.append(client)
        return client.shake_hands(then) if shakes_hands else client

    def tcp(self, **options):
        """A client without TLS."""
        client = RawClient(self.address, **options)
        self.clients.append(client)
        return client


class TLSSubscriber(Subscriber):
    def __init__(self, pushd, channel):
        self.channel = channel
        self.client = pushd.raw().upgrade(f"/ws?channel={channel}")
        self.client.socket.setblocking(False)


def tls_swarm(pushd, channels, count):
    swarm = Swarm([], [], 0)
    swarm.all = [TLSSubscriber(pushd, channel) for channel in channels for _ in range(count)]
    return swarm


def tls_options(*pairs):
    return [str(word) for pair in pairs for word in ("--tls-cert", pair.certificate, "--tls-key", pair.key)]


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def other_authority(tmp_path):
    return Authority(tmp_path, "Another Authority")


@pytest.fixture
def pair(authority):
    return authority.sign("server")


@pytest.fixture
def serve(tmp_path, authority, pair, tls_records):
    """Starts a pushd with TLS and these options, and stops it after the test."""
    numbers = itertools.count()
    with contextlib.ExitStack() as stack:

        def serve(*options, pairs=(pair,), shows=None, authority=authority, **variables):
            directory = tmp_path / f"pushd{next(numbers)}"
            directory.mkdir()
            variables = {"PUSHD_TLS_RECORDS": tls_records} | variables
            pushd = TLSPushd(authority, shows, directory, *tls_options(*pairs), *options, **variables)
            stack.callback(pushd.stop)
            return pushd

        yield serve


@pytest.fixture
def pushd(serve):
    return serve()


def s_client(port, *options, request=b""):
    """Runs `openssl s_client` without the restrictions of the system's OpenSSL configuration."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *map(str, options)]
    environment = os.environ | {"OPENSSL_CONF": "/dev/null"}
    done = subprocess.run(command, input=request, env=environment, capture_output=True, timeout=20, check=False)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def publish_all(pushd, payloads, channel="c"):
    """Publishes over one connection, a hundred requests at a time."""
    publisher = pushd.raw()
    head = b"POST /publish?channel=%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    for start in range(0, len(payloads), 100):
        part = payloads[start : start + 100]
        publisher.send(b"".join(head % (channel.encode(), len(payload)) + payload for payload in part))
        assert [publisher.read_response().status for _ in part] == [200] * len(part)
    publisher.close()


# Listeners


def assert_delivery(publisher, subscriber):
    """Checks delivery between two listeners of the same daemon."""
    with subscriber.connect("c") as client:
        assert publisher.publish("c", "hello") == 1
        assert client.recv(timeout=5) == "hello"


def test_a_certificate_alone_makes_every_tcp_listener_speak_tls(serve):
    pushd = serve("--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0")
    for port in sum(pushd.logged_ports(), []):
        pushd.port = port
        assert pushd.health()["status"] == "ok"
        assert pushd.tcp().ask(GET_HEALTH).status == 400


@pytest.mark.parametrize("address", ["tls:0", "tls:127.0.0.1:0", "tls:localhost:0"])
def test_a_listener_may_be_marked(serve, address):
    assert_delivery(*[serve("--listen", address)] * 2)


def test_a_marked_listener_leaves_the_others_plain(serve):
    pushd = serve("--listen", "tls:127.0.0.1:0", "--listen", "127.0.0.1:0")
    plain = pushd.beside()
    assert plain.port != pushd.port
    assert_delivery(plain, pushd)
    assert_delivery(pushd, plain)


def test_a_unix_socket_stays_plain(serve, tmp_path):
    pushd = serve("--listen", "127.0.0.1:0", "--listen", f"unix:{tmp_path}/socket")
    plain = pushd.beside(unix_path=f"{tmp_path}/socket")
    pushd.port, pushd.unix_path = pushd.logged_port(), None
    assert_delivery(plain, pushd)
    assert_delivery(pushd, plain)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
def test_it_speaks_tls_on_ipv6(serve):
    pushd = serve("--listen", "tls:127.0.0.1:0", "--listen", "tls:[::1]:0")
    port = pushd.logged_ports()[0][1]
    with socket.create_connection(("::1", port), timeout=10) as plain:
        with pushd.context.wrap_socket(plain, server_hostname="localhost") as client:
            client.sendall(LAST_REQUEST)
            assert client.recv(12) == b"HTTP/1.1 200"


# The protocol


@pytest.fixture
def lax_server(authority):
    """An `openssl s_server` that accepts everything: it shows that a refusal comes from pushd."""
    port = free_port()
    options = ["-accept", f"127.0.0.1:{port}", "-quiet", "-www", "-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
    for prefix, new_key in (("", NEW_KEY), ("d", NEW_RSA_KEY)):
        pair = authority.sign(f"lax{prefix}", new_key=new_key)
        options += [f"-{prefix}cert", pair.certificate, f"-{prefix}key", pair.key]
    variables = os.environ | {"OPENSSL_CONF": "/dev/null"}
    server = subprocess.Popen(["openssl", "s_server", *options], env=variables, stdin=subprocess.DEVNULL)
    wait_until(lambda: s_client(port)[0] == 0, "openssl s_server")
    yield port
    server.kill()
    server.wait()


@both_versions
def test_both_versions_are_spoken(pushd, version):
    client = pushd.raw(trusting(pushd.authority, version))
    assert client.tls.version() == f"TLSv{version}"
    assert client.ask(GET_HEALTH).status == 200


@pytest.mark.parametrize("version", ["tls1", "tls1_1"])
def test_older_versions_are_refused(pushd, lax_server, version):
    options = [f"-{version}", "-cipher", "ALL:@SECLEVEL=0"]
    assert s_client(lax_server, *options)[0] == 0
    status, output = s_client(pushd.port, *options)
    assert status != 0 and "alert protocol version" in output, output


def is_strong(cipher):
    return cipher.startswith("ECDHE-") and re.search("GCM|CHACHA20|CCM", cipher)


@pytest.mark.parametrize("kind, new_key", [("ECDSA", NEW_KEY), ("RSA", NEW_RSA_KEY)])
def test_only_ciphers_with_forward_secrecy_and_authenticated_encryption(serve, authority, lax_server, kind, new_key):
    pushd = serve(pairs=[authority.sign("strong", new_key=new_key)])
    command = ["openssl", "ciphers", "-s", "-tls1_2", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
    known = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip().split(":")
    weak = ["-tls1_2", "-cipher", ":".join(cipher for cipher in known if not is_strong(cipher)) + ":@SECLEVEL=0"]
    assert s_client(lax_server, *weak)[0] == 0
    status, output = s_client(pushd.port, *weak)
    assert status != 0 and "handshake failure" in output, output
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"):
        status, output = s_client(pushd.port, "-tls1_2", "-cipher", f"ECDHE-{kind}-{cipher}")
        assert status == 0 and f"Cipher is ECDHE-{kind}-{cipher}" in output, output


def test_the_log_says_who_makes_the_records(pushd, tls_records):
    line = next(line for line in pushd.log().splitlines() if " notice tls " in line)
    assert f"records={tls_records}" in line and re.search("kernel_tls=(no|unused)", line)
    assert ("checked=yes" in line) == (tls_records == "compact")


def test_nothing_that_weakens_it_is_offered(pushd):
    status, output = s_client(pushd.port, "-tls1_2", "-comp", "-legacy_renegotiation")
    assert status == 0 and "Compression: NONE" in output and "Secure Renegotiation IS supported" in output
    status, output = s_client(pushd.port, "-tls1_3")
    assert status == 0 and "Early data was not sent" in output and not re.search("Max Early Data: [1-9]", output)


@pytest.mark.parametrize("offer, agreed", [("h2,http/1.1", "http/1.1"), ("http/1.1", "http/1.1"), ("h2", None)])
def test_alpn_agrees_on_http_1_1(pushd, offer, agreed):
    found = re.search("ALPN protocol: (.*)", s_client(pushd.port, "-alpn", offer)[1])
    assert (found and found[1]) == agreed


@pytest.mark.parametrize("workers", ["1", "2"])
@both_versions
def test_sessions_are_resumed(serve, version, workers):
    pushd = serve("--workers", workers)
    context = trusting(pushd.authority, version)
    session = None
    for number in range(20):
        client = pushd.raw(context, session=session)
        assert client.ask(GET_HEALTH).status == 200
        assert client.tls.session_reused == (number > 0)
        session = client.tls.session
        client.close()


@both_versions
def test_openssl_resumes_a_session(pushd, tmp_path, version):
    words = [f"-tls{version.replace('.', '_')}", "-ign_eof"]  # waits for the answer, after which the ticket has arrived
    for kind, option in (("New", "-sess_out"), ("Reused", "-sess_in")):
        status, output = s_client(pushd.port, *words, option, tmp_path / "session", request=LAST_REQUEST)
        assert status == 0 and f"{kind}, TLSv{version}" in output and "HTTP/1.1 200" in output, output


def test_openssl_reconnects_to_its_session(pushd):
    status, output = s_client(pushd.port, "-tls1_2", "-reconnect")
    assert status == 0 and output.count("Reused, TLSv1.2") == 5, output


# Everything works as it does without TLS


def curl(pushd, path, *options):
    command = ["curl", "--silent", "--show-error", "--ipv4", "--cacert", pushd.authority.file, *options]
    url = f"https://localhost:{pushd.port}{path}"
    return subprocess.run([*command, url], capture_output=True, text=True, check=True, timeout=20).stdout


@pytest.mark.parametrize("options", [[], ["--tls-max", "1.2"], ["--http1.1"], ["--no-alpn"]], ids=" ".join)
def test_curl_over_https(pushd, options):
    assert curl(pushd, "/health", "--write-out", " %{http_version} %{ssl_verify_result}", *options).endswith(" 1.1 0")
    with pushd.connect("c") as client:
        assert '"subscribers":1' in curl(pushd, "/publish?channel=c", "--data", "hello", *options)
        assert client.recv(timeout=5) == "hello"


@both_versions
def test_every_endpoint_over_one_connection(pushd, version):
    pushd.context = trusting(pushd.authority, version)
    connection = pushd.http()
    paths = ["/health", "/health/live", "/health/ready", "/metrics", "/", "/nothing", "/ws"]
    assert [ask(connection, "GET", path).status for path in paths] == [200] * 5 + [404, 426]
    assert ask(connection, "POST", "/health").status == 405
    assert ask(connection, "POST", "/publish?channel=c", b"x" * 2**20).status == 200
    assert ask(connection, "POST", "/publish?channel=c", b"x" * (2**20 + 1)).status == 413
    connection.close()


def test_a_bad_request_is_400(pushd):
    client = pushd.raw()
    response = client.ask(b"nonsense\r\n\r\n")
    assert response.status == 400 and error_of(response)
    assert client.is_closed() and client.end == "close_notify"


@both_versions
def test_pipelined_requests_are_answered_in_order(pushd, version):
    client = pushd.raw(trusting(pushd.authority, version))
    publish = b"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbye\r\n0\r\n\r\n"
    client.send((GET_HEALTH + b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n" + publish) * 300 + handshake())
    assert [client.read_response().status for _ in range(901)] == [200, 404, 200] * 300 + [101]


@both_versions
def test_what_comes_along_with_the_last_message_of_the_handshake_is_read(pushd, version):
    for _ in range(20):
        client = pushd.raw(trusting(pushd.authority, version), then=handshake() + COMMAND)
        assert client.read_response().status == 101
        assert client.read_json() == {"action": "pong"}


@both_versions
@pytest.mark.parametrize("size", [1, 100])
def test_many_records_in_a_packet(pushd, version, size):
    client = pushd.raw(trusting(pushd.authority, version))
    stream = handshake() + COMMAND * 1000
    client.send_records(b"".join(client.encrypt(stream[at : at + size]) for at in range(0, len(stream), size)))
    assert client.read_response().status == 101
    assert [client.read_json() for _ in range(1000)] == [{"action": "pong"}] * 1000


def test_a_record_may_come_byte_by_byte(pushd):
    client = pushd.raw()
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in client.encrypt(handshake() + COMMAND):
        client.send_records(bytes([byte]))
    assert client.read_response().status == 101
    assert client.read_json() == {"action": "pong"}


SIZES = [1, 125, 126, 1000, 16_375, 16_384, 16_385, 65_535, 65_536, 100_000, 2**20 - 1, 2**20]


@pytest.mark.parametrize("options", [[], ["--io", "poll"], ["--workers", "2"]], ids=" ".join)
def test_messages_of_every_size_arrive_verbatim_and_in_order(serve, options):
    pushd = serve("--outbox-limit", str(2**25), *options)
    old, new = (pushd.raw(trusting(pushd.authority, version)).upgrade("/ws?channel=c") for version in VERSIONS)
    other = pushd.connect("c")
    payloads = [os.urandom(size) for size in SIZES + SIZES[::-1]]
    publish_all(pushd, payloads)
    for payload in payloads:
        for client in (old, new):
            frame = client.read_frame()
            assert frame.payload == payload, f"{len(frame.payload)} bytes instead of {len(payload)}"
        assert other.recv(timeout=10) in (payload, payload.decode(errors="replace"))


def test_a_message_as_large_as_any_is_within_the_default_limits(pushd):
    client = pushd.connect("c")
    body = bytes(range(256)) * 4096
    assert pushd.publish("c", body) == 1
    assert client.recv(timeout=5) == body


def test_a_client_sends_large_messages(serve):
    client = serve("--allow-client-publish", "--max-message", str(2**21)).connect("c")
    for number in range(10):
        text = f"{number} ".ljust(2**20, "x")
        client.send(json.dumps({"action": "publish", "channel": "c", "data": text}))
        received = [client.recv(timeout=10) for _ in range(2)]
        assert f'"{text}"' in received


def test_compression(serve):
    pushd = serve("--compression", "on")
    clients = [pushd.connect("c"), pushd.connect("c"), pushd.connect("c", compression=None)]
    assert [bool(client.protocol.extensions) for client in clients] == [True, True, False]
    text = json.dumps([{"item": f"widget {number}"} for number in range(10_000)])
    for message in (text, "short", text):
        assert pushd.publish("c", message) == 3
        assert all(client.recv(timeout=5) == message for client in clients)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_everybody_gets_every_message_in_order(serve, workers):
    pushd = serve("--workers", workers)
    assert pushd.health()["workers"] == int(workers)
    swarm = tls_swarm(pushd, "ab", 50)
    payloads = {channel: [b"%d " % number + b"x" * (number * 37 % 3000) for number in range(200)] for channel in "ab"}
    try:
        for channel in "ab":
            publish_all(pushd, payloads[channel], channel)
        swarm.receive(sum(len(payload) + (2 if len(payload) < 126 else 4) for payload in payloads["a"]), seconds=30)
        assert all(subscriber.messages() == payloads[subscriber.channel] for subscriber in swarm.all)
    finally:
        swarm.close()


@both_versions
def test_publishing_through_redis(serve, redis_server, version):
    """Each request waits for Redis, while the following records have already been read."""
    pushd = serve("--redis", redis_server.url).wait_for_status("ok")
    client = pushd.connect("c")
    pushd.context = trusting(pushd.authority, version)
    payloads = [b"%d " % number + b"x" * (number * 37 % 3000) for number in range(500)]
    publish_all(pushd, payloads)
    assert [client.recv(timeout=5) for _ in payloads] == [payload.decode() for payload in payloads]


def test_a_page_of_the_same_origin_may_connect_and_others_not(pushd):
    host = f"localhost:{pushd.port}"
    for origin, status in ((f"https://{host}", 101), ("https://evil.example", 403), ("https://localhost", 403)):
        assert pushd.raw().ask(handshake(Host=host, Origin=origin)).status == status
