"""Attacks with tokens on channels and connections: each test is named after one, and succeeds if it does not.

Those on the token itself are in Tests/TokensTests/AttackTests.swift.
"""

import contextlib
import json
import time
from urllib.parse import quote

import pytest
from support import wait_until
from support.raw import handshake
from support.tokens import Key
from websockets.exceptions import ConnectionClosed

RULES = (
    "--channel", "private.open: subscribe=token publish=token",
    "--channel", "private.*: subscribe=token publish=token",
    "--channel", "nobody.*: subscribe=nobody",
)


@pytest.fixture
def key(tmp_path):
    return Key(tmp_path, "HS256")


@pytest.fixture
def server(start, key):
    return start(*key.options, *RULES)


@pytest.fixture
def client(server, key):
    """A client that may subscribe and publish to channels of its own."""
    token = key.token(pushd={"subscribe": ["private.42.*"], "publish": ["private.42.*"]})
    return server.connect("private.42.a", additional_headers={"Authorization": f"Bearer {token}"})


def ask(client, **command):
    client.send(json.dumps(command))
    return json.loads(client.recv(timeout=5))


def status(server, query, key, **claims):
    return server.raw().ask(handshake(f"/ws?{query}", Authorization=f"Bearer {key.token(**claims)}")).status


def test_channel_in_the_url_without_a_grant(server, key):
    assert status(server, "channel=private.43.a", key, pushd={"subscribe": ["private.42.*"]}) == 403
    assert status(server, "channel=private.42.a&channel=private.43.a", key, pushd={"subscribe": ["private.42.*"]}) == 403


def test_subscribe_command_without_a_grant(client):
    assert ask(client, action="subscribe", channel="private.43.a")["code"] == "not_allowed"


def test_subscribe_to_several_channels_of_which_one_is_granted(client):
    client.send(json.dumps({"action": "subscribe", "channels": ["private.42.b", "private.43.b"]}))
    replies = [json.loads(client.recv(timeout=5)) for _ in range(2)]
    assert [reply.get("status", reply.get("code")) for reply in replies] == ["subscribed", "not_allowed"]


def test_replace_with_a_channel_without_a_grant(server, client):
    assert ask(client, action="subscribe", channel="private.43.a", replace=True)["code"] == "not_allowed"
    assert server.publish("private.42.a", "still") == 1
    assert server.publish("private.43.a", "no") == 0


def test_publish_without_a_grant(client):
    assert ask(client, action="publish", channel="private.43.a", data=1)["code"] == "not_allowed"


def test_publish_with_a_grant_for_subscribing_only(server, key):
    token = key.token(pushd={"subscribe": ["private.42.*"]})
    client = server.connect("private.42.a", additional_headers={"Authorization": f"Bearer {token}"})
    assert ask(client, action="publish", channel="private.42.a", data=1)["code"] == "not_allowed"


def test_a_channel_that_nobody_may_join_with_a_grant_for_all(server, key):
    assert status(server, "channel=nobody.a", key, pushd={"subscribe": ["*"]}) == 403


@pytest.mark.parametrize(
    "channel",
    ["private.42", "private.42%2Ea%2E", "private.420.a", "PRIVATE.42.a", "private%2E43.a", "private.42%00.a",
     " private.42.a", "private.42.a%0A"],
)
def test_other_spellings_of_a_channel(server, key, channel):
    """What is not the granted name is either refused or another channel, which has no private messages."""
    raw = server.raw()
    response = raw.ask(
        handshake(f"/ws?channel={channel.replace(' ', '%20')}",
                  Authorization=f"Bearer {key.token(pushd={'subscribe': ['private.42.a']})}")
    )
    if response.status == 101:
        assert server.publish("private.42.a", "secret") == 0
    else:
        assert response.status in (400, 401, 403)


@pytest.mark.parametrize("grant", ["private.42", "private.42.", "private.\\*", "private.%", "private.?*.z", "PRIVATE.*", "private.42.a\\"])
def test_grants_do_not_match_more_than_they_say(server, key, grant):
    assert status(server, "channel=private.42.a", key, pushd={"subscribe": [grant]}) == 403


def test_a_channel_with_a_star_in_its_name(server, key):
    """A star in a subscription is a name, and no pattern."""
    token = key.token(pushd={"subscribe": ["private.42.a"]})
    assert server.raw().ask(handshake(f"/ws?channel={quote('private.*')}&token={token}")).status == 403


def test_the_same_text_in_another_unicode_form(server, key):
    composed, decomposed = "private.\u00e9", "private.e\u0301"
    assert status(server, f"channel={quote(decomposed)}", key, pushd={"subscribe": [composed]}) == 403


def test_two_different_tokens(server, key):
    one, other = key.token(), key.token(sub="43")
    for query, headers in (
        (f"token={one}", {"Authorization": f"Bearer {other}"}),
        (f"token={one}&token={other}", {}),
        (f"token={one}", {"Sec-WebSocket-Protocol": f"bearer, {other}"}),
    ):
        assert server.raw().ask(handshake(f"/ws?{query}", **headers)).status == 400


