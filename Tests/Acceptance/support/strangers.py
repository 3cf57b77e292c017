"""Unauthenticated clients that make the process hold as many bytes as they can, in different ways."""

import contextlib
import functools
import pathlib
import resource
import select
import socket
import time
from urllib.parse import quote

from .crowd import READ_SIZE, Part
from .raw import CONTINUATION, TEXT, encode_frame, handshake

MEBIBYTE = 1 << 20
KEY = "the-right-key"
BODY_HEAD = (
    b"POST /publish?channel=news HTTP/1.1\r\nHost: localhost\r\n"
    b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n"
)
BODY = bytes(MEBIBYTE - 1)  # one less than was announced
HALF_MESSAGE = handshake() + encode_frame(TEXT, b" " * 65_535)[:-1]
FRAGMENTS = (
    handshake()
    + encode_frame(TEXT, b" " * 32, first_bits=0)
    + encode_frame(CONTINUATION, b" " * 32, first_bits=0) * 2_039
)


def names(number):
    """Joins 127 channels with unique names of 255 bytes."""

    def name(channel):
        return f"{number:05}-{channel:03}".ljust(255, "n")

    commands = (f'{{"action":"subscribe","channel":"{name(channel)}"}}' for channel in range(1, 127))
    frames = b"".join(encode_frame(TEXT, command.encode()) for command in commands)
    return handshake("/ws?channel=" + quote(name(0))) + frames


def kinds(hello):
    """The bytes that a client with a given number sends, by kind; `hello` is a TLS ClientHello or empty.

    For a daemon with the publish key KEY.
    """
    plain = {
        "bodies": lambda _: BODY_HEAD % (b"wrong", MEBIBYTE) + BODY,
        "bodies with a key": lambda _: BODY_HEAD % (KEY.encode(), MEBIBYTE) + BODY,
        "half messages": lambda _: HALF_MESSAGE,
        "fragments": lambda _: FRAGMENTS,
        "names": names,
    }
    tls = {
        "TLS handshakes": lambda _: hello,
        "half TLS records": lambda _: hello + b"\x16\x03\x03\x40\x00" + bytes(0x3FFF),
    }
    return plain | (tls if hello else {})


class Stranger:
    def __init__(self, number, address, data):
        self.number, self.left = number, memoryview(data)
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(address)

    def go_on(self, room):
        """Sends its bytes and reads the answers; returns False when it was disconnected."""
        try:
            with contextlib.suppress(BlockingIOError):
                while self.left:
                    self.left = self.left[self.socket.send(self.left) :]
            with contextlib.suppress(BlockingIOError):
                while self.socket.recv_into(room):
                    pass
                return False
        except OSError:
            return False
        return True


class Strangers(Part):
    """Many clients of one kind, or of all kinds in turn. They reconnect at most every half second.

    Returns how often a client was disconnected.
    """

    def work(self, kind, count, hello=b"", tls_address=None):
        all_kinds = kinds(hello)
        chosen = list(all_kinds) if kind == "mixed" else [kind]
        content = functools.cache(lambda name, number: all_kinds[name](number))

        def come(number):
            name = chosen[number % len(chosen)]
            data = content(name, number if name == "names" else 0)
            stranger = Stranger(number, tls_address if "TLS" in name else self.address, data)
            poll.register(stranger.socket, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
            present[stranger.socket.fileno()] = stranger

        present, room, away, thrown_out = {}, bytearray(READ_SIZE), [], 0
        with select.epoll() as poll:
            for number in range(count):
                come(number)
            self.ready.set()
            while not self.stopping.is_set():
                for descriptor, _ in poll.poll(0.05, count):
                    stranger = present[descriptor]
                    if not stranger.go_on(room):
                        del present[descriptor]
                        stranger.socket.close()
                        thrown_out += 1
                        away.append((time.monotonic() + 0.5, stranger.number))
                while away and away[0][0] < time.monotonic():
                    come(away.pop(0)[1])
        for stranger in present.values():
            stranger.socket.close()
        return thrown_out


def resident_bytes(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def peak_while(pid, seconds):
    """The peak of the resident memory during this time, in bytes."""
    peak, deadline = 0, time.monotonic() + seconds
    while time.monotonic() < deadline:
        peak = max(peak, resident_bytes(pid))
        time.sleep(0.02)
    return peak
