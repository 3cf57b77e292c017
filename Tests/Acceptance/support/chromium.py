"""A headless Chromium, driven through the DevTools protocol."""

import base64
import http.client
import json
import re
import shutil
import subprocess

from websockets.sync.client import connect

from . import wait_until

COMMAND = next(filter(shutil.which, ["chromium", "chromium-browser", "google-chrome"]), None)


class Chromium:
    def __init__(self, directory):
        self.log_path = directory / "chromium.log"
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [COMMAND, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
                + ["--disable-background-networking", "--disable-component-update"]  # stays on this machine
                + ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
                + ["--remote-debugging-port=0", f"--user-data-dir={directory}/profile", "--window-size=1280,900"],
                stdout=log,
                stderr=log,
            )
        self.pages = []
        try:
            found = wait_until(self._devtools_address, "Chromium's DevTools", seconds=30)
        except AssertionError:
            self.close()
            raise
        self.port = int(found[1])

    def _devtools_address(self):
        return re.search(r"DevTools listening on ws://127\.0\.0\.1:(\d+)/", self.log_path.read_text(errors="replace"))

    def open(self, url):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("PUT", "/json/new?about:blank")
        page = Page(json.loads(connection.getresponse().read())["webSocketDebuggerUrl"])
        connection.close()
        self.pages.append(page)
        page.call("Page.navigate", url=url)
        return page

    def close(self):
        for page in self.pages:
            page.socket.close()
        self.process.terminate()
        self.process.wait(20)


class Page:
    def __init__(self, url):
        self.socket = connect(url, max_size=None, proxy=None, close_timeout=2)
        self.last_id = 0

    def call(self, method, **parameters):
        self.last_id += 1
        self.socket.send(json.dumps({"id": self.last_id, "method": method, "params": parameters}))
        while (answer := json.loads(self.socket.recv(timeout=20))).get("id") != self.last_id:
            pass  # an event
        assert "error" not in answer, answer
        return answer["result"]

    def evaluate(self, script):
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, script):
        return wait_until(lambda: self.evaluate(script), script)

    def fill(self, selector, text):
        self.evaluate(
            f"{{ const field = document.querySelector({json.dumps(selector)}); field.value = {json.dumps(text)};"
            " field.dispatchEvent(new Event('input', { bubbles: true })); }"
        )

    def click(self, selector):
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def text(self, selector):
        return self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
