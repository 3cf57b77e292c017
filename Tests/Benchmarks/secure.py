"""A TLS port besides the plain one, and clients that count bytes without decrypting them."""

import pathlib
import ssl
import tempfile

from support import free_port
from support.certificates import Authority
from support.tls import VERSIONS, TLSClient

RECORD_BYTES = {"1.2": 29, "1.3": 22}  # the overhead of a record with AES-GCM


class ContentCounter:
    """Counts the content bytes of the records in a stream."""

    def __init__(self, version):
        self.record_bytes = RECORD_BYTES[version]
        self.rest = b""

    def __call__(self, data):
        data = self.rest + data
        content, begin = 0, 0
        while len(data) >= (end := begin + 5) and len(data) >= (end := end + int.from_bytes(data[begin + 3 : end])):
            content += end - begin - self.record_bytes
            begin = end
        self.rest = data[begin:]
        return content


def secure_port(directory, records="openssl"):
    """pushd's options for both ports."""
    pair = Authority(pathlib.Path(tempfile.mkdtemp(dir=directory))).sign("pushd")
    listen = ("--listen", "127.0.0.1:0", "--listen", f"tls:127.0.0.1:{free_port()}")
    return *listen, "--tls-cert", str(pair.certificate), "--tls-key", str(pair.key), "--tls-records", records


def secure_client(pushd, version):
    """A client after its handshake; it does not verify the server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = VERSIONS[version]
    port = next(int(option.rpartition(":")[2]) for option in pushd.options if option.startswith("tls:"))
    client = TLSClient((pushd.host, port), context)
    pushd.clients.append(client)
    return client.shake_hands()
