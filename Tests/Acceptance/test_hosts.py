"""DNS rebinding: over loopback, every request must name a host of this server."""

import json

import pytest
from support import own_address
from support.raw import handshake

PATHS = ["/", "/health", "/health/live", "/metrics", "/publish?channel=c", "/ws", "/nothing"]


def ask(pushd, path, host):
    if path == "/ws":
        return pushd.raw().ask(handshake(Host=host, Origin=f"http://{host}"))
    method, body = ("POST", "hello") if path.startswith("/publish") else ("GET", None)
    return pushd.request(method, path, body, {"Host": host, "Origin": f"http://{host}"})


def expected(path):
    return {"/ws": 101, "/nothing": 404}.get(path, 200)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("options", [[], ["--allow-origin", "*"]])
def test_a_foreign_name_is_refused(start, path, options):
    response = ask(start(*options), path, "evil.example:8081")
    assert response.status == 403
    assert "--allow-host" in json.loads(response.body)["error"]


@pytest.mark.parametrize("host", ["localhost", "app.localhost:8081", "127.0.0.1:8081", "[::1]:8081", "192.0.2.7"])
def test_addresses_and_localhost_are_taken(pushd, host):
    assert [ask(pushd, path, host).status for path in PATHS] == [expected(path) for path in PATHS]


def test_listed_names_are_taken(start):
    pushd = start("--allow-host", "push.example", "--allow-host", "*.below.example", "--allow-origin", "https://app.example")
    for host in ("push.example", "a.b.below.example:8081", "app.example"):
        assert [ask(pushd, path, host).status for path in PATHS] == [expected(path) for path in PATHS]
    assert ask(pushd, "/health", "evil.example").status == 403


def test_a_unix_socket_is_asked_by_no_page(start, tmp_path):
    pushd = start("--listen", f"unix:{tmp_path}/socket")
    assert [ask(pushd, path, "push.example").status for path in PATHS] == [expected(path) for path in PATHS]


def test_other_machines_may_use_any_name(start):
    if not (address := own_address()):
        pytest.skip("this machine has no address but loopback")
    pushd = start("--listen", "0.0.0.0:0")
    pushd.host = address
    assert ask(pushd, "/health", "push.example").status == 200
