"""A provider of keys for tokens: a real HTTPS server with a JSON Web Key Set, which rotates, misbehaves or goes away."""

import ssl
import threading
from http.server import ThreadingHTTPServer

from . import free_port
from .handlers import QuietHandler
from .tokens import key_set


class KeyProvider:
    """With `pair`, over HTTPS.

    `keys` is the set. `conduct` is "answer", "hang" (until `release()`), bytes to send as the body, or a status.
    """

    def __init__(self, *keys, pair=None, cache_control=None):
        self.keys = keys
        self.conduct = "answer"
        self.cache_control = cache_control
        self.requests = []
        self.released = threading.Event()
        self.port = free_port()
        self.pair = pair
        self.server = None
        self.come_back()

    @property
    def url(self):
        return f"{'https' if self.pair else 'http'}://127.0.0.1:{self.port}/keys.json"

    def come_back(self):
        server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        server.daemon_threads = True
        if self.pair:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(self.pair.certificate, self.pair.key)
            # The handshake is left to the thread of the connection.
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.server = server

    def leave(self):
        """Refuses connections."""
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def release(self):
        """Ends the requests that hang, with an answer."""
        self.conduct = "answer"
        self.released.set()

    def close(self):
        self.release()
        self.leave()

    def _handler(self):
        provider = self

        class Handler(QuietHandler):
            def do_GET(self):
                provider.requests.append((self.path, dict(self.headers)))
                if provider.conduct == "hang":
                    provider.released.wait(30)
                conduct = provider.conduct
                status = conduct if isinstance(conduct, int) else 200
                body = conduct if isinstance(conduct, bytes) else key_set(*provider.keys).encode()
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/other")
                if provider.cache_control:
                    self.send_header("Cache-Control", provider.cache_control)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return Handler
