"""Response headers for browsers: no type guessing, no framing, CORS for listed origins."""

import http.client

import pytest
from support.raw import handshake

APP = "https://app.example"
PATHS = ["/", "/health", "/health/live", "/health/ready", "/metrics", "/nothing", "/ws", "/publish"]


@pytest.mark.parametrize("path", PATHS)
def test_no_answers_type_is_guessed(pushd, path):
    assert pushd.get(path).headers["x-content-type-options"] == "nosniff"


def test_refusals_have_the_header_too(pushd):
    assert pushd.raw().ask(b"nonsense\r\n\r\n").headers["x-content-type-options"] == "nosniff"
    assert pushd.raw().ask(handshake(Origin="http://evil.example")).headers["x-content-type-options"] == "nosniff"
    assert pushd.request("POST", "/publish?channel=c", "x").headers["x-content-type-options"] == "nosniff"


def test_pages_stand_in_no_frame(pushd):
    headers = pushd.get("/").headers
    assert headers["x-frame-options"] == "DENY"
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["frame-ancestors"] == policy["default-src"] == policy["form-action"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert "content-security-policy" not in pushd.get("/health").headers


def preflight(pushd, origin, path="/publish?channel=c", **changes):
    connection = http.client.HTTPConnection(*pushd.address, timeout=10)
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    connection.request("OPTIONS", path, headers=headers | changes)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


@pytest.mark.parametrize("allowed, shared", [(APP, APP), ("https://*.example", APP), ("*", "*")])
def test_a_preflight_of_a_listed_origin_is_answered(start, allowed, shared):
    response = preflight(start("--allow-origin", allowed, "--publish-key", "key"), APP)
    assert response.status == 204
    assert response.headers["access-control-allow-origin"] == shared
    assert "POST" in response.headers["access-control-allow-methods"]
    assert {"authorization", "content-type"} <= set(response.headers["access-control-allow-headers"].lower().split(", "))


def test_a_preflight_of_another_origin_is_not(start):
    response = preflight(start("--allow-origin", APP), "https://evil.example")
    assert response.status == 405
    assert "access-control-allow-origin" not in response.headers


def test_listed_origins_may_read_answers_and_errors(start):
    pushd = start("--allow-origin", APP, "--publish-key", "key")
    key = {"Authorization": "Bearer key"}
    for headers, status in ((key, 200), ({}, 401)):
        response = pushd.request("POST", "/publish?channel=c", "x", headers | {"Origin": APP})
        assert response.status == status
        assert response.headers["access-control-allow-origin"] == APP
        assert response.headers["vary"] == "Origin"
    for origin in ("https://evil.example", f"http://127.0.0.1:{pushd.port}"):
        assert "access-control-allow-origin" not in pushd.get("/health", {"Origin": origin}).headers
    assert "access-control-allow-origin" not in pushd.get("/health").headers


def test_the_next_answer_on_a_connection_is_its_own(start):
    raw = start("--allow-origin", APP).raw()
    request = b"GET /health HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
    assert raw.ask(request % b"Origin: https://app.example\r\n").headers["access-control-allow-origin"] == APP
    assert "access-control-allow-origin" not in raw.ask(request % b"").headers
    raw.ask(request % b"Origin: https://app.example\r\n")
    assert "access-control-allow-origin" not in raw.ask(b"nonsense\r\n\r\n").headers
