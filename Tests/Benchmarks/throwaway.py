"""A pushd for one measurement."""

import contextlib
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests/Acceptance"))

from support.pushd import Pushd  # noqa: E402


def throwaway_pushd(*options):
    return throwaway(Pushd, *options)


@contextlib.contextmanager
def throwaway(server_class, *arguments):
    """A server in its own directory. It is killed at the end, because its clients no longer matter."""
    with tempfile.TemporaryDirectory() as directory:
        server = server_class(pathlib.Path(directory), *arguments)
        try:
            yield server
        finally:
            server.process.kill()
            server.process.wait()
            for client in server.clients:
                client.close()
