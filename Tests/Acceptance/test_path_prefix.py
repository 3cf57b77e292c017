"""--path-prefix: everything is also served below a path, for proxies that do not remove it."""

import json

import pytest
from support.raw import CLOSE, encode_frame

PREFIX = ("--path-prefix", "/push/deep")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_everything_is_found_below_the_prefix_and_at_the_root(start, workers):
    pushd = start(*PREFIX, "--workers", workers)
    for root in ("", "/push/deep"):
        client = pushd.raw().upgrade(f"{root}/ws?channel=c")
        answer = pushd.request("POST", f"{root}/publish?channel=c", "hello")
        assert json.loads(answer.body) == {"channel": "c", "subscribers": 1}
        assert client.read_frame().payload == b"hello"
        client.send(encode_frame(CLOSE))
        assert client.read_frame().opcode == CLOSE
        for path in ("/health", "/health/live", "/health/ready", "/metrics", "/"):
            assert pushd.get(root + path).status == 200, path


@pytest.mark.parametrize("path", ["/push", "/push/ws", "/push/deeper/health", "/push/deep/nothing", "/PUSH/deep/health"])
def test_what_is_not_below_it_is_not_found(start, path):
    assert start(*PREFIX).get(path).status == 404


def test_without_it_nothing_is_found_there(pushd):
    assert pushd.get("/push/deep/health").status == 404


def test_what_is_asked_for_below_it_is_judged_as_elsewhere(start):
    pushd = start(*PREFIX, "--publish-key", "key", "--api-key", "key")
    assert pushd.request("POST", "/push/deep/publish?channel=c", "hello").status == 401
    assert pushd.get("/push/deep/metrics").status == 401
    assert pushd.get("/push/deep/health", {"Host": "evil.example"}).status == 403
    assert pushd.request("POST", "/push/deep/health").status == 405
    assert start(*PREFIX, "--admin", "127.0.0.1:0").get("/push/deep/metrics").status == 404


def test_the_prefix_itself_leads_to_the_page_below_it(start):
    pushd = start(*PREFIX)
    answer = pushd.get("/push/deep?user_id=u")
    assert (answer.status, answer.headers["location"]) == (308, "deep/?user_id=u")
    assert b"<title>" in pushd.get("/push/deep/").body
