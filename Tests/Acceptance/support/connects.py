"""Clients that open WebSockets at a steady rate, while a backend that is asked about them misbehaves."""

import collections
import json
import select
import socket
import time

from .background import Background
from .crowd import Part
from .raw import TEXT, RawClient, handshake

# What the backend does, and the answers that clients may have then; "slow" takes longer than the questions allow.
CONDUCTS = {
    "answer": {101},
    "hang": {503},
    "garbage": {503},
    "reset": {503},
    "slow": {101, 503},
    503: {503},
    "away": {503},
}


class Connects(Part):
    """Opens WebSockets, each of a user of its own, and closes each as soon as it is answered.

    Returns how often each status was the answer; 0 is a connection that ended without one.
    """

    def work(self, rate):
        statuses, waiting, opened = collections.Counter(), {}, 0
        self.ready.set()
        due = time.monotonic()
        with select.epoll() as poll:
            while waiting or not self.stopping.is_set():
                while not self.stopping.is_set() and due <= time.monotonic():
                    client = socket.create_connection(self.address, timeout=20)
                    client.sendall(handshake(f"/ws?channel=c&user_id=u{opened}"))
                    poll.register(client, select.EPOLLIN)
                    waiting[client.fileno()] = client
                    opened += 1
                    due = max(due + 1 / rate, time.monotonic() - 0.1)  # do not make up for a freeze
                for number, _ in poll.poll(0.005):
                    client = waiting.pop(number)
                    answer = client.recv(4096)
                    statuses[int(answer[9:12]) if answer else 0] += 1
                    client.close()
        return statuses


class Speaker(Background):
    """Publishes 0, 1, 2 … to a channel, each when the one before is accepted; `count` says how many.

    A thread: another process would keep the backend's socket open when the backend is away.
    """

    def __init__(self, address):
        super().__init__()
        self.client, self.count = RawClient(address, timeout=60).upgrade("/ws?channel=&user_id=speaker"), 0

    def work(self):
        while not self.stopped.wait(0.05):
            command = {"action": "publish", "channel": "spoken", "data": self.count}
            self.client.send_frame(TEXT, json.dumps(command).encode())
            reply = json.loads(self.client.read_frame().payload)
            assert reply.get("status") == "published", reply
            self.count += 1
        self.client.close()


def told(backend):
    """What `Speaker` has said, as far as the backend was told; each event once, in order."""
    numbers = [int(event["id"].split("-")[1]) for event in backend.events]
    assert numbers == sorted(set(numbers)), "events out of order or twice"
    return [event["data"] for event in backend.events]


def misbehave(backend, conduct):
    if conduct == "away":
        backend.leave()
    else:
        backend.conduct = conduct


def behave(backend):
    if backend.conduct == "away":
        backend.come_back()
    backend.conduct = "answer"
