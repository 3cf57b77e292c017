"""--hook-connect: a backend decides which clients may connect, and names them."""

import json
import threading

import pytest
from support import wait_until
from support.backend import Backend, allow, deny
from support.certificates import Authority
from support.raw import handshake
from websockets.exceptions import ConnectionClosed, InvalidStatus


def status_of(call):
    """The status and the error of a refused handshake."""
    with pytest.raises(InvalidStatus) as refusal:
        call()
    response = refusal.value.response
    return response.status_code, json.loads(response.body)["error"]


def connecting(pushd, *channels, **options):
    return lambda: pushd.connect(*channels, **options)


@pytest.fixture
def hooked(start, backend):
    return lambda *options: start("--hook-connect", f"{backend.url}/connect", *options)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_backend_allows_or_refuses(hooked, backend, workers):
    backend.decide = lambda question: deny("closed today") if "bad" in question["channels"] else allow()
    pushd = hooked("--workers", workers)
    for _ in range(5):
        client = pushd.connect("good")
        assert status_of(connecting(pushd, "bad")) == (403, "closed today")
        assert pushd.publish("good", "hello") >= 1
        assert client.recv(timeout=5) == "hello"
    assert pushd.publish("bad", "x") == 0
    metrics = pushd.fresh_metrics()
    assert metrics.sum("pushd_hook_answers_total", hook="connect", answer="allow") == 5
    assert metrics.sum("pushd_hook_answers_total", hook="connect", answer="deny") == 5
    assert metrics.sum("pushd_handshakes_total", status="403") == 5


def test_what_the_backend_allows_may_end(hooked, backend):
    backend.decide = lambda question: allow(expires_s=3)
    client = hooked().connect("a", subprotocols=["pushd.v1"])
    assert json.loads(client.recv(timeout=5))["event"] == "expiring"
    with pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=5)
    assert closed.value.rcvd.code == 4401


def test_what_a_question_says(hooked, backend):
    pushd = hooked("--hook-header", "Cookie", "--hook-header", "x-room")
    pushd.connect("a", "b", user="ann", additional_headers={"Cookie": "s=1", "X-Room": "7", "X-Other": "8"})
    question = backend.questions[0]
    assert question.pop("connection")
    assert question == {
        "question": "connect",
        "user": "ann",
        "address": "127.0.0.1",
        "headers": {"cookie": "s=1", "x-room": "7"},
        "channels": ["a", "b"],
    }


def test_the_answer_joins_channels_and_grants_others(hooked, backend):
    backend.decide = lambda question: allow(user="42", channels=["mine"], grants={"subscribe": ["room.*"]})
    pushd = hooked("--channel", "room.*: subscribe=token")
    client = pushd.connect("news")
    assert pushd.publish("mine", "1") == 1
    assert client.recv(timeout=5) == "1"
    client.send(json.dumps({"action": "subscribe", "channel": "room.1"}))
    assert json.loads(client.recv(timeout=5)) == {"status": "subscribed", "channel": "room.1"}
    assert pushd.publish("news", "2") == 1


def test_another_user_than_the_url_says_is_400(hooked, backend):
    backend.decide = lambda question: allow(user="42")
    pushd = hooked()
    assert status_of(connecting(pushd, user="41"))[0] == 400
    pushd.connect(user="42")


FAILURES = {
    "hang": "timed_out",
    "garbage": "bad_answer",
    "reset": "broken",
    500: "status",
    302: "status",
    204: "status",
}


@pytest.mark.parametrize("conduct, reason", FAILURES.items())
def test_a_backend_without_an_answer(hooked, backend, conduct, reason):
    """Clients are refused, or allowed with --hook-failure allow; and then again served by a backend that works."""
    for failure in ["refuse", "allow"]:
        backend.conduct = conduct
        pushd = hooked("--hook-failure", failure, "--hook-timeout", "1s" if conduct == "hang" else "60s")
        if failure == "refuse":
            assert status_of(connecting(pushd))[0] == 503
        else:
            pushd.connect()
        assert pushd.fresh_metrics().sum("pushd_hook_failures_total", hook="connect", reason=reason) == 1
        backend.conduct = "answer"
        pushd.connect()


def test_a_backend_that_is_away(hooked, backend):
    pushd = hooked()
    backend.leave()
    for _ in range(6):
        assert status_of(connecting(pushd))[0] == 503
    assert pushd.health()["status"] == "degraded"
    assert pushd.health()["hooks"]["connect"]["state"] == "down"
    assert pushd.fresh_metrics().sum("pushd_hook_up", hook="connect") == 0
    backend.come_back()

    def is_let_in():
        try:
            return pushd.connect()
        except InvalidStatus:
            return False

    wait_until(is_let_in, "a client that is let in", pause=0.1)
    assert pushd.health()["status"] == "ok"
    assert pushd.health()["hooks"]["connect"] == {"state": "up"}
    assert pushd.log().count("hook down") == 1 and pushd.log().count("hook up") == 1


def test_a_client_that_goes_away_cancels_its_question(hooked, backend):
    backend.conduct = "hang"
    pushd = hooked("--hook-timeout", "60s")
    clients = [pushd.raw() for _ in range(3)]
    for number, client in enumerate(clients):
        client.send(handshake(f"/ws?channel=c{number}"))
    wait_until(lambda: len(backend.questions) == 3, "the questions")
    assert pushd.fresh_metrics().sum("pushd_hook_questions") == 3
    for client in clients:
        client.close()
    wait_until(lambda: pushd.metrics().sum("pushd_hook_questions") == 0, "their end")
    assert pushd.fresh_metrics().sum("pushd_connections") == 0


def test_nobody_else_waits(hooked, backend, start):
    """Neither requests nor clients that are connected wait for a question."""
    pushd = hooked("--workers", "1", "--hook-timeout", "60s")
    client = pushd.connect("c")
    backend.conduct = "hang"
    waiting = pushd.raw()
    waiting.send(handshake("/ws?channel=other"))
    wait_until(lambda: len(backend.questions) == 2, "the question")
    assert pushd.publish("c", "hello") == 1
    assert client.recv(timeout=5) == "hello"


def test_equal_questions_are_asked_once_and_answers_kept(hooked, backend):
    backend.decide = lambda question: allow(cache_s=60)
    backend.conduct, backend.delay = "slow", 0.5
    pushd = hooked("--hook-timeout", "60s")
    threads = [threading.Thread(target=pushd.connect, args=("c",)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    backend.conduct = "hang"
    pushd.connect("c")
    assert len(backend.questions) == 1
    assert pushd.fresh_metrics().sum("pushd_connections") == 21


def test_over_https(start, tmp_path):
    authority = Authority(tmp_path)
    backend = Backend(pair=authority.sign("backend"))
    try:
        url = f"{backend.url}/connect"
        pushd = start("--hook-connect", url, "--hook-ca", str(authority.file), "--hook-timeout", "60s")
        pushd.connect()
        stranger = start("--hook-connect", url, "--hook-timeout", "60s")
        assert status_of(connecting(stranger))[0] == 503
        assert stranger.fresh_metrics().sum("pushd_hook_failures_total", hook="connect", reason="insecure") == 1
    finally:
        backend.close()
