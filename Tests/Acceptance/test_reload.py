"""SIGHUP: the configuration is read again, all or nothing, and acts on open connections."""

import contextlib
import json
import re
import signal
import socket
import threading
import time

import jwt
import pytest
from support import wait_until
from support.backend import allow
from support.certificates import Authority
from support.pushd import ROOT
from support.raw import handshake
from support.reloads import run
from websockets.exceptions import ConnectionClosed, InvalidStatus

SECRETS = ["a" * 40, "b" * 40]


class Reloader:
    """A pushd with a configuration file that a test changes."""

    def __init__(self, start, directory, text, *options, **variables):
        self.path = directory / "pushd.yaml"
        self.directory = directory
        for number, secret in enumerate(SECRETS):
            (directory / f"secret{number}").write_text(secret)
        self.write(text)
        self.pushd = start("--config", str(self.path), *options, **variables)

    def write(self, text):
        """Replaces the file in one step."""
        new = self.path.with_suffix(".new")
        new.write_text(text.replace("$", str(self.directory)))
        new.chmod(0o600)
        new.replace(self.path)

    def lines(self, words):
        return [line for line in self.pushd.log().splitlines() if words in line]

    def signal(self, words):
        """Sends SIGHUP, and waits for a line with these words, which it returns."""
        before = len(self.lines(words))
        self.pushd.signal(signal.SIGHUP)
        return wait_until(lambda: self.lines(words)[before:], words)[0]

    def reload(self, text):
        """Reloads a file that can be used; returns what the log says."""
        self.write(text)
        return self.signal("configuration reloaded")

    def refuse(self, text):
        """Reloads a file that cannot be used; returns what the log says."""
        self.write(text)
        return self.signal("configuration not reloaded")


@pytest.fixture
def reloader(start, tmp_path):
    return lambda text, *options, **variables: Reloader(start, tmp_path, text, *options, **variables)


def token(secret=0, **claims):
    claims = {"sub": "ada", "exp": int(time.time()) + 600} | claims
    return jwt.encode(claims, SECRETS[secret], "HS256")


def status(pushd, method, path, body=None, **headers):
    return pushd.request(method, path, body, headers).status


def test_a_bad_file_is_refused_with_its_place_and_the_old_one_stays(reloader):
    reloader = reloader("publish-key: old\nmax-channels: 5\n")
    client = reloader.pushd.connect("a")
    for text, reason in [
        ("publish-key: new\nmax-chanels: 5\n", "pushd.yaml:2:1: 'max-chanels' is not an option; did you mean"),
        ("publish-key: new\nmax-channels: lots\n", "pushd.yaml:2:15: max-channels: 'lots' is not a whole number"),
        ("publish-key: new\nallow-origin: [https://a.example, x]\n", "pushd.yaml:2:35: allow-origin: 'x' is not"),
        ("publish-key: new\ntls-key: k\n", "pushd.yaml:2:10: tls-key: 'k' is not usable without --tls-cert"),
        ("publish-key-file: $/missing\n", "publish-key-file: '"),
        ("", "pushd.yaml:1:1: the file is empty"),
    ]:
        assert reason in reloader.refuse(text)
        assert status(reloader.pushd, "POST", "/publish?channel=a", b"x", Authorization="Bearer new") == 401
    assert status(reloader.pushd, "POST", "/publish?channel=a", b"x", Authorization="Bearer old") == 200
    assert client.recv(timeout=10) == "x"
    reloader.path.unlink()
    assert "is not readable" in reloader.signal("configuration not reloaded")
    assert "new" not in "".join(reloader.lines("not reloaded"))


