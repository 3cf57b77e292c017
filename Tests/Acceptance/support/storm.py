"""Many connections, a burst of pipelined requests, and a client that measures how long its pings wait meanwhile."""

import collections
import contextlib
import select
import socket
import threading
import time

from .crowd import READ_SIZE, Part
from .raw import PING, PONG, Frame, handshake


class IdleCrowd(Part):
    """Idle WebSockets, which make it slow to iterate over all connections."""

    def work(self, count):
        sockets = []
        for _ in range(count):
            client = socket.create_connection(self.address, timeout=20)
            client.sendall(handshake("/ws?channel=idle"))
            sockets.append(client)
        for client in sockets:
            assert client.recv(4096).startswith(b"HTTP/1.1 101"), "not let in"
        self.ready.set()
        self.stopping.wait()
        return count


class Pinger(Part):
    """Pings over a WebSocket again and again; returns the sorted round-trip times in seconds."""

    def work(self, pause=0.001):
        client, waits = self.open(timeout=60).upgrade(), []
        self.ready.set()
        while not self.stopping.wait(pause):
            began = time.monotonic()
            client.send_frame(PING, b"p")
            assert client.read_frame() == Frame(PONG, b"p")
            waits.append(time.monotonic() - began)
        return sorted(waits)


def request(path, is_last=False):
    end = "Connection: close\r\n\r\n" if is_last else "\r\n"
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{end}".encode()


def ask_in_a_pipeline(address, path, count, clients):
    """Requests a path `count` times from each client in a pipeline, and reads all answers.

    Returns how often each status was answered.
    """
    sockets = [socket.create_connection(address, timeout=60) for _ in range(clients)]
    answers = [bytearray() for _ in sockets]
    data = request(path) * (count - 1) + request(path, is_last=True)
    senders = [threading.Thread(target=one.sendall, args=[data]) for one in sockets]
    for sender in senders:
        sender.start()
    waiting = {one.fileno(): (one, answer) for one, answer in zip(sockets, answers)}
    deadline = time.monotonic() + 60
    with select.epoll() as poll:
        for number in waiting:
            poll.register(number, select.EPOLLIN)
        while waiting:
            assert time.monotonic() < deadline, "60 s passed without all answers"
            for number, _ in poll.poll(1):
                one, answer = waiting[number]
                data = b""
                with contextlib.suppress(ConnectionError):
                    data = one.recv(READ_SIZE)
                answer += data
                if not data:
                    del waiting[number]
                    poll.unregister(number)
    for sender, one in zip(senders, sockets):
        sender.join()
        one.close()
    return collections.Counter(int(part[:3]) for answer in answers for part in answer.split(b"HTTP/1.1 ")[1:])
