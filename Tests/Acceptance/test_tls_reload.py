"""Certificates: refused files, which certificate is presented or required, and reloading without a restart."""

import contextlib
import itertools
import os
import re
import selectors
import shutil
import signal
import ssl
import subprocess
import threading
import time

import pytest
from support import wait_until
from support.certificates import Authority, Pair
from support.pushd import ask, run_pushd
from support.raw import TEXT, encode_frame
from test_http import GET_HEALTH
from test_tls import (  # noqa: F401, the fixtures among them
    LAST_REQUEST,
    TLSSubscriber,
    assert_delivery,
    authority,
    both_versions,
    other_authority,
    pair,
    s_client,
    serve,
    tls_options,
    trusting,
)

IS_LONG = os.environ.get("PUSHD_LONG") == "1"
CONNECTIONS = 1000 if IS_LONG else 100
DELIVERIES_A_SECOND = 10_000
PATIENCE_S = 60  # to wait for a change to be noticed


@pytest.fixture
def tls_records():
    """OpenSSL's only, because the record layer makes no difference here."""
    return "openssl"


# Files that are wrong at the start


def assert_usage_error(arguments, *words):
    done = run_pushd("--listen", "127.0.0.1:0", *map(str, arguments))
    assert done.returncode == 64, done
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for word in words:
        assert str(word) in done.stderr, done.stderr


@pytest.mark.parametrize("option", ["--tls-cert", "--tls-key", "--tls-client-ca"])
@pytest.mark.parametrize("kind", ["missing", "directory", "garbage", "empty"])
def test_a_file_that_cannot_be_used_is_named(pair, authority, tmp_path, option, kind):
    file = tmp_path / "bad"
    if kind == "directory":
        file.mkdir()
    elif kind != "missing":
        file.write_bytes(b"" if kind == "empty" else b"-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n")
    files = {"--tls-cert": pair.certificate, "--tls-key": pair.key, "--tls-client-ca": authority.file} | {option: file}
    assert_usage_error([word for words in files.items() for word in words], option, file)


def test_a_key_that_does_not_fit_is_named(pair, authority):
    other = authority.sign("other")
    arguments = tls_options(pair) + ["--tls-cert", other.certificate, "--tls-key", pair.key]
    assert_usage_error(arguments, "--tls-", pair.key)


def test_a_key_with_a_passphrase_is_named_and_nobody_is_asked(pair, tmp_path):
    words = ["openssl", "pkey", "-in", pair.key, "-aes256", "-passout", "pass:secret", "-out", tmp_path / "locked"]
    subprocess.run(words, check=True, timeout=10)
    assert_usage_error(tls_options(Pair(pair.certificate, tmp_path / "locked")), "--tls-key", tmp_path / "locked")


def test_records_are_made_by_somebody_known(pair):
    assert_usage_error([*tls_options(pair), "--tls-records", "kernel"], "--tls-records: 'kernel' is not openssl or compact")


@pytest.mark.parametrize("given, missing", [("--tls-cert", "--tls-key"), ("--tls-key", "--tls-cert")])
def test_a_certificate_without_a_key_and_a_key_without_a_certificate(pair, given, missing):
    file = pair.certificate if given == "--tls-cert" else pair.key
    assert_usage_error([given, file], missing)
    assert_usage_error([*tls_options(pair), given, file], missing)


@pytest.mark.parametrize("address", ["tls:0", "tls:127.0.0.1:0"])
def test_a_tls_listener_without_a_certificate(address):
    assert_usage_error(["--listen", address], address, "--tls-cert")


@pytest.mark.parametrize("address", ["tls:", "tls:nowhere:x", "tls:unix:/tmp/x", "tls:tls:0", "tls:127.0.0.1:70000"])
def test_a_tls_listener_that_is_none(pair, address):
    assert_usage_error([*tls_options(pair), "--listen", address], "--listen", address)


def test_help_names_the_options():
    result = run_pushd("serve", "--help")
    assert all(option in result.stdout for option in ("--tls-cert", "--tls-key", "--tls-client-ca", "--tls-records"))


