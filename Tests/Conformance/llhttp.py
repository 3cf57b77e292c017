#!/usr/bin/env python3
"""Compares echo-server's answers to the requests of llhttp's test suite: llhttp.py CHECKOUT [--update].

A checkout of https://github.com/nodejs/llhttp has the requests in test/request/*.md, each with llhttp's result. A case
is `taken` if every complete request in it is answered as a valid one, `refused` if one is not, and `waits` if it is
incomplete. llhttp's strict mode is the reference, except for the cases of its lenient modes, which pushd does not have.
For each difference llhttp_differences.txt must have a line: the case, pushd's result, and the reason. llhttp does not
require a Host header; here it is added to requests without one. Requests with bodies are sent to `POST /`, which
echo-server answers with the body; for other paths it does not read the body.
"""

import pathlib
import re
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
SERVER = HERE.parent.parent / ".build/release/echo-server"
DIFFERENCES = HERE / "llhttp_differences.txt"
UNREADABLE = {400, 408, 411, 413, 414, 417, 431, 501, 505}
PORT = 18771
BODY_REQUEST = re.compile(rb"^(PUT|POST) [!-~]+ HTTP/1\.1\r\n", re.M)
REQUEST_LINE = re.compile(rb"^([!-~]+ [!-~]+ HTTP/1\.1\r\n)(?!(?:.+\r\n)*?(?i:host) *:)", re.M)


def unescape(text):
    """As in test/md-test.ts."""
    text = text.removesuffix("\n")
    text = re.sub(r"\\\n", "", text).replace("\n", "\r\n")
    for name, character in (("r", "\r"), ("n", "\n"), ("t", "\t"), ("f", "\f")):
        text = text.replace("\\" + name, character)
    text = re.sub(r"\\x([0-9a-fA-F]+)", lambda match: chr(int(match[1], 16)), text)
    text = re.sub(r"\\([0-7]{1,3})", lambda match: chr(int(match[1], 8)), text)
    text = re.sub(r"\$\{'(.*?)'\.repeat\((\d+)\)\}", lambda match: match[1] * int(match[2]), text)
    return text.encode("utf-8" if any(ord(character) > 255 for character in text) else "latin-1")


def cases(checkout):
    """Yields the name and the bytes of each case, and whether llhttp refuses it."""
    for path in sorted(checkout.glob("test/request/*.md")):
        headings, code, log = [], None, None
        for kind, text in re.findall(r"^(#+ .*|.*\n=+|```(?:http|log)\n[\s\S]*?\n```)$()", path.read_text(), re.M):
            if kind.startswith("```http"):
                code = kind[len("```http\n") : -len("```")]
            elif kind.startswith("```log"):
                log = kind
                yield " / ".join([path.stem, *(heading for _, heading in headings)]), unescape(code), "error code=" in log
            elif kind.startswith("#"):
                level = len(kind) - len(kind.lstrip("#"))
                headings = [entry for entry in headings if entry[0] < level] + [(level, kind.lstrip("# ").strip())]


def statuses(data):
    """The status of each response, and the text of the last one."""
    with socket.create_connection(("127.0.0.1", PORT), timeout=2) as client:
        received = b""
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            while part := client.recv(65536):
                received += part
        except OSError:
            pass
    errors = re.findall(rb'\{"error":"(.*?)"\}', received)
    codes = [int(code) for code in re.findall(rb"HTTP/1\.1 (\d\d\d) ", received)]
    return codes, errors[-1].decode() if errors else ""


def verdict(name, data):
    if name.startswith(("transfer-encoding", "content-length")):
        data = BODY_REQUEST.sub(b"POST / HTTP/1.1\r\n", data)
    codes, reason = statuses(REQUEST_LINE.sub(rb"\1Host: a\r\n", data))
    if any(code in UNREADABLE for code in codes):
        return "refused", reason
    return "taken" if codes else "waits", "llhttp refuses it"


def known_differences():
    lines = DIFFERENCES.read_text().splitlines() if DIFFERENCES.exists() else []
    return {line.split(" | ")[0]: line for line in lines if line and not line.startswith("#")}


def compare(checkout, update):
    known, found, seen, total = known_differences(), {}, {}, 0
    for name, data, llhttp_refuses in cases(checkout):
        total += 1
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            name = f"{name} ({seen[name]})"
        does, reason = verdict(name, data)
        if (does == "refused") != llhttp_refuses:
            found[name] = f"{name} | {does} | {reason}"
    if update:
        DIFFERENCES.write_text("".join(known.get(name, line) + "\n" for name, line in found.items()))
    for name in found.keys() - known.keys():
        print("new:", found[name])
    for name in known.keys() - found.keys():
        print("gone:", name)
    print(f"{total} cases, {len(found)} differ, {len(found.keys() ^ known.keys())} of them unexpectedly")
    return found.keys() == known.keys()


def main():
    server = subprocess.Popen([SERVER, "--listen", f"127.0.0.1:{PORT}"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        is_as_expected = compare(pathlib.Path(sys.argv[1]), "--update" in sys.argv)
    finally:
        server.terminate()
        server.wait()
    sys.exit(0 if is_as_expected else 1)


main()
