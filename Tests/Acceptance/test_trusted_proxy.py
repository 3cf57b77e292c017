"""Proxies that are trusted to report their clients' addresses: --trusted-proxy."""

import json

import pytest
from support import wait_until
from support.raw import RawClient, handshake

NETS = ["127.0.0.1", "127.0.0.0/8"]


def upgrade(pushd, **headers):
    """The status of the response; the client stays connected."""
    return pushd.raw().ask(handshake(**headers)).status


@pytest.fixture(params=["tcp", "unix"])
def behind_proxy(start, tmp_path, request):
    """Starts a pushd behind a trusted proxy, over TCP or a unix socket."""
    listen, net = ("127.0.0.1:0", "127.0.0.0/8") if request.param == "tcp" else (f"unix:{tmp_path}/socket", "unix")
    return lambda *options: start("--listen", listen, "--trusted-proxy", net, *options)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("name, form", [("X_Forwarded_For", "6.6.6.6, {}"), ("Forwarded", "for=6.6.6.6, for={};proto=http")])
def test_limits_are_those_of_the_address_in_the_header(behind_proxy, name, form, workers):
    pushd = behind_proxy("--max-connections-per-address", "2", "--workers", workers)
    for address in ("1.2.3.4", "1.2.3.5"):
        headers = {name: form.format(address)}
        assert [upgrade(pushd, **headers) for _ in range(3)] == [101, 101, 503]


def test_rates_are_those_of_the_address_in_the_header(behind_proxy):
    pushd = behind_proxy("--max-connect-rate-per-address", "1")
    assert [upgrade(pushd, X_Forwarded_For=f"192.0.2.{number}") for number in range(20)] == [101] * 20
    wait_until(lambda: upgrade(pushd, X_Forwarded_For="192.0.2.99") == 503, "two in a second")


def test_an_address_is_free_again_when_its_client_has_gone(behind_proxy):
    pushd = behind_proxy("--max-connections-per-address", "1")
    client = pushd.raw()
    assert client.ask(handshake(X_Forwarded_For="1.2.3.4")).status == 101
    assert upgrade(pushd, X_Forwarded_For="1.2.3.4") == 503
    client.close()
    wait_until(lambda: upgrade(pushd, X_Forwarded_For="1.2.3.4") == 101, "a free place")


@pytest.mark.parametrize("options", [[], ["--trusted-proxy", "127.0.0.2"], ["--trusted-proxy", "10.0.0.0/8"]])
def test_of_others_the_header_says_nothing(start, options):
    pushd = start("--max-connections-per-address", "1", *options)
    statuses = [upgrade(pushd, X_Forwarded_For=f"1.2.3.{number}") for number in range(2)]
    assert statuses == [101, 503]


def test_what_is_no_address_leaves_the_proxys(behind_proxy, request):
    pushd = behind_proxy("--max-connections-per-address", "1", "--log-level", "debug")
    for value in ("unknown", "_hidden", "1.2.3.4, unknown"):
        upgrade(pushd, X_Forwarded_For=value)
    assert pushd.log().count(f"address={'unix' if pushd.unix_path else '127.0.0.1'} ") >= 3


def test_logs_show_the_address_in_the_header(behind_proxy):
    pushd = behind_proxy("--log-level", "debug")
    assert upgrade(pushd, X_Forwarded_For="2001:db8::7") == 101
    assert upgrade(pushd, X_Forwarded_For="1.2.3.4:5678", Origin="http://evil.example") == 403
    wait_until(lambda: "opening address=2001:db8::7 " in pushd.log(), "the client that was let in")
    wait_until(lambda: "handshake refused address=1.2.3.4 " in pushd.log(), "the client that was refused")


def test_without_proxies_logs_show_the_address_of_the_connection(start):
    pushd = start("--listen", "0", "--log-level", "debug")
    assert upgrade(pushd, X_Forwarded_For="1.2.3.4") == 101
    wait_until(lambda: "opening address=127.0.0.1 " in pushd.log(), "the address")


@pytest.mark.parametrize("headers", [{"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}])
def test_a_request_that_was_passed_on_is_never_this_machines(behind_proxy, headers):
    pushd = behind_proxy()
    assert pushd.request("POST", "/publish?channel=c", "hello", headers).status == 403
    assert pushd.get("/metrics", headers).status == 403


@pytest.mark.parametrize(
    "origin, headers, status",
    [
        ("https://push.example", {"X_Forwarded_Proto": "https"}, 101),
        ("https://push.example", {"X_Forwarded_Proto": "wss"}, 101),
        ("https://push.example", {"Forwarded": "for=1.2.3.4;proto=https"}, 101),
        ("https://push.example", {"X_Forwarded_Proto": "http"}, 403),
        ("https://push.example", {}, 403),
        ("http://push.example", {"X_Forwarded_Proto": "https"}, 403),
        ("http://push.example", {}, 101),
        ("https://evil.example", {"X_Forwarded_Proto": "https"}, 403),
    ],
)
def test_the_scheme_at_the_proxy_is_the_pages(behind_proxy, origin, headers, status):
    pushd = behind_proxy("--allow-host", "push.example")
    assert upgrade(pushd, Host="push.example", Origin=origin, **headers) == status


def test_the_scheme_of_others_says_nothing(start):
    pushd = start("--allow-host", "push.example")
    headers = {"Host": "push.example", "Origin": "https://push.example", "X_Forwarded_Proto": "https"}
    assert upgrade(pushd, **headers) == 403


def test_over_loopback_a_trusted_proxy_is_asked_for_its_host_too(behind_proxy):
    """An attacker who points a name at this machine can also forge headers (DNS rebinding)."""
    pushd = behind_proxy()
    answer = pushd.raw().ask(handshake(Host="evil.example", X_Forwarded_For="1.2.3.4"))
    assert answer.status == (101 if pushd.unix_path else 403)


@pytest.mark.parametrize("net", NETS)
def test_a_trusted_proxy_has_as_many_sockets_as_it_likes(start, net):
    pushd = start("--max-sockets-per-address", "2", "--trusted-proxy", net)
    clients = [pushd.raw() for _ in range(8)]
    assert [json.loads(client.ask(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").body)["status"] for client in clients] == ["ok"] * 8


def test_ipv4_is_recognised_over_a_socket_of_both_families(start):
    pushd = start("--listen", "0", "--trusted-proxy", "127.0.0.1", "--log-level", "debug")
    with RawClient(("127.0.0.1", pushd.port)) as client:
        assert client.ask(handshake(X_Forwarded_For="1.2.3.4")).status == 101
    wait_until(lambda: "opening address=1.2.3.4 " in pushd.log(), "the address in the header")
