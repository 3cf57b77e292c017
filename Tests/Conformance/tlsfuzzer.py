"""Runs tlsfuzzer's scripts against pushd, with both record layers, and compares failures with tlsfuzzer.txt.

    tlsfuzzer.py CHECKOUT [--python PYTHON] [--update] [SCRIPT ...]

CHECKOUT is a clone of github.com/tlsfuzzer/tlsfuzzer; PYTHON is an interpreter with its requirements (tlslite-ng). A
script runs a fixed sample of its conversations. TLS 1.2 scripts negotiate ECDHE with AES-GCM, which pushd supports,
instead of CBC.
"""

import argparse
import contextlib
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import types
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXPECTED = pathlib.Path(__file__).with_name("tlsfuzzer.txt")
LAYERS = ("openssl", "compact")
SUITE = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
SAMPLE = "20"
SCRIPT_SECONDS = 400
# These measure time, or run for minutes to check random numbers of OpenSSL's handshake.
LEFT_OUT = re.compile("timing|lucky13|minerva|workaround|random|shared_secret")
NAMED = 8  # name at most this many conversations of a script, then only count them


def run_script(path, arguments):
    """Runs in a separate process: the script, with other ciphers and a fixed random seed."""
    random.seed(0)
    sys.path.insert(0, str(path.parents[2]))
    sys.argv = [str(path), *arguments]
    source = re.sub(r"TLS_ECDHE_RSA_WITH_AES_(128|256)_CBC_SHA(256|384)?\b", SUITE, path.read_text())
    exec(compile(source, str(path), "exec"), {"__name__": "__main__", "__file__": str(path)})  # noqa: S102


def options(path):
    found = re.search(r'getopt\(argv, "([^"]*)"', re.sub(r"\s+", " ", path.read_text()))
    return found[1] if found else ""


class Servers:
    """A pushd for each record layer, with and without required client certificates."""

    def __init__(self, stack):
        sys.path.insert(0, str(ROOT / "Tests/Acceptance"))
        from support.certificates import Pair
        from test_tls import TLSPushd, tls_options

        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        # RSA only, because the scripts offer to verify RSA; its own authority, also for clients.
        self.pair = Pair(directory / "server.pem", directory / "server.key")
        words = "req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 2 -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
        files = ("-keyout", self.pair.key, "-out", self.pair.certificate)
        subprocess.run(["openssl", *words.split(), *files], check=True, capture_output=True, timeout=20)
        authority = types.SimpleNamespace(file=self.pair.certificate)
        self.ports = {}
        for layer in LAYERS:
            for demands in (False, True):
                home = directory / f"{layer}-{demands}"
                home.mkdir()
                more = ("--tls-client-ca", str(authority.file)) if demands else ()
                words = (*tls_options(self.pair), "--tls-records", layer, "--workers", "1", *more)
                pushd = TLSPushd(authority, self.pair, home, *words)
                stack.callback(pushd.stop)
                self.ports[layer, demands] = pushd.port

    def arguments(self, path, layer):
        letters = options(path)
        shows = "k:" in letters
        words = ["-h", "localhost", "-p", str(self.ports[layer, shows])]
        if "n:" in letters:
            words += ["-n", SAMPLE]
        if shows:
            words += ["-k", str(self.pair.key), "-c", str(self.pair.certificate)]
        if "tls13" not in path.name and "C:" in letters:
            words += ["-C", SUITE]
        elif "tls13" not in path.name and "d" in letters.replace("d:", ""):
            words += ["-d"]
        return words


def outcome(python, path, arguments):
    """The number of conversations that passed, and the names of the others."""
    command = [python, __file__, "--run", str(path), *arguments]
    variables = os.environ | {"PYTHONHASHSEED": "0"}  # fixes the order of sets
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SCRIPT_SECONDS, check=False, env=variables
        )
    except subprocess.TimeoutExpired:
        return 0, ["(takes too long)"]
    passed = re.search(r"^PASS: (\d+)", done.stdout, re.MULTILINE)
    if not passed:
        return 0, ["(does not run)"]
    failed = done.stdout.partition("FAILED:\n")[2]
    names = [line.strip().strip("'\"") for line in failed.splitlines() if line.startswith("\t")]
    if "sanity" in names:
        return 0, ["sanity: it needs what pushd does not offer"]
    return int(passed[1]), names if len(names) <= NAMED else [f"{len(names)} conversations"]


def main():
    if sys.argv[1:2] == ["--run"]:
        return run_script(pathlib.Path(sys.argv[2]), sys.argv[3:])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=pathlib.Path)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("scripts", nargs="*")
    given = parser.parse_args()
    paths = sorted((given.checkout / "tlsfuzzer/_apps").glob("test_*.py"))
    paths = [path for path in paths if not LEFT_OUT.search(path.stem)]
    if given.scripts:
        paths = [path for path in paths if path.stem in given.scripts]
    failures, total = {}, dict.fromkeys(LAYERS, 0)
    with contextlib.ExitStack() as stack:
        servers = Servers(stack)
        tasks = [(path, layer) for path in paths for layer in LAYERS]
        with ThreadPoolExecutor(6) as executor:
            results = executor.map(lambda task: outcome(given.python, task[0], servers.arguments(*task)), tasks)
            for (path, layer), (passed, failed) in zip(tasks, results):
                total[layer] += passed
                print(f"{path.stem} {layer}: {passed} passed, {len(failed)} not", flush=True)
                for name in failed:
                    failures.setdefault(f"{path.stem}: {name}", []).append(layer)
    lines = [line if len(layers) == 2 else f"{line} [{layers[0]} only]" for line, layers in failures.items()]
    print(f"{len(paths)} scripts, conversations passed: {total}")
    if given.update:
        EXPECTED.write_text("\n".join(lines) + "\n")
        return None
    names = {f"{path.stem}: " for path in paths}
    expected = [line for line in EXPECTED.read_text().splitlines() if any(line.startswith(name) for name in names)]
    for line in sorted(set(expected) ^ set(lines)):
        print(f"{'now passes' if line in expected else 'fails'}: {line}")
    return int(set(expected) != set(lines))


if __name__ == "__main__":
    sys.exit(main())
