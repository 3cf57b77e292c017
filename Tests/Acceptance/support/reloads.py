"""Random configuration files, a crowd of clients with a model of what each may do, and probes of what none may."""

import contextlib
import json
import random
import signal
import time

import jwt

from . import wait_until
from .background import Background
from .raw import CLOSE, PING, PONG, TEXT, RawClient, handshake

SECRETS = ["a" * 40, "b" * 40]
STRANGER = "c" * 40
KEY = "publish"
OPEN, CHANGING = "open", "changing"


def token(secret):
    claims = {"sub": "ada", "exp": int(time.time()) + 86_400, "pushd": {"subscribe": [CHANGING]}}
    return jwt.encode(claims, secret, "HS256")


class Rules:
    """Writes files at random; knows what the last good one allows."""

    def __init__(self, directory):
        self.files = []
        for number, secret in enumerate(SECRETS):
            file = directory / f"secret{number}"
            file.write_text(secret)
            self.files.append(file)
        self.directory = directory

    def good(self):
        self.keys = random.choice([{0}, {1}, {0, 1}, {0, 1}])
        self.is_required = random.random() < 0.2
        self.right = random.choice(["anyone", "token", "nobody"])
        secrets = ", ".join(str(self.files[key]) for key in sorted(self.keys))
        lines = [
            f"publish-key: [{KEY}, {random.randrange(1000)}]",
            f"token-secret-file: [{secrets}]",
            f"token-required: {str(self.is_required).lower()}",
            f"max-channels: {random.randrange(5, 100)}",
            f"ping-interval: {random.randrange(20, 90)}s",
            "pong-timeout: 1m",
            f"slow-consumer: {random.choice(['disconnect', 'conflate', 'drop-oldest'])}",
            f"outbox-limit: {random.randrange(3, 9)}MiB",
            f"max-connections-per-user: {random.randrange(100_000, 200_000)}",
        ]
        random.shuffle(lines)
        rules = ["  - {match: never, subscribe: nobody}", f"  - {{match: {CHANGING}, subscribe: {self.right}}}"]
        return "\n".join([*lines, "channels:", *rules]) + "\n"

    def bad(self):
        """A file that would let everyone do everything, if it could be read."""
        return random.choice(
            [
                "",
                "publish-keys: x\n",
                "workers: 2\nworkers: 2\n",
                "max-channels: lots\n",
                "channels:\n  - {match: '*', subscribe: anyon}\n",
                "channels:\n  - {match: never, subscribe: token}\n",
                f"token-secret-file: {self.directory}/missing\n",
                "allow-origin: *\n",
                "listen: [8081, 8082\n",
                "tls-cert: missing.pem\ntls-key: missing.pem\n",
                "channels: &a []\n",
                "\x00",
            ]
        )

    def lets_in(self, kind):
        return not self.is_required if kind is None else kind in self.keys

    def lets_join(self, kind):
        return self.right == "anyone" or (self.right == "token" and kind is not None)


class Client:
    """A WebSocket with the token of a key, or without one."""

    def __init__(self, pushd, kind, joins):
        self.kind = kind
        self.is_subscribed = joins
        headers = {"Sec_WebSocket_Protocol": "pushd.v1"}
        if kind is not None:
            headers["Authorization"] = f"Bearer {token(SECRETS[kind])}"
        self.raw = RawClient(pushd.address)
        channels = "&channel=".join([OPEN, CHANGING] if joins else [OPEN])
        response = self.raw.ask(handshake(f"/ws?channel={channels}", **headers))
        assert response.status == 101, response

    def frame(self):
        """The next frame that is no ping; those are answered."""
        while True:
            frame = self.raw.read_frame()
            if frame.opcode != PING:
                return frame
            self.raw.send_frame(PONG)

    def message(self):
        frame = self.frame()
        assert frame.opcode == TEXT, frame
        return json.loads(frame.payload)

    def subscribe(self):
        self.raw.send_frame(TEXT, json.dumps({"action": "subscribe", "channel": CHANGING}).encode())
        assert self.message() == {"status": "subscribed", "channel": CHANGING}
        self.is_subscribed = True