def test_a_connection_that_lost_a_right_is_unsubscribed_and_told(reloader):
    reloader = reloader("workers: 2\n")
    clients = [reloader.pushd.connect("open", "secret", "asked", subprotocols=["pushd.v1"]) for _ in range(4)]
    line = reloader.reload(
        """
hook-subscribe: http://127.0.0.1:9
channels:
  - {match: secret, subscribe: nobody}
  - {match: asked, subscribe: ask}
""",
    )
    assert "unsubscribed=8" in line and "closed=0" in line and "hook-subscribe" not in line
    for client in clients:
        told = [json.loads(client.recv(timeout=10)) for _ in range(2)]
        assert {(event["event"], event["channel"], event["code"]) for event in told} == {
            ("unsubscribed", "secret", "not_allowed"),
            ("unsubscribed", "asked", "undecided"),
        }
    assert reloader.pushd.publish("secret", "x") == 0 and reloader.pushd.publish("open", "y") == 4
    for client in clients:
        assert json.loads(client.recv(timeout=10)) == {"channel": "open", "data": "y"}
    clients[0].send('{"action":"subscribe","channel":"secret"}')
    assert "not_allowed" in clients[0].recv(timeout=10)
    assert "unsubscribed=0" in reloader.reload("{}\n")
    clients[0].send('{"action":"subscribe","channel":"secret"}')
    assert "subscribed" in clients[0].recv(timeout=10)


def test_clients_of_a_removed_key_are_closed_and_others_stay(reloader):
    both = "token-secret-file: [$/secret0, $/secret1]\n"
    reloader = reloader(both)
    clients = [reloader.pushd.connect("a", additional_headers={"Authorization": f"Bearer {token(n)}"}) for n in (0, 1)]
    anonymous = reloader.pushd.connect("a")
    assert "closed=0" in reloader.reload(both + "max-channels: 7\n")
    assert "closed=1" in reloader.reload("token-secret-file: $/secret1\n")
    with pytest.raises(ConnectionClosed) as closed:
        clients[0].recv(timeout=10)
    assert closed.value.rcvd.code == 4401
    assert reloader.pushd.publish("a", "x") == 2 and clients[1].recv(timeout=10) == "x"
    with pytest.raises(InvalidStatus):
        reloader.pushd.connect("a", additional_headers={"Authorization": f"Bearer {token(0)}"})
    # The file's content counts, and not only its name.
    (reloader.directory / "secret1").write_text("c" * 40)
    assert "closed=1" in reloader.signal("configuration reloaded")
    assert anonymous.recv(timeout=10) == "x"
    assert "closed=1" in reloader.reload("token-secret-file: $/secret1\ntoken-required: true\n")
    with pytest.raises(ConnectionClosed) as closed:
        anonymous.recv(timeout=10)
    assert closed.value.rcvd.code == 4401


@pytest.mark.parametrize(
    "setting, closes",
    [
        ("token-issuer: x", True),
        ("token-audience: x", True),
        ("token-max-age: 5m", True),
        ("token-max-age: 1h", False),
        ("token-cookie: c", False),
    ],
)
def test_a_stricter_policy_needs_another_look_at_the_token(reloader, setting, closes):
    base = "token-secret-file: $/secret0\n"
    reloader = reloader(base)
    headers = {"Authorization": f"Bearer {token(iat=int(time.time()))}"}
    client = reloader.pushd.connect("a", additional_headers=headers)
    assert f"closed={closes:d}" in reloader.reload(base + setting + "\n")
    assert reloader.pushd.publish("a", "x") == (0 if closes else 1)
    with contextlib.suppress(ConnectionClosed):
        client.recv(timeout=10)
    # Without it everyone is let in again, with the old token.
    reloader.reload(base)
    reloader.pushd.connect("a", additional_headers=headers)


def test_grants_of_a_token_count_under_new_rules(reloader):
    base = "token-secret-file: $/secret0\n"
    reloader = reloader(base)
    headers = {"Authorization": f"Bearer {token(pushd={'subscribe': ['a.*']})}"}
    client = reloader.pushd.connect("a.x", "b.x", subprotocols=["pushd.v1"], additional_headers=headers)
    assert "unsubscribed=1" in reloader.reload(base + "channels: [{match: '*', subscribe: token}]\n")
    assert json.loads(client.recv(timeout=10))["channel"] == "b.x"
    assert reloader.pushd.publish("a.x", "y") == 1


