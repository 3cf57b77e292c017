"""The websockets package."""

from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.sync.client import connect

from . import PATIENCE_S, Outcome


def talk(conversation):
    received = []
    with connect(conversation.url, max_size=None, proxy=None, close_timeout=PATIENCE_S) as connection:
        try:
            for message in conversation.send:
                connection.send(message)
                received.append(connection.recv(timeout=PATIENCE_S))
            if conversation.code:
                connection.close(conversation.code, conversation.reason)
            while True:
                received.append(connection.recv(timeout=PATIENCE_S))
        except ConnectionClosed as closed:
            return Outcome(
                received,
                code=connection.close_code,
                is_clean=closed.rcvd is not None and closed.sent is not None,
                is_compressed=any(isinstance(it, PerMessageDeflate) for it in connection.protocol.extensions),
            )