def test_options_are_environment_variables(serve, pair):
    pushd = serve(pairs=(), PUSHD_TLS_CERT=str(pair.certificate), PUSHD_TLS_KEY=str(pair.key))
    assert pushd.health()["status"] == "ok"


# Which certificate is presented or required


@pytest.mark.parametrize(
    "name, expected",
    [
        ("a.example", "a"),
        ("A.Example", "a"),
        ("b.example", "b"),
        ("also-b.example", "b"),
        ("x.wild.example", "wild"),
        ("wild.example", "server"),
        ("x.y.wild.example", "server"),
        ("unknown.example", "server"),
        (None, "server"),
    ],
)
def test_the_name_picks_the_certificate(serve, authority, pair, name, expected):
    names = {"a": "DNS:a.example", "b": "DNS:b.example,DNS:also-b.example", "wild": "DNS:*.wild.example"}
    pushd = serve(pairs=[pair] + [authority.sign(*item) for item in names.items()])
    for version in ("-tls1_2", "-tls1_3"):
        _, output = s_client(pushd.port, "-brief", version, *(["-servername", name] if name else ["-noservername"]))
        assert f"Peer certificate: CN = {expected}\n" in output, output


def test_the_chain_is_sent(serve, authority, tmp_path):
    between = Authority(tmp_path, "Between", issuer=authority)
    pushd = serve(pairs=[between.sign("first"), between.sign("second", names="DNS:second.example")])
    assert pushd.health()["status"] == "ok"
    assert pushd.raw(name="second.example").ask(GET_HEALTH).status == 200


@both_versions
def test_clients_must_show_a_certificate_where_one_is_demanded(serve, authority, other_authority, tmp_path, version):
    right, between = authority.sign("right", names="DNS:client"), Authority(tmp_path, "Between", issuer=authority)
    pushd = serve("--tls-client-ca", str(authority.file), shows=right)
    for client in (right, between.sign("indirect")):
        pushd.context = trusting(authority, version, client)
        assert_delivery(pushd, pushd)
    for client in (None, other_authority.sign("stranger"), authority.sign("late", is_expired=True)):
        pushd.context = trusting(authority, version, client)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            pushd.health()
    words = [f"-tls{version.replace('.', '_')}", "-ign_eof"]
    status, output = s_client(pushd.port, *words, request=LAST_REQUEST)
    assert "HTTP/1.1" not in output and re.search("alert (certificate required|handshake failure)", output), output


@both_versions
def test_clients_must_show_a_certificate_under_every_name(serve, authority, other_authority, pair, version):
    second = authority.sign("second", names="DNS:second.example")
    pushd = serve("--tls-client-ca", str(authority.file), pairs=[pair, second], shows=pair)
    right = trusting(authority, version, authority.sign("right", names="DNS:client"))
    for name in ("localhost", "second.example"):
        session = None
        for is_resumed in (False, True):
            with pushd.raw(right, name=name, session=session) as client:
                assert client.ask(GET_HEALTH).status == 200
                assert client.tls.session_reused == is_resumed
                session = client.tls.session
        for stranger in (None, other_authority.sign("stranger")):
            with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):  # AssertionError: no answer
                pushd.raw(trusting(authority, version, stranger), name=name).ask(GET_HEALTH)


@pytest.mark.parametrize("name", ["localhost", "second.example"])
def test_clients_are_told_which_certificate_to_show(serve, authority, pair, name):
    second = authority.sign("second", names="DNS:second.example")
    pushd = serve("--tls-client-ca", str(authority.file), pairs=[pair, second], shows=pair)
    told = s_client(pushd.port, "-servername", name)[1].partition("Acceptable client certificate CA names")[2]
    assert "CN = Test Authority" in told


def test_nobody_is_asked_for_a_certificate_otherwise(pushd):
    assert "No client certificate CA names sent" in s_client(pushd.port)[1]


# New files


def install(source, target):
    """Replaces a file atomically, as tools that renew certificates do."""
    temporary = target.with_name(f".{target.name}.new")
    shutil.copy(source, temporary)
    temporary.replace(target)


def install_pair(pair, files):
    for source, target in zip(pair, files):
        install(source, target)


