"""Redis over TLS: certificate checks, their errors, and the same reliability as without TLS."""

import os
import socket
import ssl
import threading
import time

import pytest
from support import wait_until
from support.certificates import Authority
from support.pushd import run_pushd
from support.redis_server import RedisServer
from support.steady_load import Load
from support.swarm import Swarm
from test_redis_outage import cpu_share

IS_LONG = os.environ.get("PUSHD_LONG") == "1"
# OpenSSL's texts for a chain without a trusted authority
UNKNOWN = "unable to get local issuer", "unable to verify the first", "self-signed", "self signed"


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def other_authority(tmp_path):
    return Authority(tmp_path, "Another Authority")


@pytest.fixture
def serve(tmp_path):
    """Starts a RedisServer with these options and stops it after the test."""
    servers = []

    def serve(**options):
        servers.append(RedisServer(tmp_path, **options))
        return servers[-1].start()

    yield serve
    for server in servers:
        server.kill()


@pytest.fixture
def tls_redis(serve, authority):
    return serve(tls=authority.sign("server"))


@pytest.fixture
def trusting(start, authority, tls_records):
    """Starts a pushd that trusts the authority."""

    def trusting(url, *options, **variables):
        variables = {"PUSHD_TLS_RECORDS": tls_records} | variables
        return start("--redis", url, "--redis-ca", str(authority.file), *options, **variables)

    return trusting


@pytest.fixture
def node(trusting, tls_redis):
    """A pushd that is connected to that Redis."""
    return trusting(tls_redis.url).wait_for_status("ok")


def at_localhost(server):
    return server.url.replace("127.0.0.1", "localhost")


def assert_delivery(node, server):
    with node.connect("c") as client:
        wait_until(lambda: server.publish("push:c", "hello") == 1, "pushd's subscription in Redis")
        assert client.recv(timeout=5) == "hello"
        assert node.publish("c", "by HTTP") >= 1
        assert client.recv(timeout=5) == "by HTTP"


def reason(node):
    """The reason in /health why Redis is not connected; empty if there is none."""
    redis = node.health()["redis"]
    return "" if redis["state"] == "connected" else redis.get("reason") or ""


def redis_lines(node):
    return [line for line in node.log().splitlines() if "redis" in line.lower()]


def assert_refused(node, *reasons):
    """/health and the log (once) give one of these reasons, and pushd does not spin."""

    def is_told(text):
        return any(words in text.lower() for words in reasons)

    wait_until(lambda: is_told(reason(node)), f"one of {reasons} as the reason in /health")
    assert node.health()["status"] == "degraded"
    assert cpu_share(node, 1) < 0.1
    assert node.health()["redis"]["state"] != "connected"
    told = [line for line in redis_lines(node) if is_told(line)]
    assert len(told) == 1, redis_lines(node)


# The right certificate


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_messages_pass_in_both_directions(trusting, tls_redis, host):
    node = trusting(tls_redis.url.replace("127.0.0.1", host)).wait_for_status("ok")
    assert_delivery(node, tls_redis)
    wait_until(lambda: node.health()["redis"].get("probe_ms"), "a probe that came back")


@pytest.mark.parametrize("payload", [b"\xff\x00", b"", b"x" * 1_000_000], ids=len)
def test_the_payload_arrives_verbatim(node, tls_redis, payload):
    client = node.raw().upgrade("/ws?channel=news")
    tls_redis.publish("push:news", payload)
    assert client.read_frame().payload == payload


def test_a_client_certificate_where_redis_demands_one(trusting, serve, authority):
    server = serve(tls=authority.sign("server"), clients_of=authority.file)
    pair = authority.sign("client", names="DNS:client")
    node = trusting(server.url, "--redis-cert", str(pair.certificate), "--redis-key", str(pair.key))
    assert_delivery(node.wait_for_status("ok"), server)


def test_a_password_and_a_database_over_tls(trusting, serve, authority):
    server = serve(tls=authority.sign("server"), password="se:cr@t")
    node = trusting(f"rediss://:se%3Acr%40t@127.0.0.1:{server.port}/3").wait_for_status("ok")
    assert_delivery(node, server)


def test_the_options_work_as_environment_variables(start, tls_redis, authority):
    node = start(PUSHD_REDIS=tls_redis.url, PUSHD_REDIS_CA=str(authority.file)).wait_for_status("ok")
    assert_delivery(node, tls_redis)


# Certificates that are refused


def test_a_certificate_of_another_authority_is_refused(trusting, serve, other_authority):
    server = serve(tls=other_authority.sign("server"))
    assert_refused(trusting(server.url), *UNKNOWN)


def test_without_an_authority_of_its_own_the_systems_decide(start, tls_redis):
    assert_refused(start("--redis", tls_redis.url), *UNKNOWN)


def test_an_expired_certificate_is_refused(trusting, serve, authority):
    server = serve(tls=authority.sign("server", is_expired=True))
    assert_refused(trusting(server.url), "certificate has expired")


