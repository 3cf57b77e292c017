"""A pushd for one measurement."""

import contextlib
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests/Acceptance"))

from support.pushd import Pushd  # noqa: E402


@contextlib.contextmanager
def throwaway_pushd(*options):
    """Killed at the end, since its clients do not matter any more."""
    with tempfile.TemporaryDirectory() as directory:
        pushd = Pushd(pathlib.Path(directory), *options)
        try:
            yield pushd
        finally:
            pushd.process.kill()
            pushd.process.wait()
            for client in pushd.clients:
                client.close()
