"""A healthy client that keeps getting messages while a test misbehaves."""

import itertools
import threading

from .pushd import ask


class Witness:
    def __init__(self, pushd):
        self.client = pushd.connect("witness")
        self.http = pushd.http()
        self.beats = itertools.count()
        self.failure = None
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while not self.stopped.wait(0.01):
                self._beat()
        except Exception as failure:  # handed to the test's own thread
            self.failure = failure

    def _beat(self):
        text = f"beat {next(self.beats)}"
        assert ask(self.http, "POST", "/publish?channel=witness", text).status == 200
        assert self.client.recv(timeout=10) == text

    def stop(self):
        """Fails if a message was ever lost or late, or if the next one is."""
        self.stopped.set()
        self.thread.join()
        try:
            if self.failure:
                raise AssertionError("the witness was disturbed") from self.failure
            self._beat()
        finally:
            self.http.close()
