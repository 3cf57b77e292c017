"""The echo server over HTTP, as HTTP conformance suites use it."""

import urllib.request

import pytest
from support.echo_server import EchoServer


@pytest.fixture
def address(tmp_path):
    server = EchoServer(tmp_path)
    yield server.url.replace("ws:", "http:")
    server.stop()


@pytest.mark.parametrize("body", [b"", b"hello", b"\xff\x00" * 100_000], ids=len)
def test_a_body_comes_back(address, body):
    with urllib.request.urlopen(address, data=body) as response:
        assert (response.status, response.read()) == (200, body)


def test_a_get_says_what_to_do(address):
    with urllib.request.urlopen(address) as response:
        assert response.status == 200
        assert b"POST" in response.read()