def test_the_name_of_another_user_in_the_url(server, key):
    assert status(server, "user_id=43", key) == 400
    assert status(server, "user_id=4%32", key) == 101
    assert status(server, "user_id=43", key, sub=None) == 400


def test_more_channels_in_a_token_than_a_client_may_have(start, key):
    pushd = start(*key.options, "--max-channels", "2")
    assert status(pushd, "", key, channels=["a", "b", "c"]) == 400


def test_a_bad_token_is_no_anonymous_client(server, key):
    assert server.raw().ask(handshake(f"/ws?channel=public&token={key.token(exp=1)}")).status == 401


def test_the_header_of_an_earlier_request(server, key):
    """A token counts for its request only, and not for the next one on the connection."""
    raw = server.raw()
    token = key.token(pushd={"subscribe": ["private.*"]})
    raw.ask(handshake("/ws?channel=nobody.a", Authorization=f"Bearer {token}"))
    try:
        assert raw.ask(handshake("/ws?channel=private.a")).status == 401
    except (ConnectionError, AssertionError, EOFError, TimeoutError):
        pass  # the connection ended with the refusal


# Refreshing


def test_refresh_to_another_user(server, client, key):
    for other in (key.token(sub="43"), key.token(sub=None), key.token(sub="42\u0301")):
        assert ask(client, action="refresh", token=other)["code"] == "wrong_user"
    assert server.publish("private.42.a", "still") == 1


def test_refresh_with_a_bad_token(client, key):
    for token in (key.token(exp=1), "x", "", key.token()[:-4]):
        assert ask(client, action="refresh", token=token)["code"] == "invalid_token"
    assert ask(client, action="refresh")["code"] == "bad_request"
    assert ask(client, action="refresh", token=7)["code"] == "bad_request"


def test_refresh_without_a_token_before(server, key):
    client = server.connect("public")
    token = key.token(pushd={"subscribe": ["private.*"]})
    assert ask(client, action="refresh", token=token)["code"] == "not_allowed"
    assert ask(client, action="subscribe", channel="private.a")["code"] == "token_required"


def test_refresh_takes_rights_away(server, key):
    token = key.token(pushd={"subscribe": ["private.*"], "publish": ["private.*"]})
    client = server.connect(
        "private.a", "private.b", additional_headers={"Authorization": f"Bearer {token}"}, subprotocols=["pushd.v1"]
    )
    less = key.token(pushd={"subscribe": ["private.b"]})
    client.send(json.dumps({"action": "refresh", "token": less}))
    told, reply = (json.loads(client.recv(timeout=5)) for _ in range(2))
    if told.get("status"):
        told, reply = reply, told
    assert told["event"] == "unsubscribed" and told["channel"] == "private.a" and told["code"] == "not_allowed"
    assert reply["status"] == "refreshed" and 3590 <= reply["expires_s"] <= 3600
    assert [server.publish(channel, "x") for channel in ("private.a", "private.b")] == [0, 1]
    assert json.loads(client.recv(timeout=5))["channel"] == "private.b"
    assert ask(client, action="publish", channel="private.b", data=1)["code"] == "not_allowed"


# Revocation


def revoke(pushd, **what):
    response = pushd.request("POST", "/v1/revoke", json.dumps(what))
    assert response.status == 200, response


def assert_closed(client):
    with pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=5)
    assert closed.value.rcvd.code == 4401


def test_a_revoked_token_in_every_carrier(start, key):
    pushd = start(*key.options, "--token-cookie", "session")
    token = key.token(iat=int(time.time()) - 5)
    assert pushd.raw().ask(handshake(Authorization=f"Bearer {token}")).status == 101  # it is cached
    revoke(pushd, user="42")
    for request in (
        handshake(Authorization=f"Bearer {token}"),
        handshake(f"/ws?token={token}"),
        handshake(Sec_WebSocket_Protocol=f"pushd.v1, bearer, {token}"),
        handshake(Cookie=f"session={token}"),
    ):
        assert pushd.raw().ask(request).status == 401


def test_refresh_to_a_revoked_token(server, key):
    client = server.connect("a", additional_headers={"Authorization": f"Bearer {key.token()}"})
    revoke(server, token="t-1")
    reply = ask(client, action="refresh", token=key.token(jti="t-1"))
    assert (reply["code"], reply["error"]) == ("invalid_token", "the token was revoked")


def test_refresh_after_the_revocation(server, key):
    """The connection has ended: the new token comes too late for it, and must be used to connect."""
    client = server.connect("a", additional_headers={"Authorization": f"Bearer {key.token(iat=1)}"})
    revoke(server, user="42")
    with contextlib.suppress(ConnectionClosed):  # the client may know already
        client.send(json.dumps({"action": "refresh", "token": key.token(iat=int(time.time()) + 5)}))
    assert_closed(client)


