"""EventSource in browsers, Node and Deno: each reports to this process what happens to it."""

import json
import pathlib
import queue
import shutil
import subprocess
import sys
from http.server import ThreadingHTTPServer
from threading import Thread
from urllib.parse import quote

from support import chromium, firefox
from support.handlers import QuietHandler

DIRECTORY = pathlib.Path(__file__).parent
SCRIPT = DIRECTORY / "event_source.mjs"
PAGE = b"""<!doctype html><meta charset="utf-8"><title>An EventSource of pushd's tests</title>
<script type="module">
  import { watch } from "./event_source.mjs";
  const query = new URLSearchParams(location.search);
  query.getAll("url").forEach((url, index) => watch(url, `/${Number(query.get("first")) + index}`));
</script>
"""
NODE = shutil.which("node") or shutil.which("nodejs")
DENO = shutil.which("deno", path=str(pathlib.Path(sys.executable).parent)) or shutil.which("deno")


class Reports:
    """A server for the pages, which takes the reports of EventSources, each with the name of its source."""

    def __init__(self):
        self.queue = queue.SimpleQueue()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self, seconds=30):
        return self.queue.get(timeout=seconds)[1]

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def _handler(self):
        reports = self.queue

        class Handler(QuietHandler):
            def do_GET(self):
                if self.path.startswith("/?"):
                    self.answer(200, "text/html", PAGE)
                else:
                    self.answer(200, "text/javascript", SCRIPT.read_bytes())

            def do_POST(self):
                report = self.rfile.read(int(self.headers["Content-Length"]))
                reports.put((self.path.removeprefix("/"), json.loads(report)))
                self.answer(200, "text/plain", b"")

        return Handler


class Browser:
    def __init__(self, directory, kind):
        self.browser = kind(directory)

    def open(self, reports, *urls, first=0):
        """Opens a page with an EventSource for each URL; their names are numbers from `first` on."""
        query = "&".join(f"url={quote(url, safe='')}" for url in urls)
        self.browser.open(f"{reports.origin}/?first={first}&{query}")

    def close(self):
        self.browser.close()


class Program:
    def __init__(self, *command):
        self.command, self.processes = command, []

    def open(self, reports, *urls):
        self.processes += [subprocess.Popen([*self.command, SCRIPT, url, reports.origin]) for url in urls]

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()


def opened(name, directory):
    """A client by its name; None if it is not here."""
    if name == "chromium":
        return Browser(directory, chromium.Chromium) if chromium.COMMAND else None
    if name == "firefox":
        return Browser(directory, firefox.Firefox) if firefox.COMMAND else None
    if name == "deno":
        return Program(DENO, "run", "--quiet", "--no-remote", "--allow-net=127.0.0.1", "--allow-env") if DENO else None
    flag = "--experimental-eventsource"
    known = NODE and subprocess.run([NODE, flag, "--eval", "EventSource"], capture_output=True, timeout=20).returncode == 0
    return Program(NODE, flag) if known else None


NAMES = ["chromium", "firefox", "node", "deno"]
