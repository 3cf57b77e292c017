"""Node: the ws package and Node's own WebSocket."""

import os
import pathlib
import shutil
import subprocess

from . import PATIENCE_S
from .json_form import decode_outcome, encode_conversation

COMMAND = shutil.which("node") or shutil.which("nodejs")
PROGRAM = pathlib.Path(__file__).with_name("node.mjs")
ENVIRONMENT = {"NODE_PATH": "/usr/share/nodejs"} | os.environ  # where Debian's packages are

WS = ([], "ws")
# Global since Node 22, behind a flag in Node 20. Node 18 needs the package that it was later taken from.
OWN = [([], None), (["--experimental-websocket"], None), ([], "undici")]


def find_ws():
    return Node.if_it_works(*WS)


def find_own():
    return next(filter(None, (Node.if_it_works(*way) for way in OWN)), None)


class Node:
    def __init__(self, flags, module):
        self.flags = flags
        self.module = module
        # Debian 12's undici 5.15 writes the length of frames of 126 to some thousand bytes at a wrong offset.
        self.broken_sizes = [126] if module == "undici" else []

    @classmethod
    def if_it_works(cls, flags, module):
        """A client, or None if this Node has no such WebSocket."""
        if not COMMAND:
            return None
        source = f"require('{module}')" if module else "globalThis"
        probe = [COMMAND, *flags, "--eval", f"{source}.WebSocket.name"]
        found = subprocess.run(probe, env=ENVIRONMENT, capture_output=True, timeout=PATIENCE_S, check=False)
        return cls(flags, module) if found.returncode == 0 else None

    def talk(self, conversation):
        run = subprocess.run(
            [COMMAND, *self.flags, PROGRAM, *filter(None, [self.module])],
            env=ENVIRONMENT,
            input=encode_conversation(conversation),
            stdout=subprocess.PIPE,
            timeout=PATIENCE_S,
            check=True,
        )
        return decode_outcome(run.stdout)
