"""The configuration file: what serve takes from it, what `check` finds in it, and what `config` prints."""

import os
import stat
import subprocess

import pytest
from support.pushd import BINARY, environment, run_pushd

USAGE = 64
# In a text below: where the mistake is.
MARK = "»"


@pytest.fixture
def write(tmp_path):
    """Writes files into the directory that `run` works in; returns the path of the last one."""

    def write(text, name="pushd.yaml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(0o640)
        return path

    write("first-key\n", "keys")
    write("s" * 40, "secret")
    return write


@pytest.fixture
def run(tmp_path):
    def run(*arguments, **variables):
        return subprocess.run(
            [BINARY, *arguments],
            cwd=tmp_path,
            env=environment(variables),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    return run


# Each has one mistake, whose place is marked.
MISTAKES = [
    # Its form
    ("»", "the file is empty"),
    ("»# nothing\n", "the file is empty"),
    ("»8081", "keys and values are expected"),
    ("»- listen", "keys and values are expected"),
    ("listen: 8081\nworkers: »[1", "did not find expected ',' or ']'"),
    ('workers: 1\nlog-level: »"info\ndrain: 5s\n', "unexpected end of stream"),
    ("channels:\n»\t- match: a\n", "found character that cannot start any token"),
    ("workers: »1\n\tdrain: 5s\n", "found a tab character that violates indentation"),
    ("workers: 1\n  drain»: 5s\n", "mapping values are not allowed in this context"),
    ("listen:\n  - 8081\n »- 8082\n", "did not find expected"),
    ("allow-origin: »*\n", "quote a value that begins with * or &"),
    ("channels:\n  - match: »*.x\n    subscribe: nobody\n", "quote a value that begins with * or &"),
    ("workers: »&n 2\nmax-channels: 3\n", "an anchor (&) is not taken"),
    ("allow-origin: »*all\n", "a reference (*) is not taken"),
    ("workers: »!!int 2\n", "a tag (!) is not taken"),
    ("workers: 2\n»---\nworkers: 3\n", "a second document"),
    ("? »[a]\n: b\n", "a key is a word"),
    ("workers: 2\nlog-level: in»\x00fo\n", "control characters are not allowed"),
    (b"workers: 2\nlog-level: in\xc2\xbb\xfffo\n", "invalid leading UTF-8 octet"),
    ("listen: " + "[" * 16 + "»[", "nested deeper than 16 levels"),
    # Keys
    ("»worker: 2\n", "'worker' is not an option; did you mean workers?"),
    ("»PUSHD_WORKERS: 2\n", "did you mean workers?"),
    ("»max_publish: 1MiB\n", "did you mean max-publish?"),
    ("»--workers: 2\n", "did you mean workers?"),
    ("»port: 8081\n", "did you mean listen?"),
    ("»frobnicate: 1\n", "'frobnicate' is not an option"),
    ("»config: other.yaml\n", "a file cannot name another"),
    ("»channles:\n  - match: a\n    subscribe: nobody\n", "did you mean channels?"),
    ("workers: 2\n»workers: 3\n", "'workers' is not allowed twice; see line 1"),
    (
        "channels:\n  - match: a\n    subscribe: nobody\n»channel: 'b: subscribe=nobody'\n",
        "'channel' is not possible together with channels; see line 1",
    ),
    # Values
    ("workers: »many\n", "workers: 'many' is not a whole number from 1 to 1024"),
    ("drain: 5s\nworkers: »[1, 2]\n", "workers: one value is expected, not a list"),
    ("workers: »{n: 1}\n", "workers: one value is expected, not keys"),
    ("workers:»\ndrain: 5s\n", "workers: there is no value"),
    ("workers: »~\n", "workers: there is no value"),
    ("listen: »[]\n", "listen: the list is empty"),
    ("listen: [8081, »localhost:99999]\n", "listen: 'localhost:99999' is not"),
    ("listen:\n  - 8081\n  - »{port: 1}\n", "listen: one value is expected, not keys"),
    ("allow-client-publish: »maybe\n", "allow-client-publish: 'maybe' is not true or false"),
    ("ping-interval: »0\n", "ping-interval: '0' is not a time above 0 to 24h"),
    ("max-publish: »2TB\n", "max-publish: '2TB' is not a size"),
    ("drain: »20sec\n", "drain: '20sec' is not a time"),
    ("log-level: »verbose\n", "log-level: 'verbose' is not one of trace"),
    ("compression: »gzip\n", "compression: 'gzip' is not off or on"),
    ("max-connect-rate: »100:wet\n", "max-connect-rate: '100:wet' is not a whole number"),
    ("allow-origin: »example.org\n", "write https://example.org"),
    ("trusted-proxy: [10.0.0.0/8, »10.0.0.1/8]\n", "trusted-proxy: '10.0.0.1/8' is not usable"),
    ('log-level: »"in\\tfo"\n', "log-level: the value has a control character in it"),
    ('publish-key: »""\n', "publish-key: '' is not a key without spaces"),
    ("publish-key: [»two words]\n", "publish-key: '***' is not a key without spaces"),
    ("publish-key-file: »missing\n", "publish-key-file: 'missing' is not readable"),
    ("redis: »localhost:6379\n", "write redis://localhost:6379"),
    ("redis: »redis://u:hush@host:port\n", "redis: '***@host:port' is not usable"),
    ("hook-connect: »ftp://a\n", "hook-connect: 'ftp://a' is not a URL"),
    ("slow-consumer: »drop\n", "slow-consumer: 'drop' is not [PATTERN=]POLICY"),
    # Channel rules
    ("channels: »private.*\n", "channels: a list of rules is expected"),
    ("channels: »[]\n", "channels: a list of rules is expected"),
    ("channels:\n  - »private.*\n", "channels: a rule is expected"),
    ("channels:\n  - »subscribe: nobody\n", "channels: a rule needs match"),
    ("channels:\n  - »match: a\n", "channels: this rule sets nothing"),
    ('channels:\n  - match: »""\n    subscribe: nobody\n', "channels.match: '' is not a pattern of channel names"),
    ("channels:\n  - match: a\n    subscribe: »tokn\n", "channels.subscribe: 'tokn' is not one of anyone, token"),
    ("channels:\n  - match: a\n    subscribe: »subscribers\n", "channels.subscribe: 'subscribers' is not one of"),
    ("channels:\n  - match: a\n    publish: »[token]\n", "channels.publish: one value is expected, not a list"),
    ("channels:\n  - match: a\n    »subscibe: token\n", "did you mean subscribe?"),
    ("channels:\n  - match: a\n    wildcard: »yes please\n", "one of allow, deny"),
    ("channels:\n  - match: a\n    presence: »yes\n", "'yes' is not one of on, off"),
    ("channels:\n  - match: a\n    history: »on\n", "channels.history: 'on' is not COUNT/TIME, as in 100/5m"),
    ("channels:\n  - match: a\n    history: »{size: 100}\n", "a history has both size and ttl"),
    ("channels:\n  - match: a\n    history: {size: 1, »age: 5m}\n", "a history has size and ttl, each once"),
    (
        "channels:\n  - match: a\n    publish: nobody\n    »publish: anyone\n",
        "channels.publish: 'publish' is not allowed twice; see line 3",
    ),
    ("channels:\n  - match: a\n    slow-consumer: »drop\n", "channels.slow-consumer: 'drop' is not one of disconnect"),
    ("channel: »'a: subscribe=tokn'\n", "channel: 'subscribe=tokn' is not subscribe= and one of"),
    # Options that need others
    ("channels:\n  - match: a\n    subscribe: »token\n", "is not possible without a token's key"),
    ("channels:\n  - match: a\n    publish: »ask\n", "is not possible without a hook (--hook-publish)"),
    ("workers: 2\ntls-cert: »chain.pem\n", "'chain.pem' is not usable without --tls-key"),
    ("listen: »tls:8443\n", "is not possible without --tls-cert and --tls-key"),
    ("redis-ca: »ca.pem\n", "is not used without TLS"),
    ("token-required: »true\n", "is not possible without a key"),
]


def place(text):
    """The text without its mark, and the line and column of it."""
    mark = MARK if isinstance(text, str) else MARK.encode()
    before, _, after = text.partition(mark)
    lines = (before if isinstance(text, str) else before.decode()).split("\n")
    return before + after, f"{len(lines)}:{len(lines[-1]) + 1}"


@pytest.mark.parametrize("text, message", MISTAKES, ids=[message for _, message in MISTAKES])
def test_check_finds_a_mistake_with_its_line_and_column(write, run, text, message):
    text, position = place(text)
    write(text)
    done = run("check", "pushd.yaml")
    errors = done.stdout.splitlines()[:-1]
    assert done.returncode == USAGE and not done.stderr
    assert len(errors) == 1, done.stdout
    assert errors[0].startswith(f"pushd.yaml:{position}: ") and message in errors[0], (errors, position)
    assert "hush" not in done.stdout


def test_there_are_more_than_50_mistakes():
    assert len(MISTAKES) > 50


@pytest.mark.parametrize("text, message", MISTAKES, ids=[message for _, message in MISTAKES])
def test_serve_refuses_what_check_finds(write, run, text, message):
    text, position = place(text)
    write(text)
    done = run("--config", "pushd.yaml")
    assert done.returncode == USAGE and not done.stdout
    assert done.stderr.startswith(f"pushd: pushd.yaml:{position}: ") and message in done.stderr
    assert done.stderr.endswith(" --help)\n") and done.stderr.count("\n") == 1


def test_check_finds_every_mistake(write, run):
    lines = [
        "worker: 2",
        "workers: many",
        "drain: [1]",
        "channels:",
        "  - subscribe: tokn",
        "    history: on",
        "  - match: a",
        "    publish: ask",
        "publish-key-file: [keys, missing, other]",
        "token-secret-file: missing",
        "tls-cert: chain.pem",
    ]
    write("\n".join(lines))
    done = run("check", "pushd.yaml", PUSHD_LOG_LEVEL="loud")
    said = done.stdout.splitlines()
    positions = [line.split(": ")[0].removeprefix("pushd.yaml:") for line in said[:-1]]
    assert positions == [
        "1:1",
        "2:10",
        "3:8",
        "5:5",
        "5:16",
        "6:14",
        "9:26",
        "9:35",
        "10:20",
        "PUSHD_LOG_LEVEL",
        "11:11",
        "8:14",
    ], done.stdout
    assert said[-1] == "pushd.yaml: 12 errors, no warnings" and done.returncode == USAGE


def test_what_follows_from_another_mistake_is_not_listed(write, run):
    write("token-secret-file: missing\nchannels:\n  - match: a\n    subscribe: token\n")
    done = run("check", "pushd.yaml")
    assert [line.split(": ")[0] for line in done.stdout.splitlines()] == ["pushd.yaml:1:20", "pushd.yaml"]


GOOD = """
# Everything that can be written
listen: [127.0.0.1:0]
drain: 0
workers: 2
allow-client-publish: off
ready-needs-redis: no
log-level: debug
compression: on
publish-key: [one, "two"]
publish-key-file: keys
token-secret-file: secret
max-message-rate: 100:error:dry
channels:
  - match: "private.*"
    subscribe: token
    publish: nobody
  - match: "ticker.*"
    slow-consumer: conflate
"""


def test_a_good_file(write, run):
    write(GOOD)
    done = run("check", "pushd.yaml")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines() == [
        "pushd.yaml:13:19: max-message-rate: warning: it is only counted, because of :dry",
        "pushd.yaml: no errors, 1 warning",
    ]


@pytest.mark.parametrize(
    "text, warning",
    [
        ("admin: 0.0.0.0:9000", "1:8: admin: warning: everyone who reaches 0.0.0.0:9000 is an administrator"),
        ("trusted-proxy: [unix, 0.0.0.0/0]", "1:23: trusted-proxy: warning: every client can choose the address"),
        ("{hook-connect: http://a, hook-header: cookie, allow-origin: '*'}", "allow-origin: warning: every page can"),
        ("{hook-connect: http://a, hook-failure: allow}", "1:40: hook-failure: warning: while the backend is away"),
        ("hook-subscribe: http://a", "1:17: hook-subscribe: warning: it is never asked"),
        ("token-secret-file: secret", "--token-required: warning: no rule of channels asks for a token"),
        (
            "channels:\n  - {match: '*', subscribe: nobody}\n  - {match: a, subscribe: anyone}",
            "3:5: channels: warning: this rule never decides: that of '*' comes before it",
        ),
        ("channels:\n  - {match: a, publish: anyone}", "2:5: channels: warning: every client may publish to 'a'"),
        ("{outbox-limit: 1, max-publish: 1MiB}", "pushd.yaml: warning: --outbox-limit (1) is less than twice"),
    ],
)
def test_check_warns_of_what_is_risky(write, run, text, warning):
    write(text)
    done = run("check", "pushd.yaml")
    assert done.returncode == 0 and warning in done.stdout, done.stdout
    assert done.stdout.splitlines()[-1] == "pushd.yaml: no errors, 1 warning"


def test_check_reads_what_serve_would_read(write, run):
    write("channels:\n  - match: a\n    subscribe: token\n")
    assert run("check", "pushd.yaml").returncode == USAGE
    assert run("check", "pushd.yaml", "--token-secret-file", "secret").returncode == 0
    assert run("check", "--config", "pushd.yaml", PUSHD_TOKEN_SECRET_FILE="secret").returncode == 0
    assert run("check", PUSHD_CONFIG="pushd.yaml", PUSHD_TOKEN_SECRET_FILE="secret").returncode == 0
    assert "Give the file to check" in run("check").stderr


@pytest.mark.parametrize("path", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read(run, write, path):
    done = run("check", path)
    assert done.returncode == USAGE and f"the file: '{path}' is not readable: " in done.stderr
    assert f"--config: '{path}' is not readable: " in run("--config", path).stderr
    assert f"PUSHD_CONFIG: '{path}' is not readable: " in run(PUSHD_CONFIG=path).stderr


def test_a_huge_file_is_refused(run, write):
    write("# comment\n" * 200_000)
    assert "pushd.yaml:1:1: more than 1048576 bytes" in run("check", "pushd.yaml").stdout
    assert "/dev/zero:1:1: more than 1048576 bytes" in run("check", "/dev/zero").stdout


# What a server takes from it


def test_the_command_line_wins_over_variables_and_those_over_the_file(start, write):
    path = write("max-channels: 1\nmax-message: 1\npath-prefix: /file\nmax-publish: 5\n")
    pushd = start("--config", str(path), "--max-channels", "3", PUSHD_MAX_CHANNELS="2", PUSHD_MAX_MESSAGE="1000")
    client = pushd.connect("a", "b")
    client.send('{"action":"subscribe","channels":["c","d"]}')
    assert '"channel":"c"' in client.recv(timeout=10) and "too_many_channels" in client.recv(timeout=10)
    assert pushd.get("/file/health").status == 200
    assert pushd.request("POST", "/publish?channel=a", b"x" * 6).status == 413


def test_values_of_a_list_are_replaced_and_not_added_to(start, write):
    path = write("publish-key: [one, two]\n")
    pushd = start("--config", str(path), PUSHD_PUBLISH_KEY="three")

    def status(key):
        return pushd.request("POST", "/publish?channel=a", b"x", {"Authorization": f"Bearer {key}"}).status

    assert [status(key) for key in ("one", "two", "three")] == [401, 401, 200]


def test_rules_of_a_file(start, write):
    here = write("").parent
    text = GOOD.replace("debug", "info").replace("file: ", f"file: {here}/")
    pushd = start("--config", str(write(text)))
    assert "subscribing: by channel rules (2)" in pushd.log()


def test_a_secret_that_everyone_can_read_is_warned_about(start, write):
    path = write("publish-key: hush\n")
    assert "can read the secret" not in start("--config", str(path)).log()
    path.chmod(0o644)
    log = start("--config", str(path)).log()
    assert log.count("every user of this machine can read the secret of publish-key") == 1 and "hush" not in log
    path.write_text("workers: 1\n")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o644
    assert "can read the secret" not in start("--config", str(path)).log()


# What `config` prints


def test_config_prints_a_file_that_check_accepts(write, run, tmp_path):
    write(GOOD)
    arguments = ["--config", "pushd.yaml", "--redis", "redis://ada:hush@[::1]:6379/2", "--ready-needs-redis"]
    variables = {"PUSHD_ALLOW_ORIGIN": "https://a.example,null", "PUSHD_API_KEY": "hush"}
    done = run("config", *arguments, **variables)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for line in [
        "# read from pushd.yaml  # command line",
        "listen:  # pushd.yaml:3:1",
        '  - "127.0.0.1:0"',
        "workers: 2  # pushd.yaml:5:1",
        'redis: "redis://ada:***@[::1]:6379/2"  # command line',
        "ready-needs-redis: true  # command line",
        "allow-origin:  # PUSHD_ALLOW_ORIGIN",
        "  - https://a.example",
        '  - "null"',
        '  - "***"',
        "channels:  # pushd.yaml:14:1",
        '  - match: "private.*"',
        "    subscribe: token",
        "allow-client-publish: false  # pushd.yaml:6:1",
        "# ping-interval: 25s",
        "# outbox-limit: 4MiB, or twice --max-publish",
        "# token-required: false",
    ]:
        assert line in lines, line
    assert "hush" not in done.stdout and "one" not in lines
    write(done.stdout, "printed.yaml")
    assert run("check", "printed.yaml").returncode == 0
    again = run("config", "--config", "printed.yaml").stdout.splitlines()
    assert [line.split("  # ")[0] for line in again if line[:1] != "#"] == [
        line.split("  # ")[0] for line in lines if line[:1] != "#"
    ]


def test_config_of_defaults_is_a_file_as_well(write, run):
    write(run("config").stdout, "printed.yaml")
    assert run("check", "printed.yaml").stdout == "printed.yaml: no errors, no warnings\n"


def test_config_refuses_what_serve_refuses(write, run):
    write("workers: many\n")
    done = run("config", "--config", "pushd.yaml")
    assert done.returncode == USAGE and "pushd.yaml:1:10: workers: 'many' is not" in done.stderr


def test_the_help_names_the_commands():
    help = run_pushd("--help").stdout
    help = " ".join(help.split())  # where lines break depends on the path of the binary
    assert "check FILE" in help and "--config" in help
