"""The PROXY protocol, with which a proxy sends the client's address first: --listen proxy:ADDR."""

import contextlib
import re
import socket

import pytest
from support import wait_until
from support.certificates import Authority
from support.proxy_header import LOCAL, SIGNATURE, TLS, binary, text
from support.raw import RawClient, handshake
from support.tls import TLSClient, trusting
from test_http import GET_HEALTH

HEADERS = [text, binary]
PUBLISH = b"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx"
GET_METRICS = GET_HEALTH.replace(b"/health", b"/metrics")


class Behind:
    """A pushd with an ordinary listener and one for a proxy."""

    def __init__(self, start, *options, address="proxy:127.0.0.1:0"):
        self.pushd = start("--listen", "127.0.0.1:0", "--listen", address, "--log-level", "debug", *options)
        found = re.search(r"listening on (?:127\.0\.0\.1|\[::\]):(\d+) with (?:TLS and )?the PROXY protocol", self.pushd.log())
        self.address = ("127.0.0.1", int(found[1]))

    def client(self, header=b""):
        client = RawClient(self.address)
        self.pushd.clients.append(client)
        client.send(header)
        return client

    def ask(self, header, request):
        return self.client(header).ask(request)

    def wait_for_line(self, *words):
        return wait_until(
            lambda: [line for line in self.pushd.log().splitlines() if all(word in line for word in words)], f"{words} in the log"
        )


@pytest.fixture
def behind(start):
    return lambda *options, **named: Behind(start, *options, **named)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("source", ["1.2.3.4", "2001:db8::7", "::ffff:5.6.7.8"])
def test_the_client_is_who_the_header_says(behind, header, source, workers):
    proxy = behind("--workers", workers)
    client = proxy.client(header(source)).upgrade("/ws?channel=c")
    assert proxy.pushd.publish("c", "hello") == 1
    assert client.read_frame().payload == b"hello"
    proxy.wait_for_line(f"opening address={source.removeprefix('::ffff:')} ")


@pytest.mark.parametrize("header", [text("1.2.3.4"), binary("2001:db8::7", b"\4\0\2ab"), binary(command=LOCAL)])
def test_a_header_may_come_in_pieces(behind, header):
    proxy = behind()
    client = proxy.client()
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in header + GET_HEALTH:
        client.send(bytes([byte]))
    assert client.read_response().status == 200
    assert client.ask(GET_HEALTH).status == 200


def test_a_part_of_a_header_costs_no_cpu(behind):
    proxy = behind()
    client = proxy.client(binary("1.2.3.4")[:20])
    assert proxy.ask(binary("1.2.3.4"), GET_HEALTH).status == 200
    before = proxy.pushd.cpu_seconds()
    with pytest.raises(TimeoutError):
        client.socket.settimeout(1.5)
        client.receive_more()
    assert proxy.pushd.cpu_seconds() - before < 0.5


@pytest.mark.parametrize("header", HEADERS)
def test_limits_are_those_of_the_address_in_the_header(behind, header):
    proxy = behind("--max-connections-per-address", "1")
    for source in ("1.2.3.4", "1.2.3.5", "2001:db8::7"):
        assert proxy.ask(header(source), handshake()).status == 101
        assert proxy.ask(header(source), handshake()).status == 503


def test_sockets_are_counted_by_the_address_in_the_header(behind):
    proxy = behind("--max-sockets-per-address", "2")
    first = [proxy.client(text("1.2.3.4")) for _ in range(2)]
    assert [client.ask(GET_HEALTH).status for client in first] == [200, 200]
    assert proxy.client(text("1.2.3.4")).is_closed()
    assert proxy.ask(text("1.2.3.5"), GET_HEALTH).status == 200
    first[0].close()

    def is_served():
        with contextlib.suppress(AssertionError):
            return proxy.ask(text("1.2.3.4"), GET_HEALTH).status == 200

    wait_until(is_served, "a free place")


