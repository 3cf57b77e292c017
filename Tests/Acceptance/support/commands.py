"""Commands over a WebSocket, and what comes back, as JSON."""

import json

from websockets.sync.client import connect as open_client


def connect(pushd, query="channel=", subprotocols=("pushd.v1",)):
    """A WebSocket client for any query; without one it joins no channel."""
    client = open_client(
        f"ws://{pushd.host}:{pushd.port}/ws?{query}", subprotocols=subprotocols or None, close_timeout=2, proxy=None)
    pushd.clients.append(client)
    return client


def say(client, **command):
    client.send(json.dumps(command))


def answer(client, seconds=5):
    return json.loads(client.recv(timeout=seconds))