@pytest.mark.parametrize("names", ["DNS:elsewhere.example", "DNS:localhost", "IP:127.0.0.2", "DNS:127.0.0.1"])
def test_a_certificate_for_another_address_is_refused(trusting, serve, authority, names):
    server = serve(tls=authority.sign("server", names=names))
    assert_refused(trusting(server.url), "ip address mismatch")


@pytest.mark.parametrize("names", ["DNS:elsewhere.example", "IP:127.0.0.1", "DNS:*.localhost"])
def test_a_certificate_for_another_name_is_refused(trusting, serve, authority, names):
    server = serve(tls=authority.sign("server", names=names))
    assert_refused(trusting(at_localhost(server)), "hostname mismatch")


def test_a_missing_client_certificate_is_told(trusting, serve, authority):
    server = serve(tls=authority.sign("server"), clients_of=authority.file)
    node = trusting(server.url)
    wait_until(lambda: reason(node), "a reason")
    assert node.health()["status"] == "degraded"


def test_a_client_certificate_of_another_authority_is_told(trusting, serve, authority, other_authority):
    server = serve(tls=authority.sign("server"), clients_of=authority.file)
    pair = other_authority.sign("client")
    node = trusting(server.url, "--redis-cert", str(pair.certificate), "--redis-key", str(pair.key))
    wait_until(lambda: reason(node), "a reason")
    assert node.health()["status"] == "degraded"


def test_it_recovers_once_the_certificate_is_right(trusting, serve, authority):
    server = serve(tls=authority.sign("expired", is_expired=True))
    node = trusting(server.url)
    wait_until(lambda: "certificate has expired" in reason(node), "the reason")
    server.kill()
    server.tls = authority.sign("renewed")
    server.start()
    assert_delivery(node.wait_for_status("ok"), server)


# TLS at one end only


def test_tls_with_a_plain_redis_is_told(trusting, redis_server):
    node = trusting(redis_server.url.replace("redis://", "rediss://"))
    wait_until(lambda: reason(node), "a reason")
    assert cpu_share(node, 1) < 0.1


def test_a_plain_link_to_a_redis_with_tls_is_told(start, tls_redis):
    node = start("--redis", tls_redis.url.replace("rediss://", "redis://"))
    wait_until(lambda: reason(node), "a reason")
    assert cpu_share(node, 1) < 0.1


def test_a_server_that_never_answers_the_handshake_times_out(trusting):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        node = trusting(f"rediss://127.0.0.1:{silent.getsockname()[1]}", "--redis-connect-timeout", "1")
        wait_until(lambda: "timed out" in reason(node), "a reason that says timed out")
        assert cpu_share(node, 1) < 0.1


@pytest.mark.parametrize("host, expected", [("localhost", "localhost"), ("127.0.0.1", None)])
def test_the_server_is_told_the_name(trusting, authority, host, expected):
    """Server Name Indication contains no addresses (RFC 6066 section 3)."""
    names = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.sign("server"))
    context.sni_callback = lambda _, name, __: names.append(name)

    def accept(listener):
        while not names:
            try:
                context.wrap_socket(listener.accept()[0], server_side=True).close()
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        thread = threading.Thread(target=accept, args=[listener])
        thread.start()
        trusting(f"rediss://{host}:{listener.getsockname()[1]}")
        wait_until(lambda: names, "a TLS handshake")
        thread.join()
    assert names[0] == expected


# Usage


@pytest.mark.parametrize("option", ["--redis-ca", "--redis-cert", "--redis-key", "--redis-password-file"])
def test_an_unreadable_file_is_named(authority, option):
    pair = authority.sign("client")
    options = {"--redis-ca": authority.file, "--redis-cert": pair.certificate, "--redis-key": pair.key}
    options[option] = "/nowhere/x"
    words = [str(word) for option in options.items() for word in option]
    done = run_pushd("--redis", "rediss://127.0.0.1:1", "--listen", "127.0.0.1:0", *words)
    assert done.returncode in (1, 64)
    assert option in done.stderr and "/nowhere/x" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_file_that_is_no_certificate_is_named(tmp_path):
    (tmp_path / "text").write_text("not a certificate\n")
    done = run_pushd("--redis", "rediss://127.0.0.1:1", "--listen", "127.0.0.1:0", "--redis-ca", str(tmp_path / "text"))
    assert done.returncode in (1, 64)
    assert "--redis-ca" in done.stderr and str(tmp_path / "text") in done.stderr


def test_a_key_that_does_not_fit_is_refused(authority):
    certificate, key = authority.sign("one").certificate, authority.sign("other").key
    words = ["--redis-cert", str(certificate), "--redis-key", str(key)]
    done = run_pushd("--redis", "rediss://127.0.0.1:1", "--listen", "127.0.0.1:0", *words)
    assert done.returncode in (1, 64)
    assert "--redis-key" in done.stderr or "--redis-cert" in done.stderr


