"""A browser: its page fetches conversations from this process and posts the outcomes."""

import pathlib
import queue
from concurrent.futures import Future
from http.server import ThreadingHTTPServer
from threading import Thread

from support.handlers import QuietHandler

from . import PATIENCE_S
from .json_form import decode_outcome, encode_conversation

DIRECTORY = pathlib.Path(__file__).parent
FILES = {"/": ("browser.html", "text/html"), "/talk.mjs": ("talk.mjs", "text/javascript")}


class BrowserClient:
    """Opens its page in `browser`; `close` closes the browser."""

    def __init__(self, browser):
        self.browser = browser
        self.tasks = queue.SimpleQueue()  # pairs of a conversation and the future of its outcome
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        Thread(target=self.server.serve_forever, daemon=True).start()
        browser.open(f"http://127.0.0.1:{self.server.server_port}/")

    def close(self):
        self.browser.close()
        self.server.shutdown()
        self.server.server_close()

    def talk(self, conversation):
        outcome = Future()
        self.tasks.put((conversation, outcome))
        return decode_outcome(outcome.result(PATIENCE_S))

    def _handler(self):
        tasks = self.tasks
        current = None  # the page plays one conversation at a time

        class Handler(QuietHandler):
            def do_GET(self):
                nonlocal current
                if self.path == "/conversation":
                    conversation, current = tasks.get()
                    self.answer(200, "application/json", encode_conversation(conversation))
                elif self.path in FILES:
                    name, kind = FILES[self.path]
                    self.answer(200, kind, (DIRECTORY / name).read_bytes())
                else:
                    self.answer(404, "text/plain", b"")

            def do_POST(self):
                current.set_result(self.rfile.read(int(self.headers["Content-Length"])))
                self.answer(200, "text/plain", b"")

        return Handler
