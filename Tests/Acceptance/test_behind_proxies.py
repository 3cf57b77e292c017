"""Debian's nginx, HAProxy and Caddy in front of pushd, with the configurations of docs/deploy."""

import pytest
from support import free_port, wait_until
from support.certificates import Authority
from support.h2_client import H2Client
from support.proxies import NAME, PROXIES, HAProxy, Nginx
from support.raw import CLOSE, PING, PONG, TEXT, Frame
from support.tls import trusting
from websockets.exceptions import ConnectionClosed, InvalidStatus

SITE = f"https://{NAME}"
OPTIONS = ["--allow-origin", SITE, "--trusted-proxy", "127.0.0.1"]  # from the command on each page
KINDS = pytest.mark.parametrize("kind", PROXIES, ids=lambda kind: kind.program)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def serve(start, tmp_path, authority):
    """Starts a pushd with these options behind a proxy with these changes."""
    running = []

    def serve(kind, *more, options=OPTIONS, changes=(), port=None):
        if not kind.is_installed():
            pytest.skip(f"no {kind.program} here")
        pushd = start(*options, *more)
        directory = tmp_path / f"proxy{len(running)}"
        directory.mkdir()
        running.append(kind(directory, authority, port or pushd.port, changes=changes))
        return running[-1], pushd

    yield serve
    for proxy in running:
        proxy.stop()
        print(proxy.log())  # shown if the test failed


def refusal(connect, *arguments, **options):
    """The HTTP status of a refused WebSocket."""
    with pytest.raises(InvalidStatus) as refused:
        connect(*arguments, **options)
    return refused.value.response.status_code


def close_code(client):
    with pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=10)
    return closed.value.rcvd and closed.value.rcvd.code


# Messages


@KINDS
def test_pages_of_the_site_get_what_is_published(serve, kind):
    proxy, pushd = serve(kind)
    plain = [proxy.connect("c", origin=SITE) for _ in range(3)]
    wrapped = proxy.connect("c", origin=SITE, subprotocols=["pushd.v1"])
    assert wrapped.subprotocol == "pushd.v1"
    sent = ["text", "x" * 200_000, b"\xff\x00"]
    for payload in sent:
        assert pushd.publish("c", payload) == 4
    for client in plain:
        assert [client.recv(timeout=5) for _ in sent] == sent
    assert wrapped.recv(timeout=5) == '{"channel":"c","data":"text"}'


@KINDS
def test_compression_is_agreed_on_through_it(serve, kind):
    proxy, pushd = serve(kind, "--compression", "on")
    client = proxy.connect("c", origin=SITE, compression="deflate")
    assert "permessage-deflate" in client.response.headers["Sec-WebSocket-Extensions"]
    pushd.publish("c", "x" * 10_000)
    assert client.recv(timeout=5) == "x" * 10_000


@KINDS
def test_publishing_through_it_needs_a_key(serve, kind):
    proxy, _ = serve(kind)
    assert proxy.request("POST", "/publish?channel=c", "x").status == 403
    assert proxy.request("GET", "/metrics").status == 403
    assert proxy.request("GET", "/health").status == 200


@KINDS
def test_a_publisher_with_a_key_may_send_the_largest_message(serve, kind):
    proxy, pushd = serve(kind, "--publish-key", "key")
    client = proxy.connect("c", max_size=None)
    key = {"Authorization": "Bearer key"}
    largest = "x" * (1 << 20)
    assert proxy.request("POST", "/publish?channel=c", largest, key).status == 200
    assert client.recv(timeout=10) == largest
    assert proxy.request("POST", "/publish?channel=c", largest + "x", key).status == 413
    assert pushd.health()["connections"] == 1


@KINDS
def test_each_event_of_a_stream_is_passed_on_at_once(serve, kind):
    proxy, pushd = serve(kind, "--ping-interval", "1")
    connection = proxy.http()
    connection.request("GET", "/sse?channel=c", headers={"Origin": SITE})
    response = connection.getresponse()
    assert response.status == 200 and response.headers["Content-Type"] == "text/event-stream"
    assert response.headers["Access-Control-Allow-Origin"] == SITE
    lines = (line for line in iter(response.readline, b"") if line != b":\n")
    assert next(lines).startswith(b"retry: ")
    for number in range(3):
        assert pushd.publish("c", f"event {number}") == 1
        assert [next(lines), next(lines)] == [f"data: event {number}\n".encode(), b"\n"]
    response.close()
    connection.close()  # HAProxy notices when it passes on the next comment
    wait_until(lambda: pushd.health()["connections"] == 0, "the end of the stream")


