"""SIGHUP and what pushd asks, tells and fetches over HTTP: hooks, events and keys of tokens."""

import contextlib
import time

import pytest
from support import wait_until
from support.backend import Backend, allow, deny, is_signed
from support.key_provider import KeyProvider
from support.raw import handshake
from support.tokens import Key
from test_reload import SECRETS, Reloader
from websockets.exceptions import ConnectionClosed

ASK = "channels: [{match: room, subscribe: ask}]\n"


@pytest.fixture
def reloader(start, tmp_path):
    return lambda text, *options: Reloader(start, tmp_path, text, *options)


@pytest.fixture
def another_backend():
    backend = Backend()
    yield backend
    backend.close()


def status(pushd, channel="room"):
    return pushd.raw().ask(handshake(f"/ws?channel={channel}")).status


def test_questions_go_to_another_backend(reloader, backend, another_backend):
    backend.decide = lambda question: allow(cache_s=600)
    another_backend.decide = lambda question: deny()
    reloader = reloader(ASK + f"hook-subscribe: {backend.url}/subscribe\nhook-secret-file: $/secret0\n")
    assert status(reloader.pushd) == 101 and status(reloader.pushd) == 101
    assert len(backend.questions) == 1, "the second answer was kept"
    reloader.reload(ASK + f"hook-subscribe: {backend.url}/subscribe\nhook-secret-file: $/secret0\nmax-channels: 5\n")
    assert status(reloader.pushd) == 101
    assert len(backend.questions) == 1, "a reload of something else keeps it"
    line = reloader.reload(
        ASK
        + f"hook-subscribe: {another_backend.url}/subscribe\nhook-secret-file: $/secret1\n"
        + "hook-header: x-session\nhook-failure: allow\nhook-timeout: 100ms\n"
    )
    assert "needs_restart" not in line
    assert reloader.pushd.raw().ask(handshake("/ws?channel=room", **{"X-Session": "7"})).status == 403
    assert len(backend.questions) == 1 and len(another_backend.questions) == 1
    assert another_backend.questions[0]["headers"] == {"x-session": "7"}
    body, headers = another_backend.requests[0]
    assert is_signed(body, headers["X-Pushd-Signature"], SECRETS[1].encode())
    another_backend.conduct = "hang"
    assert status(reloader.pushd) == 101, "it is allowed without an answer after 100 ms"


def test_the_first_hooks_come_with_a_reload_and_go_with_another(reloader, backend):
    backend.decide = lambda question: deny("not today")
    reloader = reloader("{}\n")
    assert status(reloader.pushd) == 101
    reloader.reload(f"hook-connect: {backend.url}/connect\n")
    assert status(reloader.pushd) == 403
    assert reloader.pushd.health()["hooks"] == {"connect": {"state": "up"}}
    reloader.reload("{}\n")
    assert status(reloader.pushd) == 101
    assert "hooks" not in reloader.pushd.health()
    assert len(backend.questions) == 1


def test_a_backend_that_was_down_is_forgotten(reloader, backend, another_backend):
    backend.leave()
    reloader = reloader(ASK + f"hook-subscribe: {backend.url}/subscribe\n")
    wait_until(lambda: status(reloader.pushd) == 403 and "hook down" in reloader.pushd.log(), "the circuit to open")
    reloader.reload(ASK + f"hook-subscribe: {another_backend.url}/subscribe\n")
    assert reloader.pushd.health()["status"] == "ok"
    assert status(reloader.pushd) == 101


def test_events_that_were_not_taken_go_to_another_backend(reloader, backend, another_backend):
    backend.conduct = 500
    text = "hook-grace: 0s\nhook-secret-file: $/secret{}\nhook-events: {}/events\n"
    reloader = reloader(text.format(0, backend.url))
    for number in range(3):
        reloader.pushd.connect(f"a{number}", user="ann").close()
    wait_until(lambda: len(backend.attempts) > 1, "two attempts")
    assert "needs_restart" not in reloader.reload(text.format(1, another_backend.url))
    wait_until(lambda: len(another_backend.events) >= 18, "all events")
    numbers = [int(event["id"].split("-")[1]) for event in another_backend.events]
    assert numbers == list(range(1, 19)) and backend.events == []
    body, headers = another_backend.requests[0]
    assert is_signed(body, headers["X-Pushd-Signature"], SECRETS[1].encode())