class Held:
    """Holds the backend's answers back until they are released."""

    def __init__(self, backend):
        self.released = threading.Event()
        self.asked = threading.Event()
        backend.decide = self.decide

    def decide(self, question):
        self.asked.set()
        assert self.released.wait(10)
        return allow()


def test_a_subscribe_that_waits_during_a_reload_is_judged_by_the_new_rules(reloader, backend):
    hook = f"hook-subscribe: {backend.url}/subscribe\nhook-timeout: 10s\n"
    reloader = reloader(hook + "channels: [{match: room, subscribe: ask}]\n")
    held = Held(backend)
    client = reloader.pushd.connect("open", subprotocols=["pushd.v1"])
    client.send('{"action":"subscribe","channels":["room","other"]}')
    assert held.asked.wait(10)
    reloader.reload(hook + "channels: [{match: room, subscribe: nobody}]\n")
    held.released.set()
    answers = [json.loads(client.recv(timeout=10)) for _ in range(3)]
    assert [(answer.get("status"), answer["channel"]) for answer in answers[:2]] == [
        ("subscribed", "room"),
        ("subscribed", "other"),
    ]
    assert (answers[2]["event"], answers[2]["channel"]) == ("unsubscribed", "room")
    assert reloader.pushd.publish("room", "x") == 0 and reloader.pushd.publish("other", "x") == 1


@pytest.mark.parametrize("channel, close", [("a", 4401), ("secret", None)])
def test_a_handshake_that_waits_during_a_reload_is_judged_by_the_new_rules(reloader, backend, channel, close):
    hook = f"hook-connect: {backend.url}/connect\nhook-timeout: 10s\n"
    reloader = reloader(hook + "token-secret-file: $/secret0\n")
    held = Held(backend)
    raw = reloader.pushd.raw()
    raw.send(handshake(f"/ws?channel={channel}", Authorization=f"Bearer {token()}"))
    assert held.asked.wait(10)
    reloader.reload(hook + "token-secret-file: $/secret1\nchannels: [{match: secret, subscribe: nobody}]\n")
    held.released.set()
    response = raw.read_response()
    assert response.status == (101 if close else 403)
    if close:
        assert raw.read_frame().payload[:2] == close.to_bytes(2, "big")
    assert reloader.pushd.publish(channel, "x") == 0


def test_keys_hosts_origins_and_proxies_act_at_once(reloader):
    reloader = reloader("publish-key: one\napi-key: one\n")
    pushd = reloader.pushd
    request = pushd.http()  # an open connection is judged by the new settings as well

    def ask(method, path, body=None, **headers):
        request.request(method, path, body=body, headers=headers)
        response = request.getresponse()
        response.read()
        return response.status, response.getheader("Access-Control-Allow-Origin")

    assert ask("POST", "/publish?channel=a", b"x", Authorization="Bearer one")[0] == 200
    assert ask("GET", "/metrics", **{"X-API-Key": "one"})[0] == 200
    assert ask("POST", "/publish?channel=a", b"x", Authorization="Bearer one", Origin="https://a.example")[0] == 403
    assert ask("GET", "/health", Host="push.example")[0] == 403
    reloader.reload("publish-key: two\napi-key: two\nallow-origin: https://a.example\nallow-host: push.example\n")
    assert ask("POST", "/publish?channel=a", b"x", Authorization="Bearer one")[0] == 401
    assert ask("GET", "/metrics", **{"X-API-Key": "one"})[0] == 401
    assert ask("GET", "/metrics", **{"X-API-Key": "two"})[0] == 200
    assert ask("POST", "/publish?channel=a", b"x", Authorization="Bearer two", Origin="https://a.example") == (
        200,
        "https://a.example",
    )
    assert ask("GET", "/health", Host="push.example")[0] == 200
    request.close()


