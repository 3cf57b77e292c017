"""Throwaway certificate authorities and their certificates, made by openssl."""

import datetime
import subprocess
from collections import namedtuple

Pair = namedtuple("Pair", "certificate key")  # two files
NEW_KEY = ["-noenc", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
NEW_RSA_KEY = ["-noenc", "-newkey", "rsa:2048"]
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
    """A self-signed authority, or an intermediate one signed by `issuer` and included in its certificates' files."""

    def __init__(self, directory, name="Test Authority", issuer=None):
        self.issuer = issuer
        self.directory = directory / name.replace(" ", "-").lower()
        self.directory.mkdir()
        self.file = self.directory / "authority.pem"  # its own certificate
        (self.directory / "index.txt").touch()
        (self.directory / "openssl.cnf").write_text(CONFIGURATION)
        if issuer:
            words = "req -new -keyout authority.key -out authority.csr"
            self._openssl(words, "-subj", f"/CN={name}", *NEW_KEY)
            words = "ca -batch -notext -days 30 -config openssl.cnf -cert authority.pem -keyfile authority.key"
            files = ("-in", self.directory / "authority.csr", "-out", self.file)
            issuer._openssl(words, "-extensions", "authority_extensions", *files)
        else:
            words = "req -x509 -days 30 -config openssl.cnf -extensions authority_extensions -out authority.pem"
            self._openssl(words, "-subj", f"/CN={name}", *NEW_KEY, "-keyout", "authority.key")

    def sign(self, name, names=HERE, is_expired=False, new_key=NEW_KEY):
        """A certificate for these names or addresses, valid for servers and clients, and its key."""
        (self.directory / f"{name}.ext").write_text(EXTENSIONS.format(names))
        now = datetime.datetime.now(datetime.UTC)
        first, last = (-20, -1) if is_expired else (-1, 20)
        self._openssl("req -new", "-subj", f"/CN={name}", *new_key, "-keyout", f"{name}.key", "-out", f"{name}.csr")
        words = "ca -batch -notext -config openssl.cnf -cert authority.pem -keyfile authority.key"
        files = ("-extfile", f"{name}.ext", "-in", f"{name}.csr", "-out", f"{name}.pem")
        self._openssl(words, *files, "-startdate", day(now, first), "-enddate", day(now, last))
        pair = Pair(self.directory / f"{name}.pem", self.directory / f"{name}.key")
        if self.issuer:
            pair.certificate.write_text(pair.certificate.read_text() + self.file.read_text())
        return pair

    def _openssl(self, words, *more):
        command = ["openssl", *words.split(), *more]
        done = subprocess.run(command, cwd=self.directory, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def day(now, days):
    return (now + datetime.timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")
