"""nginx, HAProxy and Caddy in front of pushd, with exactly the configurations of docs/deploy."""

import contextlib
import http.client
import os
import shutil
import socket
import subprocess

from websockets.sync.client import connect

from . import free_port, wait_until
from .pushd import ROOT, ask
from .tls import TLSClient, trusting

DOCS = ROOT / "docs/deploy"
NAME = "push.example.org"
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"  # Debian's nginx and haproxy are not in every user's PATH


def replaced(text, changes):
    """The text with these replacements, each of which must match."""
    for old, new in changes:
        assert old in text, f"{old!r} is not in\n{text}"
        text = text.replace(old, new)
    return text


class Proxy:
    """A running proxy that terminates TLS for `NAME`, with a configuration file of docs/deploy.

    `changes` are pairs of texts: the first is replaced by the second in the file. `ports` are those of the pushds: one,
    or three for HAProxy.
    """

    program = file = page = None
    # Changes that the page shows: how long the proxy waits for a byte (None: forever), and the path of pushd.
    idle_time = below_a_path = None

    @classmethod
    def is_installed(cls):
        return shutil.which(cls.program, path=PATH) is not None

    def __init__(self, directory, authority, *ports, changes=()):
        self.directory, self.authority = directory, authority
        self.pair = authority.sign(NAME, f"DNS:{NAME}")
        self.port = free_port()
        self.configuration = directory / self.file
        text = replaced((DOCS / self.file).read_text(), changes)
        self.configuration.write_text(replaced(text, self.places(*ports)))
        with self.log_path.open("wb") as log:
            words = [shutil.which(self.program, path=PATH), *self.arguments()]
            self.process = subprocess.Popen(words, env=self.environment(), stdout=log, stderr=log)
        try:
            wait_until(self._is_up, f"a connection to {self.program}")
        except BaseException:
            self.stop()
            raise

    def places(self, *ports):
        """The parts that differ between machines: ports and files."""
        raise NotImplementedError

    def arguments(self):
        raise NotImplementedError

    def environment(self):
        return os.environ | {"HOME": str(self.directory), "XDG_DATA_HOME": str(self.directory)}

    def _is_up(self):
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(OSError), socket.create_connection(self.address):
            return True
        return False

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def log_path(self):
        return self.directory / f"{self.program}.log"

    def log(self):
        return self.log_path.read_text()

    # Clients

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def connect(self, *channels, target="/ws", name=NAME, source="127.0.0.1", **options):
        """A WebSocket of the websockets package from the address `source` to the site called `name`."""
        query = "&".join(f"channel={channel}" for channel in channels)
        # The package reads and writes in two threads, which Python's SSL objects do not support: reading a TLS 1.3
        # ticket while the handshake is written can stall the connection forever.
        context = trusting(self.authority, version="1.2")
        options = {"close_timeout": 2, "proxy": None, "ssl": context, "server_hostname": NAME} | options
        plain = socket.create_connection(self.address, timeout=10, source_address=(source, 0))
        plain.settimeout(None)
        return connect(f"wss://{name}{target}?{query}", sock=plain, **options)

    def raw(self, target, **headers):
        """An open WebSocket as a RawClient."""
        client = TLSClient(self.address, trusting(self.authority), name=NAME).shake_hands()
        return client.upgrade(target, Host=NAME, **headers)

    def http(self, name=NAME):
        """A keep-alive connection; the caller closes it."""
        connection = http.client.HTTPConnection(name)
        plain = socket.create_connection(self.address, timeout=10)
        connection.sock = trusting(self.authority).wrap_socket(plain, server_hostname=NAME)
        return connection

    def request(self, method, path, body=None, headers=(), name=NAME):
        connection = self.http(name)
        try:
            return ask(connection, method, path, body, headers)
        finally:
            connection.close()


class Nginx(Proxy):
    program, file, page = "nginx", "nginx.conf", "nginx.md"
    idle_time = ("proxy_read_timeout 75s;", "proxy_read_timeout 2s;")
    below_a_path = ("location / {", "location /push/ {")

    def places(self, port):
        return [
            ("listen 443 ", f"listen 127.0.0.1:{self.port} "),
            ("127.0.0.1:8081", f"127.0.0.1:{port}"),
            (f"/etc/ssl/{NAME}/fullchain.pem", str(self.pair.certificate)),
            (f"/etc/ssl/{NAME}/privkey.pem", str(self.pair.key)),
        ]

    def arguments(self):
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
            (self.directory / kind).mkdir()
        main = self.directory / "main.conf"
        main.write_text(
            "daemon off; master_process off; pid nginx.pid; error_log stderr;\n"
            "events { worker_connections 4096; }\n"
            "http {\n"
            "    access_log off; client_body_temp_path client_body; proxy_temp_path proxy;\n"
            "    fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n"
            f"    include {self.configuration};\n"
            "}\n"
        )
        return ["-p", self.directory, "-c", main, "-e", "stderr"]


class HAProxy(Proxy):
    program, file, page = "haproxy", "haproxy.cfg", "haproxy.md"
    idle_time = ("timeout tunnel 75s", "timeout tunnel 2s")
    below_a_path = ("    default_backend pushd", "    use_backend pushd if { path_beg /push/ }")

    def places(self, *ports):
        certificate = self.directory / "push.pem"
        certificate.write_text(self.pair.certificate.read_text() + self.pair.key.read_text())
        others = [("10.0.0.12", "node2"), ("10.0.0.13", "node3")]
        return [
            ("bind :443 ", f"bind 127.0.0.1:{self.port} "),
            (f"/etc/haproxy/{NAME}.pem", str(certificate)),
            ("10.0.0.11:8081", f"127.0.0.1:{ports[0]}"),
            *((f"{host}:8081", f"127.0.0.1:{port}") for (host, _), port in zip(others, ports[1:])),
            *((f"    server {name} {host}:8081\n", "") for host, name in others[len(ports) - 1 :]),
        ]

    def arguments(self):
        debian = self.directory / "debian.cfg"
        debian.write_text(
            "global\n    log stdout format raw local0\n"
            "defaults\n    log global\n    mode http\n    option httplog\n    option dontlognull\n"
            "    timeout connect 5000\n    timeout client 50000\n    timeout server 50000\n"
        )
        return ["-db", "-f", debian, "-f", self.configuration]


class Caddy(Proxy):
    program, file, page = "caddy", "Caddyfile", "caddy.md"
    below_a_path = ("reverse_proxy 127.0.0.1:8081 {", "reverse_proxy /push/* 127.0.0.1:8081 {")

    def places(self, port):
        files = f"{self.pair.certificate} {self.pair.key}"
        return [
            (f"{NAME} {{", f"https://{NAME}:{self.port} {{\n\tbind 127.0.0.1\n\ttls {files}"),
            ("127.0.0.1:8081", f"127.0.0.1:{port}"),
        ]

    def arguments(self):
        text = self.configuration.read_text()
        self.configuration.write_text("{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + text)
        return ["run", "--config", self.configuration, "--adapter", "caddyfile"]


PROXIES = [Nginx, HAProxy, Caddy]
