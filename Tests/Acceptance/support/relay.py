"""A relay between a client and a server that can be cut: a network between one node and Redis that fails."""

import contextlib
import socket
import threading

from . import free_port


class Relay:
    """Passes on what comes to its port, until it is cut: then connections end, and new ones are refused."""

    def __init__(self, target):
        self.target = target
        self.port = free_port()
        self.sockets = []
        self.restore()

    def restore(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=[self.listener], daemon=True).start()

    def cut(self):
        for each in [self.listener, *self.sockets]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self.sockets = []

    def _accept(self, listener):
        with contextlib.suppress(OSError):  # it is closed
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self.target)
                self.sockets += [client, server]
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=[source, sink], daemon=True).start()

    def _pass_on(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
