"""A client of Pusher's protocol that shows each frame, and the signatures of an application server."""

import contextlib
import hashlib
import hmac
import json
import threading
import time
from urllib.parse import quote

import pusher
import pysher
from websockets.sync.client import connect

from . import wait_until

ID, KEY, SECRET = "77", "key1", "secret1"
APP = ("--pusher-app", f"{ID}:{KEY}:{SECRET}")


def sign(text, secret=SECRET):
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class Client:
    """A connection whose frames the test reads one by one."""

    def __init__(self, pushd, key=KEY, query="protocol=7&client=test&version=1", prefix=""):
        self.socket = connect(
            f"ws://{pushd.host}:{pushd.port}{prefix}/app/{key}?{query}", close_timeout=2, proxy=None)
        pushd.clients.append(self.socket)
        self.id = None

    def established(self):
        frame = self.read()
        assert frame["event"] == "pusher:connection_established" and set(frame) == {"event", "data"}
        data = json.loads(frame["data"])
        assert data["activity_timeout"] == 120
        self.id = data["socket_id"]
        return self

    def send(self, event, data=None, **members):
        self.socket.send(json.dumps({"event": event, "data": data} | members))

    def read(self, seconds=5):
        return json.loads(self.socket.recv(timeout=seconds))

    def auth(self, channel, channel_data=None):
        signed = f"{self.id}:{channel}" + (f":{channel_data}" if channel_data else "")
        return f"{KEY}:{sign(signed)}"

    def subscribe(self, channel, user=None, info=None):
        data = {"channel": channel}
        if user is not None:
            data["channel_data"] = json.dumps({"user_id": user} | ({"user_info": info} if info else {}))
        if channel.startswith(("private-", "presence-")):
            data["auth"] = self.auth(channel, data.get("channel_data"))
        self.send("pusher:subscribe", data)

    def joined(self, channel, user=None, info=None):
        """Subscribes, and returns the data of the confirmation."""
        self.subscribe(channel, user, info)
        frame = self.read()
        assert (frame["event"], frame["channel"]) == ("pusher_internal:subscription_succeeded", channel), frame
        return json.loads(frame["data"])

    def sign_in(self, user, **members):
        data = json.dumps({"id": user, "user_info": {"name": user.upper()}} | members)
        self.send("pusher:signin", {"auth": f"{KEY}:{sign(f'{self.id}::user::{data}')}", "user_data": data})
        frame = self.read()
        assert frame["event"] == "pusher:signin_success" and json.loads(frame["data"])["user_data"] == data

    def is_idle(self):
        """Whether nothing has come before the answer to a ping."""
        self.send("pusher:ping", {})
        return self.read() == {"event": "pusher:pong", "data": {}}

    def closed(self):
        """Reads to the end; returns the frames and the code of the Close frame."""
        frames = []
        with contextlib.suppress(Exception):
            while True:
                frames.append(self.read())
        return frames, self.socket.close_code


def library(pushd, secret=SECRET, app=ID, key=KEY):
    """The library of application servers."""
    return pusher.Pusher(app, key, secret, ssl=False, host=pushd.host, port=pushd.port)


def query(method, path, body=b"", secret=SECRET, **parameters):
    """The query of a signed request; parameters replace those that it has, or leave them out if they are None."""
    signed = {"auth_key": KEY, "auth_timestamp": str(int(time.time())), "auth_version": "1.0"}
    if body:
        signed["body_md5"] = hashlib.md5(body).hexdigest()
    signed = {name: value for name, value in (signed | parameters).items() if value is not None}
    text = "&".join(f"{name}={value}" for name, value in sorted(signed.items()))
    signature = sign(f"{method}\n{path}\n{text}", secret)
    return "&".join(f"{name}={quote(value)}" for name, value in signed.items()) + f"&auth_signature={signature}"


class Pysher:
    """The client library pysher, which runs in a thread."""

    def __init__(self, pushd, **options):
        self.events = []
        connected = threading.Event()
        self.client = pysher.Pusher(
            KEY, secret=SECRET, secure=False, custom_host=pushd.host, port=pushd.port, **options)
        self.client.connection.bind("pusher:connection_established", lambda _: connected.set())
        self.handler, self.client.connection.event_handler = self.client.connection.event_handler, self.note
        self.client.connect()
        assert connected.wait(10)

    def note(self, event, data, channel):
        self.events.append((channel, event, data))
        self.handler(event, data, channel)

    def subscribe(self, channel):
        joined = self.client.subscribe(channel)
        wait_until(lambda: self.has_joined(channel), f"a subscription to {channel}")
        return joined

    def has_joined(self, channel):
        return any(event[:2] == (channel, "pusher_internal:subscription_succeeded") for event in self.events)

    def wait_for(self, *event):
        wait_until(lambda: event in self.events, f"{event} among {self.events}")

    def close(self):
        self.client.disconnect(5)
