"""A redis-server of the test, which can be killed, restarted on the same port, and frozen."""

import signal
import subprocess

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from . import free_port, wait_until


class RedisServer:
    """A redis-server.

    With `tls` (a pair of support.certificates) it accepts only TLS. With `clients_of` (the file of an authority) it
    requires client certificates of that authority, which must also have issued its own.
    """

    def __init__(
        self, directory, *options, password=None, tls=None, clients_of=None, address="127.0.0.1", port=None
    ):
        self.directory = directory
        self.options = (*options, "--requirepass", password) if password else options
        self.password = password
        self.tls, self.clients_of = tls, clients_of
        self.address, self.port = address, port or free_port()
        self.url = f"{'rediss' if tls else 'redis'}://{address}:{self.port}"
        self.process = None
        self.is_frozen = False

    def start(self):
        assert not self.is_running(), "it runs already"
        with (self.directory / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", *self._port_options(), "--bind", self.address, "--save", "", *self.options],
                cwd=self.directory,
                stdout=log,
                stderr=log,
            )
        wait_until(self._is_up, "an answer from redis-server")
        return self

    def _port_options(self):
        if not self.tls:
            return ["--port", str(self.port)]
        options = ["--port", "0", "--tls-port", str(self.port)]
        options += ["--tls-cert-file", self.tls.certificate, "--tls-key-file", self.tls.key]
        if self.clients_of:
            return [*options, "--tls-auth-clients", "yes", "--tls-ca-cert-file", self.clients_of]
        return [*options, "--tls-auth-clients", "no"]

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def _is_up(self):
        assert self.process.poll() is None, self.log()
        try:
            with self.client() as client:
                return client.ping()
        except redis.ConnectionError:
            return False

    def log(self):
        return (self.directory / "redis.log").read_text()

    def client(self, **options):
        """A client that trusts any server and does not retry. The options are those of redis-py."""
        options |= {"host": self.address, "port": self.port, "password": self.password, "retry": Retry(NoBackoff(), 0)}
        if self.tls:
            options |= {"ssl": True, "ssl_cert_reqs": "none", "ssl_check_hostname": False}
        if self.clients_of:
            options |= {"ssl_certfile": self.tls.certificate, "ssl_keyfile": self.tls.key}
        return redis.Redis(**options)

    def publish(self, channel, payload):
        """Publishes to the Redis channel and returns how many Redis clients got it."""
        with self.client() as client:
            return client.publish(channel, payload)

    def kill(self):
        if self.is_running():
            self.process.kill()
            self.process.wait()

    def freeze(self):
        self.is_frozen = True
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.is_frozen = False
        self.process.send_signal(signal.SIGCONT)
