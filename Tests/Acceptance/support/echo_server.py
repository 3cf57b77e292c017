"""An echo-server process, built next to pushd."""

import pathlib
import re
import subprocess

from . import wait_until
from .pushd import BINARY


class EchoServer:
    def __init__(self, directory, *options):
        self.log_path = directory / "echo-server.log"
        binary = pathlib.Path(BINARY).with_name("echo-server")
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [binary, "--listen", "127.0.0.1:0", *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            self.url = f"ws://127.0.0.1:{wait_until(self._port, 'a line that names the port')[1]}/"
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def _port(self):
        assert self.process.poll() is None, self.log_path.read_text()
        return re.search(r"listening on 127\.0\.0\.1:([1-9]\d*)", self.log_path.read_text())

    def stop(self):
        self.process.terminate()
        assert self.process.wait(10) == 0, self.log_path.read_text()
