"""A TLS client that shows its records."""

import contextlib
import ssl
import threading

from .raw import RawClient

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def trusting(authority, version=None, pair=None):
    """A client's TLS context: the trusted authority, the version, and its own certificate."""
    context = ssl.create_default_context(cafile=authority.file)
    if version:
        context.minimum_version = context.maximum_version = VERSIONS[version]
    if pair:
        context.load_cert_chain(*pair)
    return context


class TLSClient(RawClient):
    """A RawClient over TLS that shows its records. `end` says how the server ended the stream."""

    def __init__(self, address, context, name="localhost", session=None, **options):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name, session=session)
        self.lock = threading.Lock()  # one thread may send while another reads
        self.end = None
        super().__init__(address, **options)

    def shake_hands(self, then=b""):
        """Finishes the handshake and sends `then` together with its last message."""
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.send_records(self.outgoing.read())
                self._feed(self.socket.recv(1 << 18))
            except ssl.SSLError:
                self.send_records(self.outgoing.read())
                raise
        self.send(then)
        return self

    def hello(self):
        """The bytes of a ClientHello."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self.outgoing.read()

    def encrypt(self, data):
        """Encrypts bytes into as few records as possible."""
        with self.lock:
            if data:
                self.tls.write(data)
            return self.outgoing.read()

    def send(self, data):
        self.send_records(self.encrypt(data))

    def send_records(self, records):
        super().send(records)

    def say_goodbye(self):
        """Sends close_notify: the client will send nothing more."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        self.send_records(self.outgoing.read())

    def receive_more(self):
        if self.end:
            return False
        before = len(self.received)
        try:
            self._feed(self.socket.recv(1 << 18))
            with self.lock:
                self.end = self._decrypt()
        except ConnectionResetError:
            self.end = "reset"
        return self.end is None or len(self.received) > before

    def _feed(self, records):
        if records:
            self.incoming.write(records)
        else:
            self.incoming.write_eof()

    def _decrypt(self):
        try:
            while data := self.tls.read(1 << 14):
                self.received += data
            return "close_notify"
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLZeroReturnError:
            return "close_notify"
        except ssl.SSLEOFError:
            return "cut"
        except ssl.SSLError as error:
            return error.reason or str(error)
