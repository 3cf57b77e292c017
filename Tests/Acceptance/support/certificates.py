"""Throwaway certificate authorities and the certificates they sign, made by openssl."""

import datetime
import subprocess
from collections import namedtuple

Pair = namedtuple("Pair", "certificate key")  # two files
HERE = "IP:127.0.0.1,DNS:localhost"

CONFIGURATION = """
[ca]
default_ca = authority
[authority]
database = index.txt
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
commonName = supplied
[authority_extensions]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
"""
EXTENSIONS = """
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth,clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {}
"""


class Authority:
    def __init__(self, directory, name="Test Authority"):
        self.directory = directory / name.replace(" ", "-").lower()
        self.directory.mkdir()
        self.file = self.directory / "authority.pem"  # its own certificate
        (self.directory / "index.txt").touch()
        (self.directory / "openssl.cnf").write_text(CONFIGURATION)
        self._openssl("req", "-x509", *self._new_key("authority.key"), "-subj", f"/CN={name}", "-days", "30",
                      "-config", "openssl.cnf", "-extensions", "authority_extensions", "-out", "authority.pem")

    def sign(self, name, names=HERE, is_expired=False):
        """A certificate for these names or addresses, good for servers and for clients, and its key."""
        (self.directory / f"{name}.ext").write_text(EXTENSIONS.format(names))
        now = datetime.datetime.now(datetime.timezone.utc)
        first, last = (-20, -1) if is_expired else (-1, 20)
        self._openssl("req", "-new", *self._new_key(f"{name}.key"), "-subj", f"/CN={name}", "-out", f"{name}.csr")
        self._openssl("ca", "-batch", "-notext", "-config", "openssl.cnf", "-cert", "authority.pem",
                      "-keyfile", "authority.key", "-extfile", f"{name}.ext", "-in", f"{name}.csr", "-out", f"{name}.pem",
                      "-startdate", day(now, first), "-enddate", day(now, last))
        return Pair(self.directory / f"{name}.pem", self.directory / f"{name}.key")

    def _new_key(self, file):
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-keyout", file

    def _openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], cwd=self.directory, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def day(now, days):
    return (now + datetime.timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")
