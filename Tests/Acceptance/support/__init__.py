"""What the acceptance tests are written with: the daemons they start and the clients they use."""

import contextlib
import random
import socket
import time


def wait_until(condition, what, seconds=10, pause=0.01):
    """Waits for `condition()` to be true and returns its value; `what` names it in the failure."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{seconds} s passed without: {what}"
        time.sleep(pause)
    return value


def free_port():
    """A port that nothing listens on, for a server that cannot pick one by itself or has to come back to it.

    It is below those that the system gives out by itself, so that no other server of the test is given it meanwhile.
    """
    while True:
        port = random.randrange(15_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def own_address():
    """An address of this machine that is not loopback, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only asks for the route
            address = probe.getsockname()[0]
        except OSError:
            return None
    return None if address.startswith("127.") else address
