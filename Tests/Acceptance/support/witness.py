"""A healthy client that keeps getting messages while a test misbehaves."""

import itertools

from .background import Background
from .pushd import ask


class Witness(Background):
    def __init__(self, pushd, key=None):
        super().__init__()
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.client = pushd.connect("witness")
        self.http = pushd.http()
        self.beats = itertools.count()
        self.thread.start()

    def work(self):
        while not self.stopped.wait(0.01):
            self._beat()

    def _beat(self):
        text = f"beat {next(self.beats)}"
        assert ask(self.http, "POST", "/publish?channel=witness", text, self.headers).status == 200
        assert self.client.recv(timeout=10) == text

    def stop(self):
        """Fails if any message so far, or the next one, was lost or late."""
        try:
            super().stop()
            self._beat()
        finally:
            self.http.close()
