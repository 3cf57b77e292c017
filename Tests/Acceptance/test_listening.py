"""Listening addresses: both address families, and the errors for invalid addresses."""

import pathlib
import re
import subprocess
import sys

import pytest
from support import raw
from support.pushd import BINARY, Pushd, environment, run_pushd
from support.raw import handshake

WITHOUT_IPV6 = pathlib.Path(raw.__file__).with_name("without_ipv6.py")


@pytest.mark.parametrize("address", ["0", ":0", "[::]:0"])
def test_a_port_is_taken_on_the_addresses_of_both_families(start, address):
    pushd = start("--listen", address)
    for host in ("127.0.0.1", "::1"):
        pushd.host = host
        assert pushd.publish("news", "hello") == 0, "both are this machine, which needs no key"
        assert pushd.get("/metrics").status == 200


def test_an_ipv4_client_has_one_address_whatever_the_socket(start):
    pushd = start("--listen", "0", "--max-connections-per-address", "1")
    pushd.raw().upgrade()
    assert pushd.raw().ask(handshake()).status == 503
    pushd.host = "[::1]"
    pushd.connect("news")


def test_over_a_socket_of_both_families_foreign_names_are_refused(start):
    pushd = start("--listen", "0")
    assert pushd.get("/health", {"Host": "evil.example"}).status == 403


class WithoutIPv6(Pushd):
    command = (sys.executable, WITHOUT_IPV6, BINARY)


@pytest.mark.parametrize("address", ["0", ":0"])
def test_without_ipv6_a_port_is_one_of_ipv4(tmp_path, address):
    pushd = WithoutIPv6(tmp_path, "--listen", address)
    assert re.search(r"listening on 0\.0\.0\.0:\d", pushd.log())
    pushd.stop()


def test_without_ipv6_an_address_of_it_is_refused():
    command = [*WithoutIPv6.command, "--listen", "[::]:0"]
    result = subprocess.run(command, env=environment({}), capture_output=True, text=True, timeout=10, check=False)
    assert result.returncode == 1
    assert "--listen: cannot listen on [::]:0: address family not supported" in result.stderr


@pytest.mark.parametrize(
    "address, words",
    [
        ("70000", "a port is 0 to 65535"),
        (":70000", "a port is 0 to 65535"),
        ("127.0.0.1", "the port is missing"),
        ("example.org:8081", "HOST is a numeric address or localhost"),
        ("::1:8081", "brackets"),
        ("tls:unix:/run/pushd.sock", "TCP"),
    ],
)
def test_what_is_wrong_with_an_address_is_said(address, words):
    for option in ("--listen", "--admin"):
        result = run_pushd(option, address)
        assert result.returncode == 64
        assert f"{option}: '{address}'" in result.stderr and words in result.stderr
