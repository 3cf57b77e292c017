"""A name server that does not answer."""

import socket

import pytest
from support import namespace, wait_until
from support.pushd import BINARY, Pushd


class SilentNameServer:
    """Receives questions on a loopback address and never answers."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for last in range(1, 255):  # each test has its own address, because resolv.conf allows only port 53
            self.address = f"127.53.0.{last}"
            try:
                self.socket.bind((self.address, 53))
                return
            except OSError:
                continue
        raise AssertionError("no address is free")

    def is_asked(self):
        try:
            return self.socket.recv(512, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None


class Resolving(Pushd):
    def __init__(self, directory, name_server, *options):
        resolver = directory / "resolv.conf"
        resolver.write_text(f"nameserver {name_server.address}\noptions timeout:30 attempts:5\n")
        self.command = namespace.command({"/etc/resolv.conf": resolver}, BINARY)
        super().__init__(directory, *options)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stop_does_not_wait_for_it(tmp_path, workers):
    name_server = SilentNameServer()
    pushd = Resolving(tmp_path, name_server, "--redis", "redis://redis.example", "--workers", workers)
    try:
        wait_until(name_server.is_asked, "a question")
        assert pushd.health()["status"] == "degraded"
        pushd.signal()
        assert pushd.wait() == 0, "it answers in 150 s at the earliest"
    finally:
        pushd.stop()
        name_server.socket.close()


def test_its_silence_is_named_and_it_is_not_asked_again(tmp_path):
    name_server = SilentNameServer()
    pushd = Resolving(tmp_path, name_server, "--redis", "redis://redis.example")
    try:
        reason = "look up redis.example: no answer within 1000 ms"
        wait_until(lambda: pushd.health()["redis"].get("reason") == reason, "the reason")
        assert pushd.health()["status"] == "degraded"
        assert pushd.log().count(reason) == 1
        # Two links, each of which asks once for each kind of address.
        assert sum(1 for _ in iter(name_server.is_asked, None)) <= 4
    finally:
        pushd.stop()
        name_server.socket.close()
