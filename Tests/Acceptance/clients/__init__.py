"""Popular WebSocket clients. Each has a function `talk`, which plays a conversation and returns what the client saw."""

from dataclasses import dataclass

PATIENCE_S = 20  # the longest that a client waits for anything


@dataclass(frozen=True)
class Conversation:
    """The script: connect, send each message after the answer to the previous one, close with `code` and `reason`.

    Without a code the client listens until the server closes. A text message is a str, a binary one is bytes.
    """

    url: str
    send: tuple = ()
    code: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Outcome:
    """What the client saw: the messages, the code of the server's Close, and whether both sides closed in order."""

    received: list
    code: int
    is_clean: bool
    is_compressed: bool  # permessage-deflate was agreed on
