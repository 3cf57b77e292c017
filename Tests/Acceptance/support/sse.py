"""Event streams: a client on a raw socket, and the events as the HTML standard reads them."""

import json
import subprocess
from collections import namedtuple

Event = namedtuple("Event", "type data", defaults=["message", ""])


class EventClient:
    """Opens an event stream on a RawClient (or a TLSClient) and reads its events."""

    def __init__(self, client, target="/sse?channel=c", version="1.1", **headers):
        self.client = client
        fields = {"Host": "localhost", "Accept": "text/event-stream"}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        client.send(f"GET {target} HTTP/{version}\r\n{lines}\r\n".encode())
        self.response = client.read_response()
        self.retry = None
        self.last_event_id = ""

    def opened(self):
        assert self.response.status == 200, self.response
        assert self.response.headers["content-type"] == "text/event-stream"
        return self

    def read_line(self):
        """The next line without its end; None at the end of the stream."""
        while (end := self.client.received.find(b"\n")) < 0:
            if not self.client.receive_more():
                assert not self.client.received, f"cut within {bytes(self.client.received[-200:])!r}"
                return None
        return self.client.take(end + 1)[:-1].decode()

    def read(self):
        """The next event; None at the end of the stream."""
        kind, data = "message", []
        while (line := self.read_line()) is not None:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line and data:
                return Event(kind, "\n".join(data))
            if name == "event":
                kind = value
            elif name == "data":
                data.append(value)
            elif name == "retry":
                self.retry = int(value)
            elif name == "id":
                self.last_event_id = value
            else:
                assert name == "", f"an unknown field: {line!r}"
        assert not data, "cut within an event"
        return None

    def read_json(self):
        return json.loads(self.read().data)

    def read_all(self):
        return list(iter(self.read, None))

    def close(self):
        self.client.close()


def curl_events(url, *options):
    """None as soon as curl runs, then the data of each event that it gets."""
    with subprocess.Popen(["curl", "-sN", *options, url], stdout=subprocess.PIPE) as process:
        try:
            yield None
            lines = []
            for line in process.stdout:
                line = line.decode().removesuffix("\n")
                if line.startswith("data: "):
                    lines.append(line.removeprefix("data: "))
                elif not line and lines:
                    yield "\n".join(lines)
                    lines = []
        finally:
            process.kill()
