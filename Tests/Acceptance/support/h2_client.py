"""An HTTP/2 client for a proxy: requests, and WebSockets by extended CONNECT (RFC 8441)."""

import h2.config
import h2.connection
import h2.events
import h2.settings

from .raw import RawClient, Response
from .tls import TLSClient

CONNECT_PROTOCOL = h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL


class H2Client(RawClient):
    """One stream on its own connection; its data is read like a RawClient's."""

    def __init__(self, address, context, name):
        context.set_alpn_protocols(["h2"])
        self.received, self.deflates = bytearray(), False
        self.name, self.status, self.headers, self.is_ended = name, None, {}, False
        self.secure = TLSClient(address, context, name=name)
        self.secure.shake_hands()
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.h2.initiate_connection()
        self._flush()

    def close(self):
        self.secure.close()

    def get(self, path):
        self._begin({":method": "GET", ":path": path}, end_stream=True)
        while not self.is_ended and self.receive_more():
            pass
        return Response(self.status, self.headers, bytes(self.received))

    def open_stream(self, path):
        """Sends a GET whose response does not end, and returns the response's status."""
        self._begin({":method": "GET", ":path": path}, end_stream=True)
        while self.status is None:
            assert self.receive_more(), "closed without an answer"
        return self.status

    def open_websocket(self, target, **headers):
        """Sends an extended CONNECT and returns the response; after a 200, frames pass in both directions."""
        while not self.h2.remote_settings.get(CONNECT_PROTOCOL):
            assert self.receive_more(), "closed before its SETTINGS"
        pseudo = {":method": "CONNECT", ":protocol": "websocket", ":path": target}
        extra = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        self._begin(pseudo | {"sec-websocket-version": "13"} | extra)
        while self.status is None:
            assert self.receive_more(), "closed without an answer"
        return Response(self.status, self.headers, b"")

    def _begin(self, headers, end_stream=False):
        pseudo = {":scheme": "https", ":authority": self.name}
        named = [item for item in (headers | pseudo).items() if item[0].startswith(":")]
        named += [item for item in headers.items() if not item[0].startswith(":")]
        self.stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(self.stream, named, end_stream=end_stream)
        self._flush()

    def send(self, data):
        self.h2.send_data(self.stream, data)
        self._flush()

    def _flush(self):
        self.secure.send(self.h2.data_to_send())

    def receive_more(self):
        """Returns False at the end of the stream or of the connection."""
        if self.is_ended or not self.secure.receive_more():
            return False
        events = self.h2.receive_data(self.secure.take(len(self.secure.received)))
        for event in events:
            self._handle(event)
        self._flush()
        return True

    def _handle(self, event):
        match event:
            case h2.events.ResponseReceived():
                self.headers = dict(event.headers)
                self.status = int(self.headers.pop(":status"))
            case h2.events.DataReceived():
                self.received += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.StreamEnded() | h2.events.StreamReset() | h2.events.ConnectionTerminated():
                self.is_ended = True
