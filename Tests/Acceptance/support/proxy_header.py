"""The headers of the PROXY protocol, versions 1 and 2."""

import ipaddress
import struct

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL, PROXY = 0x20, 0x21
TLS = b"\x20\x00\x05\x01\x00\x00\x00\x00"  # PP2_TYPE_SSL with PP2_CLIENT_SSL


def text(source, destination="192.0.2.99"):
    version = ipaddress.ip_address(source).version
    if version == 6:
        destination = "2001:db8::99"
    return f"PROXY TCP{version} {source} {destination} 40000 443\r\n".encode()


def binary(source=None, extensions=b"", command=PROXY):
    """Without a source the header contains no address."""
    family, addresses = 0x00, b""
    if source:
        address = ipaddress.ip_address(source)
        family = 0x11 if address.version == 4 else 0x21
        addresses = address.packed * 2 + struct.pack("!HH", 40000, 443)
    content = addresses + extensions
    return SIGNATURE + struct.pack("!BBH", command, family, len(content)) + content
