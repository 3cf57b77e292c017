"""The building blocks of the acceptance tests: the daemons they start and the clients they use."""

import contextlib
import random
import socket
import time


def wait_until(condition, what, seconds=10, pause=0.01):
    """Waits until `condition()` is true and returns its value; `what` describes it in the failure."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{seconds} s passed without: {what}"
        time.sleep(pause)
    return value


_reservations = []


def free_port():
    """A port that nothing listens on, for a server that cannot pick one itself or must restart on the same port.

    It is below the ports that the system assigns, and no other process of the tests gets it as long as this one runs,
    so that it is still free when the server starts, and starts again.
    """
    while True:
        port = random.randrange(15_000, 32_000)
        reservation = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with contextlib.suppress(OSError):
            reservation.bind(f"\0pushd-tests-port-{port}")
            with socket.create_server(("127.0.0.1", port)):
                _reservations.append(reservation)
                return port
        reservation.close()


def own_address():
    """An address of this machine that is not loopback, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing, but finds the route
            address = probe.getsockname()[0]
        except OSError:
            return None
    return None if address.startswith("127.") else address
