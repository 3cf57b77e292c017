"""nginx with the nchan module (Debian: nginx-light, libnginx-mod-nchan) in the place of a pushd with a port of each kind."""

import pathlib
import subprocess

from secure import secure_port
from throwaway import Pushd, throwaway
from support import wait_until

CONFIGURATION = pathlib.Path(__file__).with_name("peers") / "nchan.conf"
TLS = "listen 127.0.0.1:{port} ssl backlog=4096; ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;"


class Nchan(Pushd):
    """One process, as pushd with one worker is."""

    def __init__(self, directory, port, tls_options):
        words = dict(zip(tls_options[::2], tls_options[1::2]))
        self.tls_port = int(words["--listen"].rpartition(":")[2])  # the last one
        tls = TLS.format(port=self.tls_port, certificate=words["--tls-cert"], key=words["--tls-key"])
        text = CONFIGURATION.read_text().replace("@HOME@", str(directory)).replace("@PORT@", str(port)).replace("@TLS@", tls)
        (directory / "nginx.conf").write_text(text)
        self.host, self.port, self.unix_path, self.clients, self.options = "127.0.0.1", port, None, [], tls_options
        self.log_path = directory / "error.log"
        command = ["nginx", "-c", directory / "nginx.conf", "-e", self.log_path, "-p", directory]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        wait_until(self._is_up, "an answer on /health")


def throwaway_nchan(port, tls_options):
    return throwaway(Nchan, port, tls_options)
