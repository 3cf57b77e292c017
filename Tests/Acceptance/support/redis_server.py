"""A redis-server of the test's own, which can be killed, started again on its port, and frozen."""

import signal
import subprocess

import redis

from . import free_port, wait_until


class RedisServer:
    def __init__(self, directory, *options, password=None):
        self.directory = directory
        self.options = (*options, "--requirepass", password) if password else options
        self.password = password
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        with (self.directory / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", *self.options],
                cwd=self.directory,
                stdout=log,
                stderr=log,
            )
        wait_until(self._is_up, "an answer from redis-server")
        return self

    def _is_up(self):
        assert self.process.poll() is None, (self.directory / "redis.log").read_text()
        try:
            with self.client() as client:
                return client.ping()
        except redis.ConnectionError:
            return False

    def client(self):
        return redis.Redis(port=self.port, password=self.password)

    def publish(self, channel, payload):
        """Publishes to the Redis channel and returns how many Redis clients got it."""
        with self.client() as client:
            return client.publish(channel, payload)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)
