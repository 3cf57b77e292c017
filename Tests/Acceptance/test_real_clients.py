"""Popular WebSocket clients, with and without compression, against examples/echo and pushd.

A client that is not installed is skipped; script/setup-packages installs all that the system's apt has.
"""

import contextlib
import functools
import http.client
import random
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from clients import PATIENCE_S, Conversation, node, python_aiohttp, python_websocket_client, python_websockets
from clients.browser import BrowserClient
from support import chromium, firefox, wait_until
from support.chromium import Chromium
from support.echo_server import EchoServer
from support.firefox import Firefox

MAX_MESSAGE = 1 << 20
SIZES = [1, 125, 126, 65535, 65536, MAX_MESSAGE]

NODE = {"node-ws": node.find_ws, "node-own": node.find_own}
PYTHON = {"websockets": python_websockets, "aiohttp": python_aiohttp, "websocket-client": python_websocket_client}
BROWSERS = {"chromium": (Chromium, chromium.COMMAND), "firefox": (Firefox, firefox.COMMAND)}

MAY_LACK_COMPRESSION = {"websocket-client", "node-own"}  # never; only late in Node 20

compression = pytest.mark.parametrize("compression", ["off", "on"])


@pytest.fixture(scope="module", params=[*PYTHON, *NODE, *BROWSERS])
def client(request, tmp_path_factory):
    name = request.param
    if name in PYTHON:
        yield PYTHON[name]
    elif name in NODE:
        yield NODE[name]() or pytest.skip(f"no {name} here")
    else:
        browser, command = BROWSERS[name]
        if not command:
            pytest.skip(f"no {name} here")
        with contextlib.closing(BrowserClient(browser(tmp_path_factory.mktemp(name)))) as client:
            yield client


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    """An echo server for each setting of --compression."""
    servers = {}
    try:
        for setting in ("off", "on"):
            directory = tmp_path_factory.mktemp(f"echo-{setting}")
            servers[setting] = EchoServer(directory, "--max-message", str(MAX_MESSAGE), "--compression", setting)
        yield servers
    finally:
        for server in servers.values():
            server.stop()


@pytest.fixture
def subscribe(client, start):
    """Lets the client subscribe to a new pushd; returns it and the outcome, available after pushd has ended."""
    with ThreadPoolExecutor(1) as executor:

        def subscribe(compression):
            pushd = start("--compression", compression, "--allow-origin", "*")
            outcome = executor.submit(client.talk, Conversation(f"ws://127.0.0.1:{pushd.port}/ws?channel=c"))
            wait_until(lambda: pushd.health()["subscriptions"] == 1, "a subscription", seconds=30)
            return pushd, outcome

        yield subscribe


# Messages

CHARACTERS = [chr(code) for code in (*range(0xD800), *range(0x1F300, 0x1F600))]  # of one to four bytes


def fit(text, size):
    """As much of `text` as fits into `size` bytes of UTF-8, padded to that size."""
    text = text.encode()[:size].decode(errors="ignore")
    return text + "." * (size - len(text.encode()))


@functools.cache
def messages(size):
    """A text and a binary message that compress well, and one of each that does not."""
    generator = random.Random(size)
    return [
        fit('{"city": "Tromsø", "temperature": 21.5}' * (size // 40 + 1), size),
        fit("".join(generator.choices(CHARACTERS, k=size)), size),
        bytes(size),
        generator.randbytes(size),
    ]


def assert_same(received, sent):
    """Like ==, but a failure does not print pages of bytes."""
    assert [(type(it), len(it)) for it in received] == [(type(it), len(it)) for it in sent]
    assert [number for number, message in enumerate(received) if message != sent[number]] == []


@compression
def test_every_message_comes_back(client, echo, compression):
    sizes = [size for size in SIZES if size not in getattr(client, "broken_sizes", ())]
    sent = [message for size in sizes for message in messages(size)]
    outcome = client.talk(Conversation(echo[compression].url, sent, code=1000))
    assert_same(outcome.received, sent)
    assert (outcome.code, outcome.is_clean) == (1000, True)


@compression
@pytest.mark.parametrize("kind", ["zeros", "random"])
def test_a_byte_more_than_the_largest_message_is_1009(client, echo, compression, kind):
    message = bytes(MAX_MESSAGE + 1) if kind == "zeros" else random.Random(0).randbytes(MAX_MESSAGE + 1)
    outcome = client.talk(Conversation(echo[compression].url, ["before", message]))
    assert (outcome.received, outcome.code, outcome.is_clean) == (["before"], 1009, True)


# Compression


@pytest.fixture(scope="module")
def offers_compression(client):
    """Whether the client offers compression in its handshake, which is refused here."""
    with ThreadPoolExecutor(1) as executor, socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        attempt = executor.submit(client.talk, Conversation(f"ws://127.0.0.1:{listener.getsockname()[1]}/"))
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as stream:
            headers = http.client.parse_headers(stream) if stream.readline() else {}
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        attempt.exception()  # most clients report the refusal this way
    return "permessage-deflate" in headers.get("Sec-WebSocket-Extensions", "")


@compression
def test_compression_is_agreed_on_with_a_client_that_offers_it(client, echo, compression, offers_compression):
    outcome = client.talk(Conversation(echo[compression].url, ["hello"], code=1000))
    assert outcome.is_compressed == (offers_compression and compression == "on")
    assert outcome.received == ["hello"]


def test_the_clients_that_can_compress_offer_it(offers_compression, request):
    assert offers_compression or request.node.callspec.params["client"] in MAY_LACK_COMPRESSION


# Closes


@compression
@pytest.mark.parametrize("code, reason", [(1000, ""), (3001, "enough, ☃")], ids=["1000", "3001"])
def test_a_close_by_the_client_is_answered_with_its_code(client, echo, compression, code, reason):
    outcome = client.talk(Conversation(echo[compression].url, ["hello"], code, reason))
    assert outcome.received == ["hello"]
    assert (outcome.code, outcome.is_clean) == (code, True)


@compression
def test_a_close_by_the_server_is_clean(subscribe, compression):
    pushd, outcome = subscribe(compression)
    pushd.signal()
    assert (outcome.result().code, outcome.result().is_clean) == (1001, True)
    assert pushd.wait() == 0


# Subscribers


@compression
def test_what_is_published_arrives_byte_for_byte(subscribe, compression, offers_compression):
    pushd, outcome = subscribe(compression)
    easy_text, hard_text, _, hard_bytes = messages(100 * 1024)
    published = ["small", messages(1024)[0], easy_text, hard_text, hard_bytes, b"\xff" * 100 * 1024, "last"]
    for message in published:
        assert pushd.publish("c", message) == 1
    pushd.signal()
    assert_same(outcome.result().received, published)
    assert pushd.wait() == 0
    assert outcome.result().is_compressed == (offers_compression and compression == "on")