def test_limits_act_at_once_and_count_those_who_are_there(reloader):
    reloader = reloader("max-channels: 1\n")
    pushd = reloader.pushd
    client = pushd.connect("a", user="ada")
    client.send('{"action":"subscribe","channel":"b"}')
    assert "too_many_channels" in client.recv(timeout=10)
    reloader.reload("max-channels: 2\nmax-connections-per-user: 2\nmax-message: 100\n")
    client.send('{"action":"subscribe","channel":"b"}')
    assert "subscribed" in client.recv(timeout=10)
    pushd.connect("a", user="ada")
    with pytest.raises(InvalidStatus):
        pushd.connect("a", user="ada")
    reloader.reload("max-connections: 2\n")
    with pytest.raises(InvalidStatus):
        pushd.connect("a")
    reloader.reload("max-sockets-per-address: 1\n")
    with socket.create_connection((pushd.host, pushd.port), timeout=10) as refused, contextlib.suppress(OSError):
        assert refused.recv(1) == b""
    reloader.write("{}\n")
    pushd.signal(signal.SIGHUP)
    wait_until(lambda: pushd._is_up(), "new sockets")
    client.send("x" * 101)
    assert "bad_json" in client.recv(timeout=10), "the limit of before is gone"


def test_times_act_on_open_connections(reloader):
    reloader = reloader("ping-interval: 1h\nkeep-alive: 1h\n")
    raw = reloader.pushd.raw()
    raw.upgrade("/ws?channel=a")
    idle = reloader.pushd.http()
    idle.request("GET", "/health")
    idle.getresponse().read()
    reloader.reload("ping-interval: 500ms\npong-timeout: 500ms\nkeep-alive: 500ms\n")
    began = time.monotonic()
    wait_until(lambda: reloader.pushd.health()["connections"] == 0, "the silent client to be closed")
    assert time.monotonic() - began < 30
    idle.sock.settimeout(10)
    assert idle.sock.recv(1) == b""


def test_the_log_level_acts_at_once(reloader):
    reloader = reloader("log-level: info\n")
    reloader.pushd.connect("a")
    assert not reloader.lines(" debug ")
    reloader.reload("log-level: debug\n")
    reloader.pushd.connect("a")
    assert reloader.lines(" debug opening")
    reloader.write("log-level: error\n")
    reloader.pushd.signal(signal.SIGHUP)
    wait_until(lambda: reloader.pushd.connect("a") and time.sleep(0.05) is None and True, "a connection")
    reloader.reload("log-level: info\n")


def test_the_command_line_and_variables_still_win(reloader):
    reloader = reloader("publish-key: file\n", "--max-channels", "1", PUSHD_MAX_MESSAGE="1000")
    line = reloader.reload("max-channels: 9\nmax-message: 1\n")
    assert "needs_restart" not in line
    client = reloader.pushd.connect("a")
    client.send('{"action":"subscribe","channel":"b"}')
    assert "too_many_channels" in client.recv(timeout=10)


