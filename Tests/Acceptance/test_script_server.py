"""script/server: its output. A fake swift that builds nothing replaces the compiler."""

import os
import re
import signal
import socket
import subprocess

import pytest
from support import wait_until
from support.pushd import ROOT, environment


@pytest.fixture
def server(tmp_path):
    """Runs script/server with these options, without building or installing anything."""
    (tmp_path / "swift").write_text("#!/bin/sh\n")
    (tmp_path / "swift").chmod(0o755)
    running = []

    def server(*options, path=f"{tmp_path}:{os.environ['PATH']}"):
        log = (tmp_path / f"log{len(running)}").open("w+b")
        process = subprocess.Popen(
            [ROOT / "script/server", *options], env=environment({"PATH": path}), stdout=log, stderr=log
        )
        process.log = lambda: (tmp_path / log.name).read_text()
        running.append(process)
        return process

    yield server
    for process in running:
        process.kill()
        process.wait()


def test_the_page_is_named_once_the_port_is_bound(server):
    process = server("--listen", "127.0.0.1:0", "--drain", "0")
    wait_until(lambda: "Publish:" in process.log(), "how to publish")
    port = re.search(r"listening on 127\.0\.0\.1:(\d+)", process.log())[1]
    assert f"Demo page:  http://localhost:{port}/\n" in process.log()
    assert f"curl -d hello 'http://localhost:{port}/publish?channel=news'\n" in process.log()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    wait_until(lambda: process.log().endswith("notice stopped\n"), "the last line of the log")


def test_a_port_in_use_names_no_page_and_another_port(server):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = server("--listen", f"127.0.0.1:{port}")
        assert process.wait(20) == 1
    wait_until(lambda: "address already in use" in process.log(), "the reason")
    assert f"try --listen {port + 1}" in process.log()
    assert "Demo page" not in process.log()


def test_without_swift_it_says_where_to_get_it(server, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "dirname"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    process = server(path=str(tools))
    assert process.wait(10) == 1
    assert process.log() == "server: there is no Swift here: install 6.3 or later as https://www.swift.org/install/linux/ says\n"
