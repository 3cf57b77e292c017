"""Conversations and outcomes in the JSON format of talk.mjs."""

import json

from . import Outcome


def encode_conversation(conversation):
    fields = {"url": conversation.url, "code": conversation.code, "reason": conversation.reason}
    fields["send"] = [_encode(message) for message in conversation.send]
    return json.dumps(fields, ensure_ascii=False).encode()


def _encode(message):
    if isinstance(message, str):
        return {"type": "text", "data": message}
    return {"type": "binary", "data": message.decode("latin-1")}


def decode_outcome(body):
    fields = json.loads(body)
    return Outcome(
        [_decode(message) for message in fields["received"]],
        code=fields["code"],
        is_clean=fields["wasClean"],
        is_compressed="permessage-deflate" in fields["extensions"],
    )


def _decode(message):
    return message["data"] if message["type"] == "text" else message["data"].encode("latin-1")