@pytest.mark.parametrize("option", ["--redis-cert", "--redis-key"])
def test_a_certificate_without_its_key_is_refused(authority, option):
    file = dict(zip(("--redis-cert", "--redis-key"), authority.sign("client")))[option]
    done = run_pushd("--redis", "rediss://127.0.0.1:1", "--listen", "127.0.0.1:0", option, str(file))
    assert done.returncode == 64
    assert "--redis-cert" in done.stderr and "--redis-key" in done.stderr


# A password in a file


def test_a_password_file_is_read_again_at_each_attempt(trusting, tmp_path, serve, authority):
    server = serve(tls=authority.sign("server"), password="secret-right")
    file = tmp_path / "password"
    file.write_text("secret-wrong\n")
    node = trusting(server.url, "--redis-password-file", str(file))
    assert_refused(node, "wrongpass")
    assert "secret-" not in node.log()
    file.write_text("secret-right\n")
    assert_delivery(node.wait_for_status("ok"), server)


# As robust as the plain link


def test_delivery_resumes_each_time_redis_is_killed_and_restarted(node, tls_redis):
    client = node.connect("kept")
    for outage in range(1, 4):
        tls_redis.kill()
        node.wait_for_status("degraded")
        assert cpu_share(node, 0.7) < 0.1
        tls_redis.start()
        node.wait_for_status("ok")
        assert node.health()["redis"]["reconnects"] == outage
        assert_delivery(node, tls_redis)
        tls_redis.publish("push:kept", f"after outage {outage}")
        assert client.recv(timeout=5) == f"after outage {outage}"


def test_delivery_resumes_after_redis_cuts_the_link(node, tls_redis):
    client = node.connect("kept")
    for number in range(3):
        with tls_redis.client() as redis:
            assert redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub") == 1
        wait_until(lambda: tls_redis.publish("push:kept", f"message {number}") == 1, "pushd's subscription in Redis")
        assert client.recv(timeout=5) == f"message {number}"
        assert_delivery(node, tls_redis)


def test_delivery_resumes_after_a_freeze(trusting, tls_redis):
    node = trusting(tls_redis.url, "--redis-silence", "3").wait_for_status("ok")
    tls_redis.freeze()
    try:
        node.wait_for_status("degraded")
        wait_until(lambda: reason(node), "a link given up", seconds=20)
        assert cpu_share(node, 1) < 0.1
    finally:
        tls_redis.thaw()
    assert_delivery(node.wait_for_status("ok"), tls_redis)


def test_no_descriptor_is_left_by_attempts(trusting, authority, serve):
    """After many attempts that fail during the handshake."""
    server = serve(tls=authority.sign("server", is_expired=True))
    node = trusting(server.url)
    wait_until(lambda: "certificate has expired" in reason(node), "the reason")

    def attempts():
        with server.client() as client:
            return client.info("stats")["total_connections_received"]

    few = attempts() + 3
    wait_until(lambda: attempts() > few, "attempts", seconds=30)
    before = node.descriptors()
    more = attempts() + 5
    wait_until(lambda: attempts() > more, "more attempts", seconds=60)
    assert node.descriptors() <= before + 2  # an attempt may be in progress


@pytest.mark.alone
def test_two_nodes_deliver_everything_once_and_in_order(trusting, tls_redis):
    nodes = [trusting(tls_redis.url).wait_for_status("ok") for _ in range(2)]
    with tls_redis.client() as client, Load(nodes, list("abcdefghij"), client.publish, rate=2000) as load:
        load.reader.wait_for(10_000, seconds=30)
        load.finish()
        load.assert_everything_arrived(load.publisher.sent)


# Throughput


def seconds_for(node, server, count, size):
    """The time until this many messages, published at once in Redis, have arrived at one subscriber."""
    swarm = Swarm([node], ["flood"], 1)
    payload = b"x" * size
    with server.client() as client, client.pipeline(transaction=False) as pipeline:
        client.config_set("client-output-buffer-limit", "pubsub 0 0 0")
        for _ in range(count // 100):
            pipeline.eval("for i = 1, 100 do redis.call('PUBLISH', 'push:flood', ARGV[1]) end", 0, payload)
        began = time.monotonic()
        publisher = threading.Thread(target=pipeline.execute)
        publisher.start()
        swarm.receive(count * (size + (2 if size < 126 else 4)), seconds=60)
        taken = time.monotonic() - began
        publisher.join()
    swarm.close()
    return taken


@pytest.mark.skipif(not IS_LONG, reason="measures; PUSHD_LONG=1 runs it")
@pytest.mark.parametrize("size, count", [(100, 300_000), (4000, 40_000)])
def test_throughput_is_near_that_of_the_plain_link(start, trusting, redis_server, tls_redis, size, count):
    options = ("--outbox-limit", str(1 << 28), "--workers", "1")
    plain = start("--redis", redis_server.url, *options).wait_for_status("ok")
    with_tls = trusting(tls_redis.url, *options).wait_for_status("ok")
    plain_times, tls_times = [], []
    for _ in range(5):
        plain_times.append(seconds_for(plain, redis_server, count, size))
        tls_times.append(seconds_for(with_tls, tls_redis, count, size))
    assert min(plain_times) / min(tls_times) >= 0.8, (plain_times, tls_times)
