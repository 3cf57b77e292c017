"""Pusher's HTTP API below /apps/ID: what it does, and that nothing happens without the right signature."""

import hashlib
import json
import time
from urllib.parse import quote

import pytest
from support.pusher_client import APP, ID, KEY, SECRET, Client, library, query, sign

PATH = f"/apps/{ID}/events"
BODY = b'{"name":"e","channel":"news","data":"1"}'
OTHER = "--pusher-app", "78:key2:secret2"


@pytest.fixture
def server(start):
    return start(*APP, *OTHER, "--workers", "2")


def ask(server, method, path, body=b"", **parameters):
    response = server.request(method, f"{path}?{query(method, path, body, **parameters)}", body or None)
    assert response.status == 200, response
    return json.loads(response.body)


def client(server, *channels):
    client = Client(server).established()
    for channel in channels:
        client.joined(channel)
    return client


def post(server, parameters, path=PATH, body=BODY):
    return server.request("POST", f"{path}?{parameters}", body)


# Attacks


def signed(**parameters):
    return query("POST", PATH, BODY, **parameters)


def resigned(change):
    """The query with its signature changed."""
    front, _, signature = signed().rpartition("=")
    return f"{front}={change(signature)}"


def at(seconds):
    return signed(auth_timestamp=str(int(time.time()) + seconds))


ATTACKS = {
    "no signature": lambda: ("", PATH, BODY),
    "a wrong signature": lambda: (resigned(lambda signature: signature[:-1] + "x"), PATH, BODY),
    "an empty signature": lambda: (resigned(lambda _: ""), PATH, BODY),
    "a signature of other fields": lambda: (resigned(lambda _: sign(f"POST\n{PATH}\n")), PATH, BODY),
    "a signature in capitals": lambda: (resigned(str.upper), PATH, BODY),
    "a signature with something behind it": lambda: (resigned(lambda signature: signature + "0"), PATH, BODY),
    "a wrong secret": lambda: (query("POST", PATH, BODY, secret="other"), PATH, BODY),
    "the other application's secret": lambda: (query("POST", PATH, BODY, secret="secret2"), PATH, BODY),
    "the other application's key": lambda: (query("POST", PATH, BODY, auth_key="key2", secret="secret2"), PATH, BODY),
    "the other application's path": lambda: (signed(), "/apps/78/events", BODY),
    "no key": lambda: (signed(auth_key=None), PATH, BODY),
    "expired": lambda: (at(-601), PATH, BODY),
    "from the future": lambda: (at(+605), PATH, BODY),
    "no time": lambda: (signed(auth_timestamp=None), PATH, BODY),
    "no number as time": lambda: (signed(auth_timestamp="now"), PATH, BODY),
    "a time that overflows": lambda: (signed(auth_timestamp="-9223372036854775808"), PATH, BODY),
    "another version": lambda: (signed(auth_version="2.0"), PATH, BODY),
    "an altered body": lambda: (signed(), PATH, BODY.replace(b'"1"', b'"2"')),
    "a longer body": lambda: (signed(), PATH, BODY + b" "),
    "no body": lambda: (signed(), PATH, b""),
    "a body that is not signed": lambda: (query("POST", PATH), PATH, BODY),
    "an empty body_md5": lambda: (signed(body_md5=""), PATH, BODY),
    "body_md5 in capitals": lambda: (signed(body_md5=hashlib.md5(BODY).hexdigest().upper()), PATH, BODY),
    "body_md5 twice": lambda: (signed() + "&body_md5=" + hashlib.md5(BODY).hexdigest(), PATH, BODY),
    "a key twice": lambda: (f"auth_key={KEY}&{signed()}", PATH, BODY),
    "a key twice in other letters": lambda: (f"AUTH_KEY={KEY}&{signed()}", PATH, BODY),
    "a key twice, once escaped": lambda: (f"auth%5Fkey={KEY}&{signed()}", PATH, BODY),
    "a parameter that is not signed": lambda: (signed() + "&info=subscription_count", PATH, BODY),
    "another path's signature": lambda: (query("POST", f"/apps/{ID}/batch_events", BODY), PATH, BODY),
    "another method's signature": lambda: (query("GET", PATH, BODY), PATH, BODY),
    "a path with a slash at its end": lambda: (signed(), PATH + "/", BODY),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_without_the_right_signature_nothing_is_published(server, attack):
    here = client(server, "news")
    response = post(server, *ATTACKS[attack]())
    assert response.status in (401, 404) if "slash" in attack else response.status == 401, response
    assert "error" in json.loads(response.body)
    assert here.is_idle()
    assert post(server, signed()).status == 200
    assert here.read()["event"] == "e"


def test_parameters_come_in_any_order(server):
    here = client(server, "news")
    assert post(server, "&".join(reversed(signed().split("&")))).status == 200
    assert here.read()["event"] == "e"


def test_what_is_refused_is_refused_before_its_body(server):
    raw = server.raw()
    head = f"POST {PATH}?{signed()}x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000\r\n"
    raw.send(f"{head}Expect: 100-continue\r\n\r\n".encode())
    assert raw.read_response().status == 401


def test_an_unknown_application_is_forbidden_and_other_paths_are_not_there(server):
    assert post(server, "", "/apps/79/events").status == 403
    assert post(server, "", "/apps/77/nothing").status == 404
    assert server.get("/apps/77/events").status == 405


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[]", b'{"name":"e","channel":"news","data":{}}', b'{"name":"","channel":"news","data":"1"}',
        b'{"name":"pusher:error","channel":"news","data":"1"}', b'{"name":"e","channel":"a b","data":"1"}',
        json.dumps({"name": "e", "channels": ["a"] * 101, "data": "1"}).encode(),
        json.dumps({"name": "e", "channel": "x" * 201, "data": "1"}).encode(),
        json.dumps({"name": "e" * 201, "channel": "x", "data": "1"}).encode(),
    ],
)
def test_a_bad_body_is_a_bad_request(server, body):
    response = post(server, query("POST", PATH, body), body=body)
    assert response.status == 400, response


