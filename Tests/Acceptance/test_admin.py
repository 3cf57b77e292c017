"""Access to /metrics and the full /health: from this machine, with --admin, with --api-key."""

import json
import re

import pytest
from support import own_address
from support.raw import handshake

BEARER, API_KEY = {"Authorization": "Bearer right"}, {"X-API-Key": "right"}
ADMIN_PATHS = ["/metrics", "/v1", "/v1/nothing", "/admin", "/v1/channels"]
UNREACHABLE = ("--redis", "redis://127.0.0.1:1")


def statuses(pushd, headers=()):
    return [pushd.get(path, headers).status for path in ADMIN_PATHS]


def reason(pushd, headers=()):
    redis = json.loads(pushd.get("/health", headers).body)["redis"]
    assert redis["state"] == "disconnected"
    return redis.get("reason")


@pytest.fixture(params=["loopback", "unix"])
def near(start, tmp_path, request):
    """Starts a pushd and connects from this machine, over TCP or a unix socket."""
    listen = "127.0.0.1:0" if request.param == "loopback" else f"unix:{tmp_path}/socket"
    return lambda *options: start("--listen", listen, *options)


@pytest.fixture
def from_elsewhere(start):
    """Starts a pushd and connects from an address that is not loopback."""
    if not (address := own_address()):
        pytest.skip("this machine has no address but loopback")

    def start_far(*options):
        pushd = start("--listen", "0.0.0.0:0", *options)
        pushd.host = address
        return pushd

    return start_far


def test_this_machine_may_ask(near):
    pushd = near(*UNREACHABLE).wait_for_status("degraded")
    assert statuses(pushd) == [200, 404, 404, 404, 200]
    assert "127.0.0.1:1" in reason(pushd)


@pytest.mark.parametrize("field", ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"])
def test_a_proxy_on_this_machine_may_not(near, field):
    pushd = near(*UNREACHABLE).wait_for_status("degraded")
    headers = {field: "192.0.2.7"}
    assert statuses(pushd, headers) == [403] * 5
    assert reason(pushd, headers) is None
    assert pushd.get("/health/live", headers).status == pushd.get("/health/ready", headers).status == 200


def test_others_are_told_which_options_there_are(from_elsewhere):
    pushd = from_elsewhere(*UNREACHABLE).wait_for_status("degraded")
    assert statuses(pushd) == [403] * 5
    error = json.loads(pushd.get("/metrics").body)["error"]
    assert "--api-key" in error and "--admin" in error
    assert reason(pushd) is None
    assert pushd.get("/health/live").status == pushd.get("/health/ready").status == 200


def test_a_key_is_needed_on_this_machine_too(near):
    pushd = near("--api-key", "other", "--api-key", "right", *UNREACHABLE).wait_for_status("degraded")
    assert statuses(pushd) == statuses(pushd, {"X-API-Key": "wrong"}) == [401] * 5
    assert pushd.get("/metrics").headers["www-authenticate"] == "Bearer"
    assert reason(pushd) is None
    for right in (BEARER, API_KEY):
        assert statuses(pushd, right | {"X-Forwarded-For": "192.0.2.7"}) == [200, 404, 404, 404, 200]
        assert "127.0.0.1:1" in reason(pushd, right)


def test_a_key_opens_from_elsewhere(from_elsewhere, tmp_path):
    (tmp_path / "keys").write_text("first\nright\n")
    pushd = from_elsewhere("--api-key-file", str(tmp_path / "keys"))
    assert statuses(pushd) == [401] * 5
    assert statuses(pushd, API_KEY) == [200, 404, 404, 404, 200]


def test_a_publish_key_is_no_api_key(start):
    pushd = start("--publish-key", "publish", "--api-key", "right")
    assert pushd.get("/metrics", {"Authorization": "Bearer publish"}).status == 401
    assert pushd.request("POST", "/publish?channel=c", "x", API_KEY).status == 401


# --admin


def admin_of(pushd):
    """The same pushd at its admin address."""
    pushd.port = int(re.search(r"listening on 127.0.0.1:(\d+) for admin requests", pushd.log())[1])
    return pushd


def test_an_admin_address_is_the_only_one(start):
    pushd = start("--admin", "127.0.0.1:0", *UNREACHABLE).wait_for_status("degraded")
    assert statuses(pushd) == statuses(pushd, API_KEY) == [404] * 5
    assert reason(pushd) is None
    admin = admin_of(pushd)
    assert statuses(admin) == statuses(admin, {"X-Forwarded-For": "192.0.2.7"}) == [200, 404, 404, 404, 200]
    assert "127.0.0.1:1" in reason(admin)
    assert admin.get("/health/live").status == admin.get("/health/ready").status == 200


def test_an_admin_address_serves_nothing_else(start):
    admin = admin_of(start("--admin", "127.0.0.1:0"))
    assert admin.get("/").status == 404
    assert admin.request("POST", "/publish?channel=c", "x").status == 404
    assert admin.raw().ask(handshake()).status == 404


def test_an_admin_address_asks_for_the_key_too(start):
    admin = admin_of(start("--admin", "127.0.0.1:0", "--api-key", "right"))
    assert statuses(admin) == [401] * 5
    assert statuses(admin, API_KEY) == [200, 404, 404, 404, 200]


def test_an_admin_address_knows_its_name(start):
    admin = admin_of(start("--admin", "127.0.0.1:0"))
    assert admin.get("/metrics", {"Host": "evil.example"}).status == 403


def test_an_open_admin_address_is_told_at_the_start(start):
    assert "metrics: anyone who reaches 0.0.0.0:0 (--api-key)" in start("--admin", "0.0.0.0:0").log()
    assert "metrics: this machine only (--api-key)" in start("--admin", "127.0.0.1:0").log()


def test_an_admin_address_may_be_a_unix_socket(start, tmp_path):
    pushd = start("--admin", f"unix:{tmp_path}/admin")
    assert pushd.get("/metrics").status == 404
    pushd.unix_path = f"{tmp_path}/admin"
    assert pushd.get("/metrics").status == 200


# Secrets


def test_a_secret_in_an_argument_is_warned_about_once(start, tmp_path):
    (tmp_path / "keys").write_text("right\n")
    pushd = start("--publish-key", "right", "--publish-key", "other", "--redis", "redis://:secret@127.0.0.1:1")
    warnings = [line for line in pushd.log().splitlines() if " warning every user" in line]
    assert [option for line in warnings for option in re.findall(r"--\S+-file", line)] == [
        "--publish-key-file", "--redis-password-file",
    ]
    assert "secret@" not in pushd.log() and "right" not in pushd.log()
    quiet = start("--publish-key-file", str(tmp_path / "keys"), PUSHD_API_KEY="right", PUSHD_REDIS="redis://:secret@127.0.0.1:1")
    assert "every user" not in quiet.log()
    assert [quiet.request("POST", "/publish?channel=c", "x", key).status for key in ({}, BEARER)] == [401, 503]


def test_there_are_no_core_dumps(pushd):
    with open(f"/proc/{pushd.process.pid}/limits", encoding="ascii") as limits:
        core = next(line for line in limits if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["1", "1"]