def test_events_come_and_go_with_a_restart_only(reloader, backend, another_backend):
    first = reloader("{}\n")
    assert "needs_restart=hook-events" in first.reload(f"hook-events: {backend.url}/events\n")
    first.pushd.connect("a").close()
    assert first.pushd.health()["status"] == "ok" and backend.attempts == []


def test_events_go_on_where_a_reload_takes_their_url_away(reloader, backend, another_backend):
    reloader = reloader(f"hook-events: {backend.url}/events\n")
    reloader.reload(f"hook-events: {another_backend.url}/events\n")
    assert "needs_restart=hook-events" in reloader.reload("{}\n")
    reloader.pushd.connect("a").close()
    wait_until(lambda: "disconnected" in another_backend.kinds(), "the events")
    assert backend.events == []


# Keys of tokens


@pytest.fixture
def providers():
    """Two providers without keys."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(contextlib.closing(KeyProvider())) for _ in range(2)]


@pytest.fixture
def keys(tmp_path):
    return [Key(tmp_path, "ES256", kid=str(number)) for number in range(3)]


def bearer(key):
    return {"Authorization": f"Bearer {key.token()}"}


def accepts(pushd, key):
    return pushd.raw().ask(handshake("/ws?channel=b", **bearer(key))).status == 101


def test_keys_come_from_another_provider(reloader, providers, keys):
    """The clients of the old one's keys stay until the new one's are there, and then those whose key it has as well."""
    old, both, new = keys
    providers[0].keys = [old.public_jwk(), both.public_jwk()]
    providers[1].keys = [both.public_jwk(), new.public_jwk()]
    providers[1].conduct = "hang"
    reloader = reloader(f"token-jwks: {providers[0].url}\n")
    clients = [reloader.pushd.connect("a", additional_headers=bearer(key)) for key in (old, both)]
    anonymous = reloader.pushd.connect("a")
    assert not accepts(reloader.pushd, new)
    line = reloader.reload(f"token-jwks: {providers[1].url}\n")
    assert "needs_restart" not in line and "closed=0" in line
    wait_until(lambda: providers[1].requests, "the request for the new keys")
    assert accepts(reloader.pushd, old) and reloader.pushd.publish("a", "x") == 3
    providers[1].release()
    # On a busy machine the request may have reached its time limit; the next one comes after 10 s.
    wait_until(lambda: "token keys replaced" in reloader.pushd.log(), "the new keys", seconds=20)
    assert [accepts(reloader.pushd, key) for key in keys] == [False, True, True]
    assert clients[0].recv(timeout=10) == "x"
    with pytest.raises(ConnectionClosed) as closed:
        clients[0].recv(timeout=10)
    assert closed.value.rcvd.code == 4401
    assert reloader.pushd.publish("a", "y") == 2
    assert anonymous.recv(timeout=10) == "x" and clients[1].recv(timeout=10) == "x"


def test_without_a_provider_its_keys_are_gone_at_once(reloader, providers, keys):
    providers[0].keys = [keys[0].public_jwk()]
    local = "token-secret-file: $/secret0\n"
    reloader = reloader(local)
    assert not accepts(reloader.pushd, keys[0])
    reloader.reload(local + f"token-jwks: {providers[0].url}\n")
    assert accepts(reloader.pushd, keys[0]), "it waits for the first keys"
    client = reloader.pushd.connect("a", additional_headers=bearer(keys[0]))
    reloader.reload(local)
    with pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=10)
    assert closed.value.rcvd.code == 4401
    assert not accepts(reloader.pushd, keys[0]) and "token_keys" not in reloader.pushd.health()


def test_a_provider_that_hangs_during_a_reload_has_no_say_afterwards(reloader, providers, keys):
    providers[0].keys, providers[1].keys = [keys[0].public_jwk()], [keys[1].public_jwk()]
    providers[0].conduct = "hang"
    reloader = reloader(f"token-jwks: {providers[0].url}\n")
    wait_until(lambda: providers[0].requests, "the request for the keys")
    reloader.reload(f"token-jwks: {providers[1].url}\n")
    assert accepts(reloader.pushd, keys[1])
    providers[0].release()
    time.sleep(0.2)  # for an answer that must have no effect
    assert accepts(reloader.pushd, keys[1]) and not accepts(reloader.pushd, keys[0])