def test_a_body_has_a_limit(start):
    server = start(*APP, "--max-publish", "1000")
    body = json.dumps({"name": "e", "channel": "x", "data": "x" * 1000}).encode()
    assert post(server, query("POST", PATH, body), body=body).status == 413


@pytest.mark.parametrize("prefix", ["", "/push"])
def test_a_prefix_may_be_signed_or_not(start, prefix):
    server = start(*APP, "--path-prefix", "/push")
    here = Client(server, prefix="/push").established()
    here.joined("news")
    assert post(server, query("POST", prefix + PATH, BODY), "/push" + PATH).status == 200
    assert post(server, query("POST", prefix + PATH, BODY)).status == 200, "a proxy has taken it away"
    assert here.read() == here.read() == {"event": "e", "channel": "news", "data": "1"}


def test_names_in_paths_may_be_escaped(server):
    client(server, "cache-a=b")
    path = f"/apps/{ID}/channels/cache-a=b"
    escaped = f"/apps/{ID}/channels/{quote('cache-a=b')}"
    for signed_path in (path, escaped):
        assert server.get(f"{escaped}?{query('GET', signed_path)}").status == 200


# What it does


def test_an_event_leaves_out_a_connection_and_tells_of_channels(server):
    here, other = client(server, "news"), client(server, "news", "private-a")
    body = json.dumps({
        "name": "e", "channels": ["news", "private-a"], "data": "1", "socket_id": here.id,
        "info": "subscription_count"}).encode()
    assert ask(server, "POST", PATH, body) == {
        "channels": {"news": {"subscription_count": 2}, "private-a": {"subscription_count": 1}}}
    assert [other.read()["channel"], other.read()["channel"]] == ["news", "private-a"]
    assert here.is_idle()


def test_a_batch(server):
    here = client(server, "news", "more")
    events = [{"name": f"e{index}", "channel": "news", "data": str(index), "info": "subscription_count"}
              for index in range(10)]
    answer = ask(server, "POST", f"/apps/{ID}/batch_events", json.dumps({"batch": events}).encode())
    assert answer == {"batch": [{"subscription_count": 1}] * 10}
    assert [here.read()["event"] for _ in range(10)] == [f"e{index}" for index in range(10)]
    body = json.dumps({"batch": [*events, events[0]]}).encode()
    path = f"/apps/{ID}/batch_events"
    assert post(server, query("POST", path, body), path, body).status == 400


def test_channels_and_users(server):
    here, other = client(server, "news"), client(server)
    here.joined("presence-a", "1")
    other.joined("presence-a", "2")
    assert ask(server, "GET", f"/apps/{ID}/channels") == {"channels": {"news": {}, "presence-a": {}}}
    assert ask(server, "GET", f"/apps/{ID}/channels", filter_by_prefix="presence-", info="user_count") == {
        "channels": {"presence-a": {"user_count": 2}}}
    assert ask(server, "GET", f"/apps/{ID}/channels/presence-a", info="user_count,subscription_count") == {
        "user_count": 2, "subscription_count": 2, "occupied": True}
    assert ask(server, "GET", f"/apps/{ID}/channels/nothing") == {"occupied": False}
    assert ask(server, "GET", f"/apps/{ID}/channels/presence-a/users") == {"users": [{"id": "1"}, {"id": "2"}]}
    for path, parameters in [
        ("channels", {"info": "user_count"}), ("channels/news", {"info": "user_count"}), ("channels/news/users", {}),
        ("channels", {"info": "all"}), ("channels/a%20b", {}), ("channels", {"filter_by_prefix": "*"}),
    ]:
        path = f"/apps/{ID}/{path}"
        assert server.get(f"{path}?{query('GET', path, **parameters)}").status == 400, path


def test_users_get_events_and_are_sent_away(server):
    here, other = client(server), client(server)
    for each, user in ((here, "7"), (other, "8")):
        each.sign_in(user)
        each.send("pusher:subscribe", {"channel": f"#server-to-user-{user}", "auth": ""})
        assert each.read()["event"] == "pusher_internal:subscription_succeeded"
    assert ask(server, "POST", f"/apps/{ID}/users/7/events", b'{"name":"e","data":"1"}') == {}
    assert here.read() == {"event": "e", "channel": "#server-to-user-7", "data": "1"}
    ask(server, "POST", f"/apps/{ID}/users/7/terminate_connections", b"{}")
    frames, code = here.closed()
    assert code == 4009 and frames[-1]["data"]["code"] == 4009
    assert other.is_idle()


def test_the_library_signs_what_clients_need(server):
    here = client(server)
    application = library(server)
    auth = application.authenticate("private-a", here.id)["auth"]
    here.send("pusher:subscribe", {"channel": "private-a", "auth": auth})
    assert here.read()["event"] == "pusher_internal:subscription_succeeded"
    signed_in = application.authenticate_user(here.id, {"id": "7"})
    here.send("pusher:signin", signed_in)
    assert here.read()["event"] == "pusher:signin_success"
    assert SECRET not in json.dumps(signed_in)