@pytest.mark.parametrize("source", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("header", HEADERS)
def test_a_client_behind_a_proxy_is_never_this_machine(behind, header, source):
    proxy = behind()
    assert proxy.ask(header(source), PUBLISH).status == 403
    assert proxy.ask(header(source), GET_METRICS).status == 403


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", binary(), binary(command=LOCAL), binary("1.2.3.4", command=LOCAL)])
def test_a_proxy_that_speaks_for_itself_is_served_and_is_not_this_machine_either(behind, header):
    proxy = behind()
    assert proxy.ask(header, GET_HEALTH).status == 200
    assert proxy.ask(header, PUBLISH).status == 403
    assert proxy.client(header).upgrade()
    proxy.wait_for_line("opening address=127.0.0.1 ")


@pytest.mark.parametrize(
    "sent, words",
    [
        (GET_HEALTH, "there is no PROXY protocol header"),
        (b"\x16\x03\x01\x02\x00", "there is no PROXY protocol header"),
        (b"PROXY TCP4 1.2.3.4\r\n" + GET_HEALTH, "malformed"),
        (b"PROXY " + b"x" * 200, "107 bytes"),
        (SIGNATURE + b"\x31\x11\x00\x00", "version"),
        (SIGNATURE + b"\x21\x11\xff\xff", "4096 bytes"),
        (SIGNATURE + b"\x21\x12\x00\x0c" + b"x" * 12, "TCP"),
        (SIGNATURE + b"\x21\x11\x00\x02xx", "too short"),
    ],
)
def test_who_sends_no_header_is_closed_and_logged(behind, sent, words):
    proxy = behind()
    assert proxy.client(sent).is_closed()
    proxy.wait_for_line("connection refused address=127.0.0.1", words)
    assert proxy.pushd.fresh_metrics().sum("pushd_proxy_headers_refused_total") == 1


def test_who_waits_too_long_with_it_is_closed_and_logged(behind):
    proxy = behind("--handshake-timeout", "1")
    clients = [proxy.client(), proxy.client(b"PROXY TCP4 1.2")]
    assert all(client.is_closed() for client in clients)
    assert len(proxy.wait_for_line("connection refused", "--handshake-timeout")) >= 1
    late = proxy.client(text("1.2.3.4"))
    assert late.is_closed(), "a request has to come in time as well"


def test_who_only_looks_whether_somebody_is_there_is_no_news(behind):
    proxy = behind()
    for _ in range(20):
        proxy.client().close()
    assert proxy.ask(text("1.2.3.4"), GET_HEALTH).status == 200
    assert "connection refused" not in proxy.pushd.log()


def test_a_header_waits_for_a_stop_no_longer_than_others(behind):
    proxy = behind()
    proxy.client(b"PROXY ")
    assert proxy.ask(text("1.2.3.4"), GET_HEALTH).status == 200
    proxy.pushd.signal()
    assert proxy.pushd.wait(5) == 0


@pytest.mark.parametrize("header", [text("1.2.3.4"), b"PROXY UNKNOWN\r\n", binary("1.2.3.4")])
def test_on_an_ordinary_address_a_header_is_refused_by_name(start, header):
    pushd = start()
    answer = pushd.raw().ask(header + GET_HEALTH)
    assert answer.status == 400
    assert b"this is a PROXY protocol header: use --listen proxy:" in answer.body
    wait_until(lambda: "connection refused address=127.0.0.1 reason=this is a PROXY" in pushd.log(), "a line in the log")


def test_a_method_of_that_name_is_no_header(pushd):
    answer = pushd.raw().ask(GET_HEALTH.replace(b"GET", b"PROXY"))
    assert answer.status == 405


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def behind_tls(behind, authority, tls_records):
    pair = authority.sign("server")
    options = ["--tls-cert", str(pair.certificate), "--tls-key", str(pair.key), "--tls-records", tls_records]
    return lambda *more: behind(*options, *more, address="proxy:tls:127.0.0.1:0")


@pytest.mark.parametrize("header", [text("1.2.3.4"), binary("1.2.3.4", b"\4\0\2ab")])
@pytest.mark.parametrize("way", ["at once", "in pieces"])
def test_the_header_comes_before_the_tls_handshake(behind_tls, authority, header, way):
    proxy = behind_tls()
    client = TLSClient(proxy.address, trusting(authority))
    proxy.pushd.clients.append(client)
    sent = header + client.hello()
    for piece in [sent] if way == "at once" else [sent[n : n + 7] for n in range(0, len(sent), 7)]:
        client.send_records(piece)
    client.shake_hands().upgrade("/ws?channel=c", Host="push.example", Origin="https://push.example")
    assert proxy.pushd.publish("c", "hello") == 1
    assert client.read_frame().payload == b"hello"
    proxy.wait_for_line("opening address=1.2.3.4 ")


def test_plain_http_behind_the_header_is_told_that_tls_is_spoken(behind_tls):
    answer = behind_tls().ask(text("1.2.3.4"), GET_HEALTH)
    assert answer.status == 400 and b"this port speaks TLS" in answer.body


@pytest.mark.parametrize("header", [text("1.2.3.4"), binary("1.2.3.4")])
def test_on_an_ordinary_address_with_tls_a_header_is_refused_by_name(behind_tls, header):
    proxy = behind_tls("--listen", "tls:127.0.0.1:0")
    port = re.search(r"listening on 127\.0\.0\.1:(\d+) with TLS$", proxy.pushd.log(), re.MULTILINE)[1]
    with RawClient(("127.0.0.1", int(port))) as client:
        answer = client.ask(header + b"\x16\x03\x01")
    assert answer.status == 400 and b"this is a PROXY protocol header" in answer.body
    proxy.wait_for_line("connection refused address=127.0.0.1", "this is a PROXY")


def test_behind_a_proxy_a_forwarded_client_counts_if_the_header_names_a_trusted_proxy(behind):
    proxy = behind("--trusted-proxy", "10.0.0.0/8")
    assert proxy.client(text("10.0.0.5")).ask(handshake(X_Forwarded_For="1.2.3.4")).status == 101
    proxy.wait_for_line("opening address=1.2.3.4 ")
    assert proxy.client(text("11.0.0.5")).ask(handshake(X_Forwarded_For="5.6.7.8")).status == 101
    proxy.wait_for_line("opening address=11.0.0.5 ")


@pytest.mark.parametrize("extensions, status", [(TLS, 101), (b"", 403)])
def test_version_2_tells_that_the_client_used_tls(behind, extensions, status):
    proxy = behind()
    headers = {"Host": "push.example", "Origin": "https://push.example"}
    assert proxy.ask(binary("1.2.3.4", extensions), handshake(**headers)).status == status


def test_it_comes_before_unix_too(start, tmp_path):
    path = tmp_path / "proxied"
    pushd = start("--listen", "127.0.0.1:0", "--listen", f"proxy:unix:{path}", "--log-level", "debug")
    with RawClient(path) as client:
        client.send(text("1.2.3.4"))
        client.upgrade()
        wait_until(lambda: "opening address=1.2.3.4 " in pushd.log(), "the address in the header")
    with RawClient(path) as client:
        client.send(b"PROXY UNKNOWN\r\n")
        assert client.ask(PUBLISH).status == 403