def test_a_token_that_was_refreshed_before_it_was_revoked(server, key):
    """The old token has no connection any more, and the new one is another token."""
    client = server.connect("a", additional_headers={"Authorization": f"Bearer {key.token(jti='old')}"})
    assert ask(client, action="refresh", token=key.token(jti="new"))["status"] == "refreshed"
    revoke(server, token="old")
    assert server.publish("a", "still") == 1 and client.recv(timeout=5) == "still"
    revoke(server, token="new")
    assert_closed(client)


def test_other_spellings_of_a_revoked_user(server, key):
    revoke(server, user="42")
    assert status(server, "", key, sub="42\u0301") == 101  # another user
    assert status(server, "", key, sub="42") == 401
    assert status(server, "", key, sub=None) == 101  # nobody's


def test_a_token_without_a_time_of_issue(server, key):
    revoke(server, user="42", issued_before=int(time.time()) - 3600)
    assert status(server, "", key) == 401
    assert status(server, "", key, iat=int(time.time())) == 101


def test_connecting_while_the_token_is_revoked(start, key, backend):
    """The backend is asked before the revocation, and allows the client afterwards."""
    pushd = start(*key.options, "--hook-connect", f"{backend.url}/connect")
    for what, claims in (({"token": "t-1"}, {"jti": "t-1"}), ({"user": "42"}, {"iat": int(time.time()) - 5})):
        assert connects_meanwhile(pushd, backend, lambda: revoke(pushd, **what), key.token(**claims)) == 401


def test_connecting_while_the_user_that_the_backend_names_is_revoked(start, backend):
    pushd = start("--hook-connect", f"{backend.url}/connect")
    backend.decide = lambda question: {"allow": True, "user": "42"}
    assert connects_meanwhile(pushd, backend, lambda: revoke(pushd, user="42")) == 401
    wait_until(lambda: pushd.raw().ask(handshake()).status == 101, "a client that the backend allows later", pause=0.2)


def connects_meanwhile(pushd, backend, act, token=None):
    """The status of a handshake whose question to the backend is answered after `act`."""
    backend.conduct, backend.delay = "slow", 0.5
    asked = len(backend.questions)
    client = pushd.raw()
    client.send(handshake(Authorization=f"Bearer {token}" if token else None))
    wait_until(lambda: len(backend.questions) > asked, "a question")
    act()
    response = client.read_response()
    backend.conduct = "answer"
    return response.status


def test_subscribing_while_the_token_is_revoked(start, key, backend):
    pushd = start(*key.options, "--hook-subscribe", f"{backend.url}/subscribe", "--channel", "asked.*: subscribe=ask")
    client = pushd.connect("a", additional_headers={"Authorization": f"Bearer {key.token(jti='t-1')}"})
    backend.conduct, backend.delay = "slow", 0.5
    client.send(json.dumps({"action": "subscribe", "channel": "asked.x"}))
    wait_until(lambda: backend.questions, "a question")
    revoke(pushd, token="t-1")
    assert_closed(client)
    wait_until(lambda: json.loads(pushd.get("/v1/channels").body)["channels"] == [], "no channel")


# Expiry


def test_staying_beyond_exp(server, key):
    end = int(time.time()) + 3
    headers = {"Authorization": f"Bearer {key.token(exp=end)}"}
    modern = server.connect("a", additional_headers=headers, subprotocols=["pushd.v1"])
    plain = server.connect("a", additional_headers=headers)
    event = json.loads(modern.recv(timeout=5))
    assert event["event"] == "expiring" and 0 < event["in_s"] <= 3
    for client in (modern, plain):
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=10)
        assert closed.value.rcvd.code == 4401
        assert time.time() >= end
    assert server.publish("a", "late") == 0


def test_refreshing_before_exp_keeps_the_connection(server, key):
    end = int(time.time()) + 2
    headers = {"Authorization": f"Bearer {key.token(exp=end)}"}
    client = server.connect("a", additional_headers=headers, subprotocols=["pushd.v1"])
    assert json.loads(client.recv(timeout=5))["event"] == "expiring"
    witness = server.connect("a", additional_headers=headers)
    assert ask(client, action="refresh", token=key.token(exp=end + 3600))["status"] == "refreshed"
    with pytest.raises(ConnectionClosed):
        witness.recv(timeout=10)  # the old token's end has passed
    assert server.publish("a", "here") == 1
    assert json.loads(client.recv(timeout=5))["data"] == "here"


def test_refreshing_to_an_earlier_end(server, key):
    client = server.connect("a", additional_headers={"Authorization": f"Bearer {key.token()}"})
    assert ask(client, action="refresh", token=key.token(exp=int(time.time()) + 2))["status"] == "refreshed"
    with pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=10)
    assert closed.value.rcvd.code == 4401