class Crowd:
    """Clients of all kinds, as far as the rules let them in."""

    def __init__(self, pushd, rules, size):
        self.pushd, self.rules = pushd, rules
        self.closed = self.unsubscribed = 0
        self.away = [random.choice([None, 0, 1]) for _ in range(size)]
        self.clients = []
        self.refill()

    def refill(self):
        """Those who may come back do, and join what they may."""
        rules = self.rules
        back = [kind for kind in self.away if rules.lets_in(kind)]
        self.away = [kind for kind in self.away if not rules.lets_in(kind)]
        self.clients += [Client(self.pushd, kind, rules.lets_join(kind)) for kind in back]
        for client in self.clients:
            if not client.is_subscribed and rules.lets_join(client.kind):
                client.subscribe()

    def check_all_that_was_lost(self):
        """Who has lost a right is told; nobody else is asked here."""
        staying = []
        for client in self.clients:
            if not self.rules.lets_in(client.kind):
                frame = client.frame()
                assert frame.opcode == CLOSE and frame.payload[:2] == (4401).to_bytes(2, "big"), frame
                client.raw.send_frame(CLOSE, frame.payload[:2])
                client.raw.close()
                self.away.append(client.kind)
                self.closed += 1
                continue
            if client.is_subscribed and not self.rules.lets_join(client.kind):
                event = client.message()
                assert (event["event"], event["channel"]) == ("unsubscribed", CHANGING), event
                client.is_subscribed = False
                self.unsubscribed += 1
            staying.append(client)
        self.clients = staying

    def check_that_the_others_get_messages(self, text):
        headers = {"Authorization": f"Bearer {KEY}"}
        for channel in (CHANGING, OPEN):
            assert self.pushd.request("POST", f"/publish?channel={channel}", text.encode(), headers).status == 200
        for client in self.clients:
            if client.is_subscribed:
                assert client.message()["channel"] == CHANGING
            assert client.message()["channel"] == OPEN

    def close(self):
        for client in self.clients:
            client.raw.close()


class Probe(Background):
    """Tries all the while what no file allows."""

    def __init__(self, pushd):
        super().__init__()
        self.pushd = pushd
        self.count = 0

    def work(self):
        stranger = {"Authorization": f"Bearer {token(STRANGER)}"}
        while not self.stopped.is_set():
            assert self.pushd.request("POST", f"/publish?channel={OPEN}", b"x").status == 401
            assert self.refusal("/ws?channel=never") in (401, 403)
            assert self.refusal(f"/ws?channel={OPEN}", **stranger) == 401
            assert self.refusal(f"/ws?channel={OPEN}", Origin="https://evil.example") == 403
            self.count += 4

    def refusal(self, target, **headers):
        with contextlib.closing(RawClient(self.pushd.address)) as client:
            return client.ask(handshake(target, **headers)).status


def run(start, directory, reloads, connections, seed):
    """Reloads many times; returns the bytes by which memory has grown since a tenth of them."""
    random.seed(seed)
    rules = Rules(directory)
    path = directory / "pushd.yaml"
    path.write_text(rules.good())
    pushd = start("--config", str(path))
    crowd = Crowd(pushd, rules, connections)
    early = None
    with Probe(pushd) as probe:
        for number in range(reloads):
            is_good = random.random() < 0.6
            path.write_text(rules.good() if is_good else rules.bad())
            reload(pushd, "configuration reloaded" if is_good else "configuration not reloaded")
            if is_good:
                crowd.check_all_that_was_lost()
            crowd.check_that_the_others_get_messages(f"{number}")
            crowd.refill()
            if number == reloads // 10:
                early = pushd.resident_bytes()
    print(f"{probe.count} probes were refused, {crowd.closed} connections closed, {crowd.unsubscribed} unsubscribed")
    crowd.close()
    return pushd.resident_bytes() - early


def reload(pushd, words):
    before = pushd.log().count(words)
    pushd.signal(signal.SIGHUP)
    wait_until(lambda: pushd.log().count(words) > before, words, pause=0.005)