@pytest.fixture
def place(tmp_path):
    """Copies a pair to files that pushd reads and the test replaces."""
    numbers = itertools.count()

    def place(pair):
        directory = tmp_path / f"files{next(numbers)}"
        directory.mkdir()
        files = Pair(directory / "tls.crt", directory / "tls.key")
        install_pair(pair, files)
        return files

    return place


@pytest.fixture
def files(place, pair):
    return place(pair)


def shown(pushd, name="localhost"):
    """The name in the certificate that a new connection gets."""
    context = trusting(pushd.authority)
    context.check_hostname = False
    with pushd.raw(context, name=name) as client:
        subject = client.tls.getpeercert()["subject"]
        assert client.ask(GET_HEALTH).status == 200
        return dict(field for fields in subject for field in fields)["commonName"]


def wait_until_shown(pushd, name, server_name="localhost"):
    wait_until(lambda: shown(pushd, server_name) == name, f"the certificate {name}", PATIENCE_S, pause=0.05)


def warnings(pushd, file):
    """The log's warnings about a file."""
    return [line for line in pushd.log().splitlines() if " warning " in line and file.name in line]


@pytest.mark.parametrize("signals", [True, False], ids=["SIGHUP", "no signal"])
def test_new_connections_get_the_new_certificate_and_old_ones_stay(serve, authority, files, signals):
    pushd = serve(pairs=[files])
    client, request = pushd.connect("c"), pushd.http()
    for number in range(3):
        install_pair(authority.sign(f"renewed{number}"), files)
        if signals:
            pushd.signal(signal.SIGHUP)
        wait_until_shown(pushd, f"renewed{number}")
        assert ask(request, "POST", "/publish?channel=c", f"{number}").status == 200
        assert client.recv(timeout=5) == f"{number}"
    request.close()


def test_a_signal_without_new_files_changes_nothing(serve, files):
    pushd = serve(pairs=[files])
    client = pushd.connect("c")
    for _ in range(20):
        pushd.signal(signal.SIGHUP)
        assert shown(pushd) == "server"
    pushd.publish("c", "still here")
    assert client.recv(timeout=5) == "still here"


@pytest.mark.parametrize("signals", [True, False], ids=["SIGHUP", "no signal"])
def test_files_behind_a_link_that_is_switched(serve, authority, pair, tmp_path, signals):
    """As Kubernetes mounts secrets: tls.crt -> ..data/tls.crt, and ..data -> a directory that changes each time."""
    renewed = authority.sign("renewed")
    for number, source in enumerate((pair, renewed)):
        (tmp_path / f"..{number}").mkdir()
        install_pair(source, Pair(tmp_path / f"..{number}/tls.crt", tmp_path / f"..{number}/tls.key"))
    (tmp_path / "..data").symlink_to("..0")
    files = Pair(tmp_path / "tls.crt", tmp_path / "tls.key")
    for file in files:
        file.symlink_to(f"..data/{file.name}")
    pushd = serve(pairs=[files])
    assert shown(pushd) == "server"
    (tmp_path / "..new").symlink_to("..1")
    (tmp_path / "..new").replace(tmp_path / "..data")
    if signals:
        pushd.signal(signal.SIGHUP)
    wait_until_shown(pushd, "renewed")


def test_files_that_are_written_in_place(serve, authority, files):
    pushd = serve(pairs=[files])
    renewed = authority.sign("renewed")
    for source, target in zip(renewed, files):
        with target.open("wb") as stream:
            for byte in source.read_bytes():
                stream.write(bytes([byte]))
                stream.flush()
    wait_until_shown(pushd, "renewed")


def test_each_of_several_certificates_may_change(serve, authority, place, files):
    other = place(authority.sign("other", names="DNS:other.example"))
    pushd = serve(pairs=[files, other])
    assert (shown(pushd), shown(pushd, "other.example")) == ("server", "other")
    install_pair(authority.sign("other2", names="DNS:other.example"), other)
    wait_until_shown(pushd, "other2", "other.example")
    assert shown(pushd) == "server"
    install_pair(authority.sign("server2"), files)
    wait_until_shown(pushd, "server2")
    assert shown(pushd, "other.example") == "other2"