def test_without_a_file_key_files_are_read_again(start, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("one\n")
    pushd = start("--publish-key-file", str(keys))
    keys.write_text("two\n")
    pushd.signal(signal.SIGHUP)
    wait_until(lambda: "configuration reloaded" in pushd.log(), "the line")
    assert status(pushd, "POST", "/publish?channel=a", b"x", Authorization="Bearer one") == 401
    assert status(pushd, "POST", "/publish?channel=a", b"x", Authorization="Bearer two") == 200
    keys.write_text("")
    pushd.signal(signal.SIGHUP)
    wait_until(lambda: "configuration not reloaded" in pushd.log(), "the line")
    assert status(pushd, "POST", "/publish?channel=a", b"x", Authorization="Bearer two") == 200


def test_signals_that_come_together_end_with_the_last_file(reloader):
    reloader = reloader("publish-key: k0\n")
    for number in range(1, 50):
        reloader.write(f"publish-key: k{number}\n")
        reloader.pushd.signal(signal.SIGHUP)
    wait_until(
        lambda: status(reloader.pushd, "POST", "/publish?channel=a", b"x", Authorization="Bearer k49") == 200,
        "the last key",
    )
    assert not reloader.lines("not reloaded")


# Which options need a restart

# By option: values of before and after. A file is made where one is named.
CHANGES = {
    "listen": ("127.0.0.1:0", "[127.0.0.1:0, 127.0.0.1:0]"),
    "admin": ("127.0.0.1:0", "[127.0.0.1:0, 127.0.0.1:0]"),
    "path-prefix": ("/a", "/b"),
    "allow-origin": ("https://a.example", "https://b.example"),
    "allow-host": ("a.example", "b.example"),
    "trusted-proxy": ("10.0.0.0/8", "unix"),
    "allow-client-publish": ("false", "true"),
    "channel": ("'a: subscribe=nobody'", "'b: subscribe=nobody'"),
    "publish-key": ("a", "b"),
    "api-key": ("a", "b"),
    "publish-key-file": ("$/keys0", "$/keys1"),
    "api-key-file": ("$/keys0", "$/keys1"),
    "pusher-app": ("1:a:s", "2:b:t"),
    "pusher-app-file": ("$/apps0", "$/apps1"),
    "token-secret-file": ("$/secret0", "$/secret1"),
    "token-key": ("$/jwk0", "$/jwk1"),
    "token-jwks": ("http://127.0.0.1:9/a", "http://127.0.0.1:9/b"),
    "token-issuer": ("a", "b"),
    "token-audience": ("a", "b"),
    "token-max-age": ("1h", "2h"),
    "token-required": ("false", "true"),
    "token-cookie": ("a", "b"),
    "hook-connect": ("http://127.0.0.1:9/a", "http://127.0.0.1:9/b"),
    "hook-subscribe": ("http://127.0.0.1:9/a", "http://127.0.0.1:9/b"),
    "hook-publish": ("http://127.0.0.1:9/a", "http://127.0.0.1:9/b"),
    "hook-events": ("http://127.0.0.1:9/a", "http://127.0.0.1:9/b"),
    "hook-event": ("joined", "left"),
    "hook-grace": ("1s", "2s"),
    "hook-header": ("a", "b"),
    "hook-failure": ("refuse", "allow"),
    "hook-timeout": ("1s", "2s"),
    "hook-secret-file": ("$/secret0", "$/secret1"),
    "hook-ca": ("$/ca0.pem", "$/ca1.pem"),
    "redis": ("redis://127.0.0.1:1", "redis://127.0.0.1:2"),
    "redis-password-file": ("$/keys0", "$/keys1"),
    "redis-prefix": ("a", "b"),
    "redis-map": ("a=b", "a=c"),
    "redis-pattern": ("a", "b"),
    "redis-cluster-pubsub": ("sharded", "plain"),
    "redis-ca": ("$/ca0.pem", "$/ca1.pem"),
    "redis-cert": ("$/cert0.pem", "$/cert1.pem"),
    "redis-key": ("$/key0.pem", "$/key1.pem"),
    "redis-connect-timeout": ("1s", "2s"),
    "redis-silence": ("10s", "20s"),
    "presence-heartbeat": ("5s", "6s"),
    "ready-needs-redis": ("false", "true"),
    "tls-cert": ("$/cert0.pem", "$/cert1.pem"),
    "tls-key": ("$/key0.pem", "$/key1.pem"),
    "tls-client-ca": ("$/ca0.pem", "$/ca1.pem"),
    "tls-records": ("openssl", "compact"),
    "max-connections": ("5", "6"),
    "max-connect-rate": ("5", "6:dry"),
    "max-publish": ("1000", "2000"),
    "history-budget": ("1M", "2M"),
    "inbound-budget": ("1M", "2M"),
    "max-message": ("1K", "2K"),
    "max-message-rate": ("5", "6:error"),
    "max-channels": ("5", "6"),
    "max-connect-rate-per-address": ("5", "6"),
    "max-connections-per-address": ("5", "6"),
    "max-sockets-per-address": ("50", "60"),
    "max-connections-per-user": ("5", "6"),
    "outbox-limit": ("3M", "4M"),
    "outbox-budget": ("5M", "6M"),
    "slow-consumer": ("drop-oldest", "conflate"),
    "stall-timeout": ("5s", "6s"),
    "handshake-timeout": ("5s", "6s"),
    "keep-alive": ("5s", "6s"),
    "ping-interval": ("5s", "6s"),
    "pong-timeout": ("5s", "6s"),
    "drain": ("0s", "100ms"),
    "drain-delay": ("0s", "100ms"),
    "workers": ("1", "2"),
    "io": ("poll", "auto"),
    "pacing": ("latency", "throughput"),
    "compression": ("off", "on"),
    "log-level": ("info", "notice"),
    "log-format": ("text", "json"),
}
# Options that are possible only with others.
WITH = {
    "token-": {"token-secret-file": "$/secret0"},
    "redis-": {"redis": "rediss://127.0.0.1:1"},
    "hook-event": {"hook-events": "http://127.0.0.1:9/a"},
    "redis-key": {"redis-cert": "$/cert0.pem"},
    "redis-cert": {"redis-key": "$/key0.pem"},
    "tls-": {"tls-cert": "$/cert0.pem", "tls-key": "$/key0.pem", "listen": "[127.0.0.1:0, 'tls:127.0.0.1:0']"},
}


def documented():
    """The options that docs/configuration.md says need a restart."""
    text = (ROOT / "docs/configuration.md").read_text()
    part = re.search(r"<!-- restart -->(.*?)<!-- end of restart -->", text, re.DOTALL)[1]
    return set(re.findall(r"`--([a-z-]+)`", part))


def catalogue():
    text = (ROOT / "docs/configuration.md").read_text()
    return set(re.findall(r"^\| `--([a-z-]+)", text, re.MULTILINE)) - {"config"}


def test_every_option_of_the_catalogue_is_in_the_table():
    assert set(CHANGES) == catalogue()
    assert documented() <= catalogue()


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Files of each kind, twice with the same content."""
    directory = tmp_path_factory.mktemp("files")
    authority = Authority(directory)
    pair = authority.sign("server")
    for number in range(2):
        (directory / f"keys{number}").write_text("key\n")
        (directory / f"apps{number}").write_text("1:a:secret\n")
        (directory / f"secret{number}").write_text("s" * 40)
        (directory / f"jwk{number}").write_text('{"kty":"oct","k":"' + "QUFB" * 16 + '"}')
        (directory / f"ca{number}.pem").write_text(authority.file.read_text())
        (directory / f"cert{number}.pem").write_text(pair.certificate.read_text())
        (directory / f"key{number}.pem").write_text(pair.key.read_text())
    return directory


@pytest.mark.parametrize("option", CHANGES)
def test_only_documented_options_need_a_restart(start, tmp_path, files, option):
    settings = {"listen": "127.0.0.1:0"}
    for prefix, others in WITH.items():
        if option.startswith(prefix):
            settings |= others

    def write(value):
        text = "".join(f"{key}: {value}\n" for key, value in (settings | {option: value}).items())
        (tmp_path / "pushd.yaml").write_text(text.replace("$", str(files)))

    write(CHANGES[option][0])
    # An empty variable is none: what the file says counts.
    pushd = start("--config", str(tmp_path / "pushd.yaml"), PUSHD_LISTEN="")
    write(CHANGES[option][1])
    pushd.signal(signal.SIGHUP)
    wait_until(lambda: "reloaded" in pushd.log(), "a line about the reload")
    line = next(line for line in pushd.log().splitlines() if "reloaded" in line)
    assert "not reloaded" not in line
    named = re.search(r"needs_restart\W+([a-z-]+(, [a-z-]+)*)", line)
    assert (named[1] if named else "") == (option if option in documented() else ""), line


@pytest.mark.alone
def test_many_reloads_under_many_connections(start, tmp_path):
    """For long: soak/reloads.py."""
    assert run(start, tmp_path, reloads=30, connections=60, seed=time.time_ns()) < 8 << 20