# How a connection ends


@KINDS
def test_the_servers_close_code_reaches_the_client(serve, kind):
    proxy, pushd = serve(kind)
    rude, patient = proxy.connect("c"), proxy.connect("c")
    rude.send("x" * 70_000)
    assert close_code(rude) == 1009
    pushd.signal()
    assert close_code(patient) == 1001
    assert pushd.wait() == 0


@KINDS
def test_the_clients_close_code_reaches_the_server(serve, kind):
    proxy, pushd = serve(kind)
    client = proxy.raw("/ws")
    client.send_frame(CLOSE, (4000).to_bytes(2, "big") + b"bye")
    assert client.read_close_code() == 4000  # as received by pushd
    wait_until(lambda: closed(pushd, "client") == 1, "a counted close")


@KINDS
def test_a_client_that_vanishes_is_noticed(serve, kind):
    proxy, pushd = serve(kind)
    client = proxy.raw("/ws?channel=c")
    assert pushd.health()["connections"] == 1
    client.reset()
    wait_until(lambda: pushd.health()["connections"] == 0, "no connection")
    wait_until(lambda: closed(pushd, "aborted") == 1, "a counted end")


def closed(pushd, reason):
    return pushd.metrics().sum("pushd_connections_closed_total", reason=reason)


# An idle hour, shortened to seconds


@KINDS
def test_pings_keep_an_idle_connection_open(serve, kind):
    changes = [kind.idle_time] if kind.idle_time else []
    proxy, pushd = serve(kind, "--ping-interval", "1", "--pong-timeout", "1", changes=changes)
    client = proxy.raw("/ws?channel=c")
    for _ in range(4):  # twice as long as the proxy waits
        ping = client.read_frame()
        assert ping.opcode == PING
        client.send_frame(PONG, ping.payload)
    assert pushd.publish("c", "still here") == 1
    assert client.read_frame() == Frame(TEXT, b"still here")


@pytest.mark.parametrize("kind", [Nginx, HAProxy], ids=lambda kind: kind.program)
def test_without_pings_the_proxy_cuts_it_and_that_is_counted(serve, kind):
    proxy, pushd = serve(kind, "--ping-interval", "600", changes=[kind.idle_time])
    assert proxy.raw("/ws").is_closed()
    wait_until(lambda: closed(pushd, "aborted") == 1, "a counted end")


# The client's address


@KINDS
def test_limits_are_for_the_clients_address(serve, kind):
    proxy, _ = serve(kind, "--max-connections-per-address", "1")
    check_that_each_address_may_connect_once(proxy)
    client = proxy.connect(source="127.0.0.4")
    for forged in ({"X-Forwarded-For": "192.0.2.1"}, {"Forwarded": "for=192.0.2.1"}):
        assert refusal(proxy.connect, source="127.0.0.4", additional_headers=forged) == 503
    client.close()


@pytest.mark.parametrize("version", ["send-proxy", "send-proxy-v2"])
def test_limits_are_for_the_address_of_the_proxy_protocol(serve, version):
    port = free_port()
    changes = [("server node1 10.0.0.11:8081", f"server node1 10.0.0.11:8081 {version}"), ("    option forwardfor\n", "")]
    addresses = ["--listen", "127.0.0.1:0", "--listen", f"proxy:127.0.0.1:{port}"]
    proxy, _ = serve(HAProxy, *addresses, "--max-connections-per-address", "1", changes=changes, port=port)
    check_that_each_address_may_connect_once(proxy)
    assert "DOWN" not in proxy.log()


def check_that_each_address_may_connect_once(proxy):
    clients = [proxy.connect(source=source) for source in ("127.0.0.2", "127.0.0.3")]
    assert refusal(proxy.connect, source="127.0.0.2") == 503
    clients[0].close()
    wait_until(lambda: can_connect(proxy, "127.0.0.2"), "a place for its next connection")


def can_connect(proxy, source):
    try:
        proxy.connect(source=source).close()
        return True
    except InvalidStatus:
        return False


# Below a path