def test_the_names_are_those_of_the_new_certificate(serve, authority, place, files):
    other = place(authority.sign("other", names="DNS:old.example"))
    pushd = serve(pairs=[files, other])
    install_pair(authority.sign("other2", names="DNS:new.example"), other)
    wait_until_shown(pushd, "other2", "new.example")
    assert shown(pushd, "old.example") == "server"


@pytest.mark.parametrize("signals", [True, False], ids=["SIGHUP", "no signal"])
def test_the_authority_of_clients_may_change(serve, authority, other_authority, tmp_path, signals):
    file = tmp_path / "clients.pem"
    install(authority.file, file)
    old, new = (trusting(authority, pair=signer.sign("client")) for signer in (authority, other_authority))
    pushd = serve("--tls-client-ca", str(file), shows=authority.sign("first"))
    before = pushd.raw(old)
    assert before.ask(GET_HEALTH).status == 200
    install(other_authority.file, file)
    if signals:
        pushd.signal(signal.SIGHUP)

    def is_admitted(context, **options):
        try:
            return pushd.raw(context, **options).ask(GET_HEALTH).status == 200
        except (ssl.SSLError, ConnectionError, AssertionError):  # closed during the handshake or without a response
            return False

    wait_until(lambda: is_admitted(new), "a client of the new authority", PATIENCE_S)
    assert not is_admitted(old)
    assert not is_admitted(old, session=before.tls.session), "a ticket of one who is not trusted any more"
    assert before.ask(GET_HEALTH).status == 200
    pushd.context = new


# Files that are wrong


def break_files(kind, files, authority):
    if kind == "missing":
        files.certificate.unlink()
    elif kind == "key of another":
        install(authority.sign("another").key, files.key)
    elif kind == "cut short":
        files.certificate.write_bytes(files.certificate.read_bytes()[:200])
    else:
        files.certificate.write_bytes({"empty": b"", "garbage": b"\0" * 1000}[kind])


@pytest.mark.parametrize("kind", ["missing", "empty", "garbage", "cut short", "key of another"])
@pytest.mark.parametrize("signals", [True, False], ids=["SIGHUP", "no signal"])
def test_a_broken_file_is_named_and_the_old_certificate_stays(serve, authority, files, kind, signals):
    pushd = serve(pairs=[files])
    client = pushd.connect("c")
    break_files(kind, files, authority)
    if signals:
        pushd.signal(signal.SIGHUP)
    file = files.key if kind == "key of another" else files.certificate
    wait_until(lambda: warnings(pushd, file), "a warning", PATIENCE_S)
    assert shown(pushd) == "server"
    pushd.publish("c", "hello")
    assert client.recv(timeout=5) == "hello"
    install_pair(authority.sign("renewed"), files)
    wait_until_shown(pushd, "renewed")


def test_a_broken_file_is_told_of_once(serve, files):
    pushd = serve(pairs=[files])
    files.certificate.write_bytes(b"broken")
    wait_until(lambda: warnings(pushd, files.certificate), "a warning", PATIENCE_S)
    threading.Event().wait(3)  # watches for a while; not a wait for a condition
    assert len(warnings(pushd, files.certificate)) == 1


def test_a_key_that_comes_after_its_certificate(serve, authority, files):
    pushd = serve(pairs=[files])
    renewed = authority.sign("renewed")
    install(renewed.certificate, files.certificate)
    pushd.signal(signal.SIGHUP)
    wait_until(lambda: "tls.key" in pushd.log() or "tls.crt" in pushd.log(), "a line about the mismatch", PATIENCE_S)
    assert shown(pushd) == "server"
    install(renewed.key, files.key)
    wait_until_shown(pushd, "renewed")


def test_one_broken_pair_does_not_take_the_others_away(serve, authority, place, files):
    other = place(authority.sign("other", names="DNS:other.example"))
    pushd = serve(pairs=[files, other])
    other.certificate.write_bytes(b"broken")
    pushd.signal(signal.SIGHUP)
    wait_until(lambda: warnings(pushd, other.certificate), "a warning", PATIENCE_S)
    assert (shown(pushd), shown(pushd, "other.example")) == ("server", "other")


