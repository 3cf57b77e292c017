"""A backend of an application: answers pushd's questions and takes its events, or misbehaves as a test says."""

import asyncio
import hashlib
import hmac
import json
import ssl
import threading

from aiohttp import web

from . import free_port

SECRET = b"a-long-shared-secret"


def allow(**more):
    return {"allow": True, **more}


def deny(reason="no"):
    return {"allow": False, "reason": reason}


class Backend:
    """An HTTP server in a thread of its own.

    `decide(question)` gives the answer to a question. `conduct` is what becomes of requests: "answer", "hang",
    "garbage", "reset", "slow" (for `delay` seconds), or a status; "away" is only set by `leave()`.
    """

    def __init__(self, decide=lambda question: allow(), pair=None):
        self.decide = decide
        self.conduct = "answer"
        self.delay = 0.5
        self.questions = []
        self.batches = []  # as they were taken
        self.attempts = []  # all batches, also those that were not taken
        self.requests = []  # body and headers
        self.port = free_port()
        self.scheme = "https" if pair else "http"
        self.context = None
        if pair:
            self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self.context.load_cert_chain(pair.certificate, pair.key)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self._call(self._open())

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def events(self):
        """The events that were taken, in order."""
        return [event for batch in self.batches for event in batch]

    def kinds(self):
        return [event["event"] for event in self.events]

    def leave(self):
        """Refuses connections, and closes those that are open."""
        self._call(self.runner.cleanup())
        self.conduct = "away"

    def come_back(self):
        self.conduct = "answer"
        self._call(self._open())

    def close(self):
        if self.conduct != "away":
            self._call(self.runner.cleanup())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def _call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    async def _open(self):
        app = web.Application()
        app.router.add_post("/events", self._take_events)
        app.router.add_post("/{kind}", self._take_question)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port, ssl_context=self.context, backlog=1024).start()

    async def _take_question(self, request):
        question = json.loads(await self._read(request))
        assert question["question"] == request.match_info["kind"]
        self.questions.append(question)
        return await self._misbehave(request) or web.json_response(self.decide(question))

    async def _take_events(self, request):
        batch = json.loads(await self._read(request))
        self.attempts.append(batch)
        is_reset = self.conduct == "reset"
        answer = await self._misbehave(request) or web.Response(status=204)
        if answer.status < 300 and not is_reset:  # whatever its body says
            self.batches.append(batch)
        return answer

    async def _read(self, request):
        body = await request.read()
        self.requests.append((body, dict(request.headers)))
        return body

    async def _misbehave(self, request):
        """The answer of a backend that does not do what it should; None if it does."""
        conduct = self.conduct
        if conduct == "hang":
            await asyncio.sleep(3600)
        if conduct == "slow":
            await asyncio.sleep(self.delay)
        if conduct == "reset":
            request.transport.abort()
        if conduct == "garbage":
            return web.Response(text="<html>it works</html>")
        return web.Response(status=conduct, text="no") if isinstance(conduct, int) else None


def is_signed(body, header, secret=SECRET):
    """Whether a header is the signature of a body, as docs/hooks.md describes it."""
    fields = dict(field.split("=", 1) for field in header.split(","))
    expected = hmac.new(secret, fields["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, fields["v1"])
