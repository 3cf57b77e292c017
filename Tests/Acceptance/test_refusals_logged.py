"""Refused handshakes are logged for the operator, because browsers show nothing to their users."""

import json

import pytest
from support import wait_until
from support.raw import handshake


def lines(pushd):
    return [line for line in pushd.log().splitlines() if "handshake refused" in line]


@pytest.mark.parametrize(
    "headers, words",
    [
        ({"Origin": "http://evil.example"}, ["origin=http://evil.example", "host=localhost", "--allow-origin"]),
        ({"Host": "push.example:81"}, ["origin=none", "host=push.example:81", "--allow-host"]),
        ({"Sec_WebSocket_Version": "12"}, ["host=localhost", "reason="]),
        ({"Origin": "x" * 5000}, ["origin=" + "x" * 200 + " "]),
    ],
)
def test_a_refusal_names_host_origin_and_option(pushd, headers, words):
    assert pushd.raw().ask(handshake(**headers)).status in (403, 426)
    (line,) = wait_until(lambda: lines(pushd), "a line")
    assert " notice " in line
    for word in words:
        assert word in line


def test_what_a_client_sent_cannot_steer_a_terminal(pushd):
    assert pushd.raw().ask(handshake(Origin="http://x\x9b31m\u2028\x85")).status == 403
    (line,) = wait_until(lambda: lines(pushd), "a line")
    assert line.isascii() and line.isprintable()
    assert r"\u009b31m\u2028\u0085" in line


def test_a_full_server_says_so(start):
    pushd = start("--max-connections", "1")
    pushd.connect("c")
    assert pushd.raw().ask(handshake()).status == 503
    assert "--max-connections" in wait_until(lambda: lines(pushd), "a line")[0]


@pytest.mark.parametrize(
    "request_, status",
    [
        (handshake("/ws?" + "channel=" * 2000), 414),
        (handshake(Cookie="x" * 20_000), 431),
        (handshake(**{f"X-{number}": "1" for number in range(120)}), 431),
        (handshake("/ws?channel=a b"), 400),
    ],
)
def test_a_handshake_that_cannot_be_read_is_logged_too(pushd, request_, status):
    """For example, a browser with too many cookies shows only 1006."""
    response = pushd.raw().ask(request_)
    assert response.status == status
    (line,) = wait_until(lambda: [line for line in pushd.log().splitlines() if "request refused" in line], "a line")
    assert " notice " in line and f"status={status}" in line
    assert json.loads(response.body)["error"] in line


def notes(pushd, what):
    return [line for line in pushd.log().splitlines() if f"handshake {what}" in line]


def test_a_misspelt_parameter_is_named_with_the_known_ones(pushd):
    assert pushd.raw().ask(handshake("/ws?chanel=news"), has_body=False).status == 101
    (line,) = wait_until(lambda: notes(pushd, "with an unknown parameter"), "a line")
    for words in [" notice ", "parameter=chanel", "known=channel, user_id, context_takeover", "host=localhost"]:
        assert words in line, line


@pytest.mark.parametrize("offered, is_noted", [("pushd.v2", True), ("x, pushd.v1", False), (None, False)])
def test_subprotocols_of_which_none_is_known_are_logged(pushd, offered, is_noted):
    fields = {"Sec_WebSocket_Protocol": offered} if offered else {}
    assert pushd.raw().ask(handshake("/ws?channel=c&user_id=u", **fields), has_body=False).status == 101
    assert pushd.raw().ask(handshake("/ws?channel=c&x=1"), has_body=False).status == 101
    wait_until(lambda: notes(pushd, "with an unknown parameter"), "a line of the handshake behind it")
    lines_ = notes(pushd, "without a known subprotocol")
    assert len(lines_) == is_noted
    if is_noted:
        assert " notice " in lines_[0] and f"offered={offered}" in lines_[0] and "known=pushd.v1" in lines_[0]


def test_unknown_parameters_are_one_line_a_second(start):
    pushd = start("--log-level", "debug")
    for _ in range(50):
        assert pushd.raw().ask(handshake("/ws?chanel=news"), has_body=False).status == 101
    found = wait_until(lambda: len(seen := notes(pushd, "with an unknown parameter")) == 50 and seen, "a line for each")
    assert 1 <= sum(" notice " in line for line in found) < 40


def test_a_websocket_elsewhere_is_told_where_it_is(pushd):
    response = pushd.raw().ask(handshake("/"))
    assert (response.status, response.body) == (404, b'{"error":"the WebSocket is at /ws"}')
    (line,) = wait_until(lambda: lines(pushd), "a line")
    assert "reason=the WebSocket is at /ws" in line


@pytest.mark.parametrize("level, all_of_them", [("info", False), ("debug", True)])
def test_one_line_a_second_and_each_at_debug(start, level, all_of_them):
    pushd = start("--log-level", level)
    raw = pushd.raw()
    for _ in range(200):
        assert raw.ask(handshake(Origin="http://evil.example")).status == 403
    pushd.stop()
    notices = [line for line in lines(pushd) if " notice " in line]
    assert 1 <= len(notices) < 100
    assert (len(lines(pushd)) == 200) == all_of_them