# Under load


class Load:
    """TLS subscribers of one channel, messages at a steady rate, and a client that connects repeatedly."""

    def __init__(self, pushd, count):
        self.pushd = pushd
        self.subscribers = [TLSSubscriber(pushd, "c") for _ in range(count)]
        self.period = count / DELIVERIES_A_SECOND
        self.sent = bytearray()  # the bytes that each subscriber must get
        self.newcomers = 0
        self.failure = None
        self.stopped, self.read_all = threading.Event(), threading.Event()
        works = [(self.publish, self.stopped), (self.connect, self.stopped), (self.read, self.read_all)]
        self.threads = [threading.Thread(target=self.work, args=work, daemon=True) for work in works]
        self.publisher = pushd.http()
        self.selector = selectors.DefaultSelector()
        for subscriber in self.subscribers:
            self.selector.register(subscriber.client.socket, selectors.EVENT_READ, subscriber)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.read_all.set()
        for thread in self.threads:
            thread.join()
        self.selector.close()
        self.publisher.close()
        for subscriber in self.subscribers:
            subscriber.client.close()

    def work(self, step, stopped):
        try:
            while not stopped.is_set():
                step()
        except Exception as failure:  # raised again in the test's thread
            self.failure = self.failure or failure

    def publish(self):
        began = time.monotonic()
        text = f"{len(self.sent)} ".ljust(200, "x").encode()
        response = ask(self.publisher, "POST", "/publish?channel=c", text)
        assert response.body == b'{"channel":"c","subscribers":%d}' % len(self.subscribers), response
        self.sent += encode_frame(TEXT, text, is_masked=False)
        self.stopped.wait(max(0, began + self.period - time.monotonic()))

    def connect(self):
        assert shown(self.pushd).startswith(("server", "renewed"))
        self.newcomers += 1
        self.stopped.wait(0.02)

    def read(self):
        for key, _ in self.selector.select(timeout=0.1):
            with contextlib.suppress(BlockingIOError):
                assert key.data.client.receive_more(), f"a subscriber was disconnected: {key.data.client.end}"

    def wait_for(self, condition, what):
        wait_until(lambda: self.failure or condition(), what, PATIENCE_S)
        if self.failure:
            raise AssertionError("the load was disturbed") from self.failure

    def wait_for_deliveries(self):
        """Waits until every subscriber has all messages so far, and some more."""
        size, newcomers = len(self.sent) + 1000, self.newcomers + 2
        self.wait_for(lambda: min(map(self.received, self.subscribers)) > size, "deliveries to everybody")
        self.wait_for(lambda: self.newcomers > newcomers, "clients that connect")

    def received(self, subscriber):
        return len(subscriber.client.received)

    def finish(self):
        """Stops publishing and waits until every subscriber has everything."""
        self.stopped.set()
        for thread in self.threads[:2]:
            thread.join()
        self.wait_for(lambda: min(map(self.received, self.subscribers)) >= len(self.sent), "the last deliveries")
        wrong = [subscriber for subscriber in self.subscribers if subscriber.client.received != self.sent]
        assert not wrong, f"{len(wrong)} of {len(self.subscribers)} got something else"


@pytest.mark.alone
@pytest.mark.parametrize("workers", ["1", "2"])
def test_nobody_notices_new_certificates_under_load(serve, authority, files, workers):
    pushd = serve("--workers", workers, pairs=[files])
    with Load(pushd, CONNECTIONS) as load:
        load.wait_for_deliveries()
        for number in range(6):
            if number == 3:
                break_files("garbage", files, authority)
                pushd.signal(signal.SIGHUP)
                wait_until(lambda: warnings(pushd, files.certificate), "a warning", PATIENCE_S)
            install_pair(authority.sign(f"renewed{number}"), files)
            if number % 2:
                pushd.signal(signal.SIGHUP)
            wait_until_shown(pushd, f"renewed{number}")
            load.wait_for_deliveries()
        assert pushd.health()["connections"] == CONNECTIONS
        load.finish()
        assert pushd.fresh_metrics().sum("pushd_connections_closed_total") == 0
