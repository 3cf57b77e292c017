"""A client that sends arbitrary bytes and parses HTTP responses and WebSocket frames strictly."""

import json
import os
import socket
import struct
from collections import namedtuple

Response = namedtuple("Response", "status headers body")
Frame = namedtuple("Frame", "opcode payload is_final is_compressed", defaults=[True, False])

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # the example of RFC 6455 section 1.3


def handshake(target="/ws", **changes):
    """The bytes of an opening handshake; a header given as None is left out (Sec_WebSocket_Key=None)."""
    headers = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": KEY,
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    lines = [f"{name}: {value}\r\n" for name, value in headers.items() if value is not None]
    return f"GET {target} HTTP/1.1\r\n{''.join(lines)}\r\n".encode()


def encode_frame(opcode, payload=b"", first_bits=0x80, is_masked=True):
    """One frame; `first_bits` are FIN and the reserved bits."""
    size = len(payload)
    mask_bit = 0x80 if is_masked else 0
    if size < 126:
        head = bytes([first_bits | opcode, mask_bit | size])
    elif size < 65536:
        head = struct.pack("!BBH", first_bits | opcode, mask_bit | 126, size)
    else:
        head = struct.pack("!BBQ", first_bits | opcode, mask_bit | 127, size)
    if not is_masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + masked(payload, mask)


def masked(payload, mask):
    """One operation on long numbers: byte by byte a load of large frames would take minutes."""
    size = len(payload)
    masks = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(masks, "little")).to_bytes(size, "little")


def decode_frames(stream, most=None, deflates=False):
    """The complete frames at the beginning of a server's `stream`, and their total length."""
    frames, at = [], 0
    while len(stream) - at >= 2 and len(frames) != most:
        first, second = stream[at], stream[at + 1]
        assert not second & 0x80, "a server does not mask"
        size, head = second & 0x7F, 2
        if size >= 126:
            head = 4 if size == 126 else 10
            size = int.from_bytes(stream[at + 2 : at + head], "big")
        if len(stream) - at < head + size:
            break
        assert not first & (0x30 if deflates else 0x70), "no extension was agreed on"
        payload = bytes(stream[at + head : at + head + size])
        frames.append(Frame(first & 0x0F, payload, bool(first & 0x80), bool(first & 0x40)))
        at += head + size
    return frames, at


class RawClient:
    """A socket with a timeout, and the received bytes that were not parsed yet."""

    def __init__(self, address, timeout=10, receive_buffer=None):
        family = socket.AF_UNIX if isinstance(address, (str, os.PathLike)) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(os.fspath(address) if family == socket.AF_UNIX else address)
        self.received = bytearray()
        self.deflates = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send(self, data):
        """Sends as much as the server accepts; the answers can be read afterwards."""
        try:
            self.socket.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            pass

    def receive_more(self):
        """Returns False at the end of the stream."""
        try:
            data = self.socket.recv(1 << 20)
        except ConnectionResetError:
            data = b""
        self.received += data
        return bool(data)

    def is_closed(self):
        """Reads until the server closes; returns True if nothing else arrived."""
        while self.receive_more():
            pass
        return not self.received

    def take(self, size):
        while len(self.received) < size:
            assert self.receive_more(), f"closed after {bytes(self.received)!r}"
        taken = bytes(self.received[:size])
        del self.received[:size]
        return taken

    def read_response(self, has_body=True):
        while b"\r\n\r\n" not in self.received:
            assert self.receive_more(), f"closed without an answer, after {bytes(self.received)!r}"
        head = self.take(self.received.index(b"\r\n\r\n") + 4).decode("ascii")
        status_line, *lines = head.rstrip("\r\n").split("\r\n")
        version, status, _ = status_line.split(" ", 2)
        assert version == "HTTP/1.1"
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        body = self.take(int(headers.get("content-length", 0))) if has_body else b""
        return Response(int(status), headers, body)

    def ask(self, data, **options):
        self.send(data)
        return self.read_response(**options)

    def upgrade(self, target="/ws", **headers):
        response = self.ask(handshake(target, **headers))
        assert response.status == 101, response
        assert response.headers["sec-websocket-accept"] == ACCEPT
        self.deflates = "sec-websocket-extensions" in response.headers
        return self

    def send_frame(self, opcode, payload=b"", **options):
        self.send(encode_frame(opcode, payload, **options))

    def read_frame(self):
        while True:
            frames, size = decode_frames(self.received, most=1, deflates=self.deflates)
            if frames:
                del self.received[:size]
                return frames[0]
            assert self.receive_more(), f"closed after {bytes(self.received)!r}"

    def read_json(self):
        frame = self.read_frame()
        assert frame.opcode == TEXT, frame
        return json.loads(frame.payload)

    def read_close_code(self):
        """Reads a Close frame, answers it, expects the end of the connection, and returns the code."""
        frame = self.read_frame()
        assert frame.opcode == CLOSE, frame
        self.send_frame(CLOSE, frame.payload)
        assert self.is_closed(), "bytes after Close"
        return int.from_bytes(frame.payload[:2], "big")
