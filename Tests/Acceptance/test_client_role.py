"""The WebSocket client in examples/cat (ws-cat) against other servers: the websockets package and raw sockets."""

import base64
import hashlib
import os
import queue
import re
import socket
import subprocess
import threading

import pytest
from support import wait_until
from support.pushd import ROOT
from support.raw import BINARY, CLOSE, CONTINUATION, PONG, TEXT, encode_frame
from websockets.sync.server import serve

CAT = os.environ.get("WS_CAT") or str(ROOT / ".build/release/ws-cat")
DEFLATE = pytest.mark.parametrize("options", [[], ["--deflate"]], ids=["plain", "deflate"])


class Cat:
    """A running ws-cat; killed if it does not end in time, so that no test waits forever."""

    def __init__(self, url, *options, stdin=subprocess.PIPE):
        self.process = subprocess.Popen(
            [CAT, *options, url], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.watchdog = threading.Timer(30, self.process.kill)
        self.watchdog.start()

    def send(self, line):
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def read(self):
        line = self.process.stdout.readline()
        assert line.endswith(b"\n"), f"ended after {line!r}: {self.process.stderr.read()}"
        return line[:-1]

    def end_input(self):
        self.process.stdin.close()

    def wait(self):
        """The exit status, the remaining output, and the line on standard error."""
        rest, problem = self.process.stdout.read(), self.process.stderr.read().decode()
        assert problem.count("\n") == (1 if problem else 0), problem
        return self.process.wait(), rest, problem.removesuffix("\n")

    def problem(self):
        """The problem that was reported; there must be one."""
        status, rest, problem = self.wait()
        assert (status, rest) == (1, b""), problem
        return problem.removeprefix("ws-cat: ")

    def stop(self):
        self.watchdog.cancel()
        self.process.kill()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream and not stream.closed:
                try:
                    stream.close()
                except BrokenPipeError:  # unsent input does not matter
                    pass
        self.process.wait()


class Server:
    """A server of the websockets package; the test uses its connections."""

    def __init__(self, **options):
        self.accepted = queue.Queue()
        self.is_over = threading.Event()
        self.server = serve(self._handle, "127.0.0.1", 0, **({"max_size": None, "close_timeout": 2} | options))
        self.port = self.server.socket.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/chat?a=b"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def _handle(self, connection):
        self.accepted.put(connection)
        self.is_over.wait()

    def accept(self):
        return self.accepted.get(timeout=10)

    def stop(self):
        self.is_over.set()
        self.server.shutdown()
        self.thread.join()


class RawServer:
    """A server for one connection that answers the handshake as the test says; its socket has a timeout."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(10)
        self.url = f"ws://127.0.0.1:{self.listener.getsockname()[1]}"
        self.socket = None
        self.received = b""

    def accept(self):
        """Waits for the request; returns the accept value for its key."""
        self.socket, _ = self.listener.accept()
        self.socket.settimeout(10)
        while b"\r\n\r\n" not in self.received:
            self.receive_more()
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        key = next(line[19:] for line in head.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key: "))
        digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        return base64.b64encode(digest).decode()

    def answer(self, accept, *extra, status="HTTP/1.1 101 Switching Protocols", behind=b""):
        """Answers with these field lines; `behind` follows in the same packet."""
        lines = [status, "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {accept}", *extra, "", ""]
        self.socket.sendall("\r\n".join(lines).encode() + behind)

    def receive_more(self):
        data = self.socket.recv(65536)
        assert data, f"closed after {self.received!r}"
        self.received += data

    def take(self, size):
        while len(self.received) < size:
            self.receive_more()
        taken, self.received = self.received[:size], self.received[size:]
        return taken

    def read_frame(self):
        """The opcode, the mask and the payload of a short frame."""
        first, second = self.take(2)
        assert first & 0xF0 == 0x80 and second & 0x80, "no whole masked frame"
        mask = self.take(4)
        return first & 0x0F, mask, bytes(byte ^ mask[i % 4] for i, byte in enumerate(self.take(second & 0x7F)))

    def send_frame(self, opcode, payload=b"", **options):
        self.socket.sendall(encode_frame(opcode, payload, **({"is_masked": False} | options)))

    def close(self):
        if self.socket:
            self.socket.close()

    def stop(self):
        self.close()
        self.listener.close()


@pytest.fixture
def started():
    """Processes to stop after the test, the last one first."""
    things = []
    yield things
    for thing in reversed(things):
        thing.stop()


@pytest.fixture
def run_cat(started):
    def run_cat(url, *options, **files):
        started.append(Cat(url, *options, **files))
        return started[-1]

    return run_cat


@pytest.fixture
def start_server(started):
    def start_server(**options):
        started.append(Server(**options))
        return started[-1]

    return start_server


@pytest.fixture
def raw_server(started):
    started.append(RawServer())
    return started[-1]


@pytest.fixture
def connected(start_server, run_cat):
    """Connects a ws-cat with these options; returns it and the server's end."""

    def connected(*options):
        server = start_server()
        cat = run_cat(server.url, *options)
        return cat, server.accept()

    return connected


@pytest.fixture
def raw(raw_server, run_cat):
    """A connected ws-cat and the raw server's end."""
    cat = run_cat(raw_server.url)
    raw_server.answer(raw_server.accept())
    return cat, raw_server


# Messages


@DEFLATE
@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 1 << 20])
def test_text_arrives_verbatim_in_both_directions(connected, options, size):
    cat, connection = connected(*options)
    text = ("Grüße 0123456789 €uro " * (size // 20 + 1)).encode()[:size].decode(errors="ignore")
    cat.send(text.encode())
    assert connection.recv(timeout=10) == text
    connection.send(text)
    assert cat.read() == text.encode()


@DEFLATE
@pytest.mark.parametrize("size", [1, 126, 65536, 1 << 20])
def test_bytes_arrive_verbatim_in_both_directions(connected, options, size):
    cat, connection = connected(*options)
    data = (b"\xff\x00\xfe\x01" * (size // 4 + 1))[:size]
    cat.send(data)
    assert connection.recv(timeout=10) == data
    connection.send(data)
    assert cat.read() == b"base64:" + base64.b64encode(data)


@DEFLATE
def test_many_messages_stay_in_order(connected, options):
    cat, connection = connected(*options)
    lines = [f"{number} {'x' * (number * 7 % 900)}" for number in range(1000)]
    for line in lines:
        cat.send(line.encode())
    assert [connection.recv(timeout=10) for _ in lines] == lines
    for line in lines:
        connection.send(line)
    assert [cat.read().decode() for _ in lines] == lines


def test_a_fragmented_message_is_one_line(connected):
    cat, connection = connected()
    connection.send(iter(["Hel", "", "lo ", "wörld"]))
    connection.send(iter([b"\xff", b"\x00"]))
    assert cat.read().decode() == "Hello wörld"
    assert cat.read() == b"base64:/wA="


def test_a_line_break_inside_a_text_is_escaped(connected):
    cat, connection = connected()
    connection.send("two\nlines\n")
    assert cat.read() == b"two\\nlines\\n"


def test_pings_are_answered_even_inside_a_message(connected):
    cat, connection = connected()
    assert connection.ping(b"x" * 125).wait(10)

    def parts():
        yield "Hel"
        assert connection.ping("inside").wait(10)
        yield "lo"

    connection.send(parts())
    assert cat.read() == b"Hello"


@pytest.mark.parametrize("options", [["--listen"], ["--listen", "--deflate"]])
def test_input_may_be_a_file(start_server, run_cat, tmp_path, options):
    server = start_server()
    lines = [f"{number} {'x' * 5000}" for number in range(1000)] + ["the last without a line feed"]
    (tmp_path / "input").write_text("\n".join(lines))
    with (tmp_path / "input").open("rb") as file:
        cat = run_cat(server.url, *options, stdin=file)
        connection = server.accept()
        assert [connection.recv(timeout=10) for _ in lines] == lines
        connection.close()
        assert cat.wait() == (0, b"", "")


def test_frames_are_masked_with_a_new_key_each(raw):
    cat, server = raw
    for _ in range(100):
        cat.send(b"hello")
    frames = [server.read_frame() for _ in range(100)]
    assert all((opcode, payload) == (TEXT, b"hello") for opcode, _, payload in frames)
    assert len({mask for _, mask, _ in frames}) == 100


# The end


def test_the_end_of_input_closes_with_1000(connected):
    cat, connection = connected()
    cat.send(b"hello")
    cat.end_input()
    assert connection.recv(timeout=10) == "hello"
    assert cat.wait() == (0, b"", "")
    wait_until(lambda: connection.close_code == 1000, "the server to see the close")


def test_with_listen_it_goes_on_until_the_server_closes(connected):
    cat, connection = connected("--listen")
    cat.end_input()
    assert connection.ping().wait(10)
    connection.send("late")
    assert cat.read() == b"late"
    connection.close()
    assert cat.wait() == (0, b"", "")
    assert connection.protocol.close_rcvd.code == 1000


@pytest.mark.parametrize("code", [1000, 1001])
def test_a_close_without_complaint_is_clean(connected, code):
    cat, connection = connected()
    connection.close(code, "bye")
    assert cat.wait() == (0, b"", "")
    assert connection.protocol.close_rcvd.code == code


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 3000, 4401, 4999])
def test_other_close_codes_are_named_and_echoed(connected, code):
    cat, connection = connected()
    connection.close(code, "two\nlines")
    assert cat.problem() == f'the server closed with {code} "two\\nlines"'
    assert connection.protocol.close_rcvd.code == code


def test_a_close_without_a_code_is_answered_alike(raw):
    cat, server = raw
    server.send_frame(CLOSE)
    opcode, _, payload = server.read_frame()
    assert (opcode, payload) == (CLOSE, b"")
    server.close()
    assert cat.wait() == (0, b"", "")


def test_messages_before_the_servers_close_are_printed(raw):
    cat, server = raw
    cat.end_input()
    assert server.read_frame()[0] == CLOSE
    server.send_frame(TEXT, b"on its way")
    server.send_frame(CLOSE, b"\x03\xe8")
    server.send_frame(TEXT, b"too late")
    server.close()
    assert cat.wait() == (0, b"on its way\n", "")


def test_an_end_without_a_close_frame_is_1006(raw):
    cat, server = raw
    server.send_frame(TEXT, b"hello")
    assert cat.read() == b"hello"
    server.close()
    assert cat.problem() == "the connection ended without a Close frame (1006)"


@pytest.mark.parametrize(
    "frame, code, reason",
    [
        (encode_frame(TEXT, b"x"), 1002, "server frame with a mask"),
        (encode_frame(TEXT, b"x", first_bits=0xC0, is_masked=False), 1002, "reserved bit set"),
        (encode_frame(3, is_masked=False), 1002, "reserved opcode 3"),
        (encode_frame(CONTINUATION, is_masked=False), 1002, "continuation without a message"),
        (encode_frame(PONG, b"x" * 126, is_masked=False), 1002, "control frame over 125 bytes"),
        (encode_frame(TEXT, b"\xff", is_masked=False), 1007, "text is not UTF-8"),
        (encode_frame(CLOSE, b"\x03\xed", is_masked=False), 1002, "close code 1005 not allowed"),
        (b"\x82\x7f" + (1 << 40).to_bytes(8, "big"), 1009, "message too big"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_server_that_breaks_the_rules_is_told(raw, frame, code, reason):
    cat, server = raw
    server.socket.sendall(frame)
    opcode, _, payload = server.read_frame()
    assert (opcode, payload) == (CLOSE, code.to_bytes(2, "big") + reason.encode())
    server.close()
    assert cat.problem() == f"{reason} (closed with {code})"


# The handshake


def test_the_request(start_server, run_cat):
    server = start_server()
    run_cat(server.url, "--origin", "http://app.example")
    request = server.accept().request
    assert request.path == "/chat?a=b"
    assert request.headers["Host"] == f"127.0.0.1:{server.port}"
    assert request.headers["Origin"] == "http://app.example"
    assert "Sec-WebSocket-Protocol" not in request.headers
    assert "Sec-WebSocket-Extensions" not in request.headers


def test_a_host_may_be_a_name(start_server, run_cat):
    server = start_server()
    cat = run_cat(f"WS://localhost:{server.port}")
    connection = server.accept()
    assert connection.request.path == "/"
    cat.end_input()
    assert cat.wait() == (0, b"", "")


def test_a_subprotocol_is_agreed_on(start_server, run_cat):
    server = start_server(subprotocols=["b", "a"])
    cat = run_cat(server.url, "--subprotocol", "x", "--subprotocol", "a")
    assert server.accept().subprotocol == "a"
    cat.end_input()
    assert cat.wait() == (0, b"", "")


def test_compression_is_agreed_on(start_server, run_cat):
    server = start_server()
    run_cat(server.url, "--deflate")
    (extension,) = server.accept().protocol.extensions
    assert extension.name == "permessage-deflate"
    assert extension.local_no_context_takeover and extension.remote_no_context_takeover


def test_a_server_without_compression_is_served_plain(start_server, run_cat):
    server = start_server(compression=None)
    cat = run_cat(server.url, "--deflate")
    connection = server.accept()
    cat.send(b"x" * 1000)
    assert connection.recv(timeout=10) == "x" * 1000
    connection.send("y" * 1000)
    assert cat.read() == b"y" * 1000


@pytest.mark.parametrize("status", [401, 403, 404, 503])
def test_a_refusal_is_named_by_its_status(start_server, run_cat, status):
    server = start_server(process_request=lambda connection, request: connection.respond(status, "no\n"))
    assert run_cat(server.url).problem() == f'the server answered with status {status}: "no"'


@pytest.mark.parametrize(
    "fields, body, shown",
    [
        (["Content-Length: 16"], b'{"error":"no\\n"}', ': "no\\n"'),
        (["Content-Length: 9999"], b"x" * 9999, ': "' + "x" * 4096 + '"'),
        ([], b"two\nlines\x1b\n", ': "two\\nlines\\u{1B}"'),
        (["Content-Length: 100"], b"cut", ': "cut"'),
        (["Content-Length: 0"], b"", ""),
        (["Transfer-Encoding: chunked"], b"2\r\nno\r\n0\r\n\r\n", ""),
    ],
)
def test_the_body_of_a_refusal_is_shown_in_one_line(raw_server, run_cat, fields, body, shown):
    cat = run_cat(raw_server.url)
    raw_server.accept()
    raw_server.socket.sendall("\r\n".join(["HTTP/1.1 403 x", *fields, "", ""]).encode() + body)
    raw_server.socket.shutdown(socket.SHUT_WR)
    assert cat.problem() == f"the server answered with status 403{shown}"


def test_what_pushd_refuses_is_shown(pushd, run_cat):
    url = f"ws://127.0.0.1:{pushd.port}/ws"
    problem = run_cat(url, "--origin", "http://evil.example").problem()
    assert problem == 'the server answered with status 403: "this Origin is not allowed (--allow-origin)"'


def test_subprotocols_of_which_none_is_spoken_are_an_error(pushd, run_cat):
    cat = run_cat(f"ws://127.0.0.1:{pushd.port}/ws", "--subprotocol", "pushd.v2", "--subprotocol", "x")
    assert cat.problem() == "the server speaks none of the subprotocols: pushd.v2, x"


def test_header_fields(start_server, run_cat):
    server = start_server()
    run_cat(server.url, "-H", "X-One: a: b", "--header", "X-Two:c", "-H", "Host: other.example")
    headers = server.accept().request.headers
    assert (headers["X-One"], headers["X-Two"], headers["Host"]) == ("a: b", "c", "other.example")


def test_its_version():
    result = subprocess.run([CAT, "--version"], capture_output=True, text=True, timeout=10, check=True)
    assert re.fullmatch(r"ws-cat \d+\.\d+\.\d+\n", result.stdout)


@pytest.mark.parametrize(
    "answer, problem",
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "the status line is not: version, space, three digits, space, reason"),
        (b"\x15\x03\x01\x00\x02\x02\x28", "control byte in the status line"),
        (b"a" * 100_000, "the status line is too long"),
        (b"HTTP/1.1 101 x\r\nX: " + b"a" * 100_000, "the response head is too large"),
        (b"HTTP/1.1 101 x\r\nno-colon\r\n\r\n", "header line without a colon"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 'the server answered with status 200: "hi"'),
        (b"HTTP/1.1 101 x\r\n\r\n", "the answer has no Upgrade header"),
        (b"HTTP/1.1 101 x\r\n", "the connection ended before the handshake was done"),
        (b"", "the connection ended before the handshake was done"),
    ],
)
def test_an_answer_that_is_no_handshake(raw_server, run_cat, answer, problem):
    cat = run_cat(raw_server.url)
    raw_server.accept()
    try:
        raw_server.socket.sendall(answer)
        raw_server.socket.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it has read enough and is closed
    assert cat.problem() == problem


@pytest.mark.parametrize(
    "changes, problem",
    [
        ({"accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}, "the answer's Sec-WebSocket-Accept does not fit the request"),
        ({"status": "HTTP/1.0 101 x"}, "the server answered in HTTP/1.0"),
        ({"extra": "Sec-WebSocket-Protocol: b"}, "the server chose a subprotocol that was not offered"),
        (
            {"extra": "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover"},
            "the server chose an extension that was not offered",
        ),
    ],
)
def test_a_handshake_that_does_not_fit_the_request(raw_server, run_cat, changes, problem):
    cat = run_cat(raw_server.url, "--subprotocol", "a")
    accept = changes.get("accept", raw_server.accept())
    extra = [changes["extra"]] if "extra" in changes else []
    status = {"status": changes["status"]} if "status" in changes else {}
    raw_server.answer(accept, *extra, **status)
    assert cat.problem() == problem


def test_a_server_that_would_refer_back_is_refused(raw_server, run_cat):
    cat = run_cat(raw_server.url, "--deflate")
    raw_server.answer(raw_server.accept(), "Sec-WebSocket-Extensions: permessage-deflate")
    assert cat.problem() == "the server chose parameters of permessage-deflate that were not offered"


def test_an_answer_in_single_bytes_behind_an_interim_one(raw_server, run_cat):
    cat = run_cat(raw_server.url)
    accept = raw_server.accept()
    raw_server.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n":
        raw_server.socket.sendall(bytes([byte]))
    raw_server.answer(accept, behind=encode_frame(TEXT, b"at once", is_masked=False))
    assert cat.read() == b"at once"


# The command line


def test_nobody_listens(raw_server, run_cat):
    raw_server.listener.close()
    assert "connection refused" in run_cat(raw_server.url).problem()


@pytest.mark.parametrize(
    "arguments, problem",
    [
        (["http://h"], "write ws://h"),
        (["h:81/ws"], "write ws://h:81/ws"),
        (["ws://h", "-H", "no-colon"], "Name: value"),
        (["ws://h", "-H", "a b: c"], "header name"),
        (["wsss://h"], "wsss://h"),
        (["ws://h:x"], "ws://h:x"),
        (["ws://h:65536"], "ws://h:65536"),
        (["ws://"], "Host"),
        (["ws://a b"], "Host"),
        (["ws://user@h"], "Host"),
        (["ws://h/a b"], "target"),
        (["ws://h/#fragment"], "target"),
        (["ws://h", "--subprotocol", "a b"], "token"),
        (["ws://h", "--origin", "a\r\nX: y"], "line break"),
        ([], "url"),
    ],
)
def test_a_wrong_command_line_is_refused(arguments, problem):
    result = subprocess.run(
        [CAT, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=False
    )
    assert result.returncode == 64
    (line,) = result.stderr.splitlines()
    assert problem in line
    assert line.startswith("ws-cat: ") and line.endswith(f" (see {CAT} --help)")