@KINDS
def test_everything_is_found_below_a_path(serve, kind):
    proxy, _ = serve(kind, "--path-prefix", "/push", "--publish-key", "key", changes=[kind.below_a_path])
    client = proxy.connect("c", target="/push/ws", origin=SITE)
    key = {"Authorization": "Bearer key"}
    assert proxy.request("POST", "/push/publish?channel=c", "hello", key).status == 200
    assert client.recv(timeout=5) == "hello"
    for path in ("/push/", "/push/health", "/push/health/ready"):
        assert proxy.request("GET", path).status == 200, path


# Origins


@KINDS
def test_a_page_of_another_site_is_refused_and_the_log_says_how_to_admit_it(serve, kind):
    proxy, pushd = serve(kind)
    assert refusal(proxy.connect, origin="https://evil.example") == 403
    (line,) = wait_until(lambda: [line for line in pushd.log().splitlines() if "refused" in line], "a line")
    assert "origin=https://evil.example" in line and f"host={NAME}" in line and "--allow-origin" in line


@KINDS
def test_pages_of_its_own_origin_need_not_be_listed(serve, kind):
    """Each proxy sends X-Forwarded-Proto."""
    proxy, _ = serve(kind, options=["--allow-host", NAME, "--trusted-proxy", "127.0.0.1"])
    proxy.connect(origin=SITE).close()
    assert refusal(proxy.connect, origin=f"http://{NAME}") == 403


@KINDS
def test_a_site_on_a_port_of_its_own(serve, kind):
    proxy, _ = serve(kind, "--allow-origin", f"{SITE}:8443")
    proxy.connect(name=f"{NAME}:8443", origin=f"{SITE}:8443").close()
    assert refusal(proxy.connect, name=f"{NAME}:8443", origin=f"{SITE}:9443") == 403


@pytest.mark.parametrize("host", ["$host", "$host:$server_port", "$host:443"])
def test_other_ways_to_pass_the_host_on_work_too(serve, host):
    proxy, _ = serve(Nginx, changes=[("Host $http_host;", f"Host {host};")])
    proxy.connect(origin=SITE).close()


def test_a_host_that_is_not_passed_on_is_refused_and_the_log_says_why(serve):
    proxy, pushd = serve(Nginx, changes=[("        proxy_set_header Host $http_host;\n", "")])
    assert refusal(proxy.connect, origin=SITE) == 403
    line = wait_until(lambda: [line for line in pushd.log().splitlines() if "refused" in line], "a line")[0]
    assert "host=pushd" in line and "--allow-host" in line


def test_an_upgrade_that_is_not_passed_on_is_refused(serve):
    proxy, _ = serve(Nginx, changes=[("        proxy_set_header Upgrade $http_upgrade;\n", "")])
    assert refusal(proxy.connect, origin=SITE) == 426


# HTTP/2


@KINDS
def test_requests_over_http_2(serve, kind, authority):
    proxy, _ = serve(kind)
    client = H2Client(proxy.address, trusting(authority), NAME)
    assert client.get("/health").status == 200
    client.close()


@KINDS
def test_an_event_stream_over_http_2(serve, kind, authority):
    proxy, pushd = serve(kind)
    client = H2Client(proxy.address, trusting(authority), NAME)
    assert client.open_stream("/sse?channel=c") == 200
    assert pushd.publish("c", "hello") == 1
    while not client.received.endswith(b"data: hello\n\n"):
        assert client.receive_more()
    client.close()
    wait_until(lambda: pushd.health()["connections"] == 0, "the end of the stream")


def test_a_websocket_over_http_2(serve, authority):
    proxy, pushd = serve(HAProxy)
    client = H2Client(proxy.address, trusting(authority), NAME)
    response = client.open_websocket("/ws?channel=c", origin=SITE, sec_websocket_protocol="pushd.v1")
    assert (response.status, response.headers["sec-websocket-protocol"]) == (200, "pushd.v1")
    assert pushd.publish("c", "hello") == 1
    assert client.read_json() == {"channel": "c", "data": "hello"}
    client.send_frame(TEXT, b'{"action":"ping"}')
    assert client.read_json() == {"action": "pong"}
    client.send_frame(CLOSE, (4000).to_bytes(2, "big"))
    assert client.read_frame() == Frame(CLOSE, (4000).to_bytes(2, "big"))
    wait_until(lambda: closed(pushd, "client") == 1, "a counted close")
    client.close()


def test_a_foreign_page_is_refused_over_http_2_too(serve, authority):
    proxy, _ = serve(HAProxy)
    client = H2Client(proxy.address, trusting(authority), NAME)
    assert client.open_websocket("/ws", origin="https://evil.example").status == 403
    client.close()


