"""Measures the cost of one more unit of a load."""

import functools
import pathlib
import re
import uuid

from callgrind import ProfiledPushd
from loads import Audience
from secure import secure_port
from support.pushd import Pushd
from support.tokens import Key

# Valgrind may not know io_uring; with one call per write the counts do not depend on its version.
OPTIONS = ["--workers", "1", "--io", "poll"]  # for every measured pushd
IDLE_CONNECTIONS = 15_000
IDLE_SECURE_CONNECTIONS = 3_000


class Bench:
    def __init__(self, directory, more_options=()):
        self.directory = directory
        self.options = [*OPTIONS, *more_options]
        self.started = 0
        self.marginal = functools.cache(self._marginal)
        self.idle_memory = functools.cache(self._idle_memory)
        self.idle_memory_of_pusher = functools.cache(self._idle_memory_of_pusher)
        self.idle_memory_over_tls = functools.cache(self._idle_memory_over_tls)
        self.idle_memory_with_tokens = functools.cache(self._idle_memory_with_tokens)

    def _marginal(self, load):
        """The cost of one unit: the difference between a long and a short run, without start, warm-up and end."""
        return (self._cost(load, load.warm_up + load.units) - self._cost(load, load.warm_up)) / load.units

    def _cost(self, load, units):
        with load.around(self.directory) as options:
            pushd = self._start(ProfiledPushd, options)
            try:
                load.run(pushd, units)
                return pushd.cost()
            finally:
                end(pushd)

    def _idle_memory(self, path="/ws"):
        """The growth of each kind of memory in smaps_rollup per idle connection, in bytes, on a fresh pushd."""
        return self._growth_with((), [f"{path}?channel=c"] * IDLE_CONNECTIONS)

    def _idle_memory_of_pusher(self):
        """What clients of Pusher's protocol take more than plain ones with the same options."""
        options = ["--pusher-app", "1:key:secret"]
        plain, pushers = (
            self._growth_with(options, [target] * IDLE_CONNECTIONS) for target in ("/ws?channel=c0", "/app/key?protocol=7"))
        return {kind: pushers[kind] - plain[kind] for kind in plain}

    def _growth_with(self, options, targets):
        pushd = self._start(Pushd, options)
        try:
            return growth(pushd, targets)
        finally:
            end(pushd)

    def _idle_memory_over_tls(self, records):
        """The same with TLS 1.3, after some connections whose handshake buffers later ones reuse."""
        pushd = self._start(Pushd, secure_port(self.directory, records))
        try:
            growth(pushd, ["/ws?channel=c"] * 100, tls="1.3")
            return growth(pushd, ["/ws?channel=c"] * IDLE_SECURE_CONNECTIONS, tls="1.3")
        finally:
            end(pushd)

    def _idle_memory_with_tokens(self):
        """The same with a token and a user each; the cache of verified tokens is there before they come."""
        key = Key(self.directory, "HS256")
        grants = {"subscribe": ["news", "orders.*"]}
        tokens = [key.token(sub=str(uuid.uuid4()), pushd=grants) for _ in range(IDLE_CONNECTIONS)]
        pushd = self._start(Pushd, key.options)
        try:
            return growth(pushd, [f"/ws?channel=c&token={token}" for token in tokens])
        finally:
            end(pushd)

    def _start(self, kind, options=()):
        self.started += 1
        directory = self.directory / str(self.started)
        directory.mkdir()
        return kind(directory, *self.options, *options)


def growth(pushd, targets, tls=None):
    before = memory(pushd)
    Audience(pushd, targets, tls)
    return {kind: (size - before[kind]) / len(targets) for kind, size in memory(pushd).items()}


def memory(pushd):
    """The process' memory in bytes, from its page tables; /proc/PID/stat is off by up to 32 pages per core."""
    rollup = pathlib.Path(f"/proc/{pushd.process.pid}/smaps_rollup").read_text()
    return {kind: int(size) * 1_024 for kind, size in re.findall(r"^(\w+): +(\d+) kB$", rollup, re.MULTILINE)}


def end(pushd):
    """Ends the process without checking its exit status, which other tests check."""
    for client in pushd.clients:
        client.close()
    if pushd.process.poll() is None:
        pushd.process.kill()
        pushd.process.wait()
