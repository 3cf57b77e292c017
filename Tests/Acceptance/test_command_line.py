"""The command: options, environment, errors, listeners."""

import json
import os
import re
import socket
import subprocess

import pytest
from support import own_address
from support.pushd import BINARY, ROOT, Pushd, environment, run_pushd


def assert_one_line(result, status, *words):
    assert result.returncode == status, result
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1, result.stderr
    for word in words:
        assert word in result.stderr, result.stderr


def test_an_unknown_option_is_a_usage_error():
    assert_one_line(run_pushd("--nonsense"), 64, "--nonsense")


def test_an_unknown_subcommand_is_a_usage_error():
    assert_one_line(run_pushd("swerve"), 64, "swerve")


@pytest.mark.parametrize(
    "option, value",
    [
        ("--listen", "nowhere:port"),
        ("--listen", "127.0.0.1:70000"),
        ("--listen", "unix:"),
        ("--redis", "http://127.0.0.1:6379"),
        ("--redis-map", "nonsense"),
        ("--workers", "0"),
        ("--workers", "many"),
        ("--io", "magic"),
        ("--pacing", "brisk"),
        ("--max-connections", "-1"),
        ("--max-message", "64k!"),
        ("--max-publish", "-5"),
        ("--max-channels", "none"),
        ("--outbox-limit", "lots"),
        ("--ping-interval", "soon"),
        ("--pong-timeout", "-2"),
        ("--handshake-timeout", "x"),
        ("--compression", "maybe"),
        ("--slow-consumer", "shrug"),
        ("--allow-origin", "not an origin"),
        ("--allow-host", "name:8081"),
        ("--admin", "nowhere:port"),
        ("--publish-key-file", "/missing/keys"),
        ("--api-key-file", "/missing/keys"),
        ("--path-prefix", "push"),
        ("--trusted-proxy", "10.0.0.1/8"),
        ("--trusted-proxy", "10.0.0.0/33"),
        ("--trusted-proxy", "proxy.example"),
        ("--path-prefix", "/"),
        ("--drain", "later"),
        ("--drain-delay", "-1"),
        ("--keep-alive", "0"),
        ("--log-level", "loud"),
        ("--log-format", "xml"),
    ],
)
def test_a_bad_value_is_a_usage_error_that_names_option_and_value(option, value):
    assert_one_line(run_pushd(option, value), 64, option, value)


@pytest.mark.parametrize("option", ["--listen", "--workers", "--redis"])
def test_a_missing_value_is_a_usage_error(option):
    assert_one_line(run_pushd(option), 64, option)


def test_a_bad_value_in_the_environment_is_a_usage_error():
    assert_one_line(run_pushd(PUSHD_WORKERS="many"), 64, "pushd: PUSHD_WORKERS: 'many' is not a whole number")


@pytest.mark.parametrize("arguments, help", [(["--nonsense"], "--help"), (["bench", "--rate", "0"], "bench --help")])
def test_a_usage_error_ends_with_where_help_is(arguments, help):
    result = run_pushd(*arguments)
    assert result.stderr.endswith(f" (see {BINARY} {help})\n")
    assert subprocess.run([BINARY, *help.split()], capture_output=True, check=False).returncode == 0


def test_sizes_and_times_take_units(start):
    pushd = start("--max-publish", "1KiB", "--drain", "50ms", PUSHD_HANDSHAKE_TIMEOUT="1m")
    assert pushd.request("POST", "/publish?channel=c", b"x" * 1024).status == 200
    assert pushd.request("POST", "/publish?channel=c", b"x" * 1025).status == 413


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"]])
def test_help_has_groups_examples_and_the_environment(arguments):
    help = run_pushd(*arguments).stdout
    for words in ["LISTENING:", "ACCESS:", "REDIS:", "TLS:", "LIMITS:", "SLOW CONSUMERS:", "TIMEOUTS:", "Examples:"]:
        assert f"\n{words}\n" in help, words
    help = " ".join(help.split())  # where lines break depends on the path of the binary
    for words in ["PUSHD_REDIS_PREFIX", "64KiB", "500ms", "bench", f"{BINARY} --listen 127.0.0.1:9000"]:
        assert words in help, words


def test_every_option_of_the_readme_is_in_help_and_the_other_way_round():
    help = run_pushd("--help").stdout
    in_help = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", help, re.MULTILINE)) - {"--help", "--version"}
    table = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("| `--")]
    in_readme = {option for line in table for option in re.findall(r"--[a-z][a-z-]+", line.split("|")[1])}
    assert in_help == in_readme


@pytest.mark.parametrize("argument", ["version", "--version", "-V"])
def test_the_version_names_what_it_is_made_of(argument):
    result = run_pushd(argument)
    assert (result.returncode, result.stderr) == (0, "")
    words = r"pushd \d+\.\d+\.\d+( \(commit \w+\))?\nSwift 6\..*, libuv 1\..*, OpenSSL 3\..*, hiredis .*\nio_uring: (yes|no \(.*)\n"
    assert re.fullmatch(words, result.stdout)


def start_lines(pushd):
    return [line for line in pushd.log().splitlines() if " notice pushd " in line]


def test_one_line_at_the_start_says_what_is_open_to_whom(start):
    pushd = start("--workers", "1", "--io", "poll", "--outbox-budget", "64MiB", "--inbound-budget", "32MiB")
    (line,) = start_lines(pushd)
    for words in [
        f"serves 127.0.0.1:{pushd.port};", "broker: embedded;", "workers: 1;", "io: poll;", " descriptors;",
        "outbox budget 64 MiB;", "inbound budget 32 MiB;", "subscribing: anyone, to every channel (--channel);",
        "publishing: this machine only (--publish-key);", "metrics: this machine only (--api-key);",
        "pages: own origin only (--allow-origin)",
    ]:
        assert words in line, line
    assert re.search(r"at most \d+ WebSockets with \d+ descriptors;", line)


def test_the_line_at_the_start_follows_the_options(start, redis_server):
    options = ["--redis", redis_server.url, "--allow-client-publish", "--admin", "0.0.0.0:0"]
    (line,) = start_lines(start(*options, "--allow-origin", "https://app.example", PUSHD_PUBLISH_KEY="secret"))
    for words in [
        "broker: redis://", "publishing: with a key, and clients to channels they have joined;",
        "metrics: anyone who reaches 0.0.0.0:0 (--api-key);", "pages: own origin, https://app.example",
    ]:
        assert words in line, line
    assert "secret" not in line


def test_a_port_below_1024_is_told_how_to_get(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root, to be somebody else")
    command = ["unshare", "--net", "setpriv", "--reuid=65534", "--bounding-set=-all", "--inh-caps=-all", BINARY]
    result = subprocess.run([*command, "--listen", "443"], capture_output=True, text=True, timeout=10, check=False)
    if "permission denied" not in result.stderr:
        pytest.skip(f"not forbidden here: {result.stderr}")
    assert_one_line(result, 1, "--listen", "permission denied", "CAP_NET_BIND_SERVICE", "1023")


def test_help_names_every_option():
    result = run_pushd("serve", "--help")
    assert result.returncode == 0
    for option in """listen redis redis-prefix redis-map workers max-connections max-message max-publish max-channels
        allow-client-publish compression outbox-limit outbox-budget inbound-budget history-budget slow-consumer ping-interval pong-timeout handshake-timeout
        allow-origin allow-host publish-key publish-key-file api-key api-key-file admin drain drain-delay keep-alive path-prefix trusted-proxy log-level log-format""".split():
        assert f"--{option}" in result.stdout, option


def test_the_address_of_another_pushd_is_in_use(pushd):
    address = f"127.0.0.1:{pushd.port}"
    assert_one_line(run_pushd("--listen", address), 1, "--listen", address, f"try --listen {pushd.port + 1}")
    assert pushd.health()["status"] == "ok"


def test_the_address_of_another_server_is_in_use():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert_one_line(run_pushd("--listen", address), 1, "--listen", address)


def test_an_admin_address_in_use_is_named_by_its_option(pushd):
    address = f"127.0.0.1:{pushd.port}"
    assert_one_line(run_pushd("--listen", "127.0.0.1:0", "--admin", address), 1, "--admin", address)


@pytest.mark.parametrize("descriptors", [8, 40, 100])
def test_too_few_descriptors_for_the_workers_end_the_start(descriptors):
    limit = f'ulimit -n {descriptors}; exec "$0" "$@"'
    command = ["sh", "-c", limit, BINARY, "--listen", "127.0.0.1:0", "--workers", "32"]
    result = subprocess.run(command, env=environment({}), capture_output=True, text=True, timeout=10, check=False)
    assert_one_line(result, 1, "too many open files")


def test_an_unreachable_unix_path_is_a_run_time_error(tmp_path):
    path = f"unix:{tmp_path}/missing/socket"
    assert_one_line(run_pushd("--listen", path), 1, "--listen", path)


def test_nothing_half_started_stays_behind(tmp_path):
    path = tmp_path / "socket"
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert_one_line(run_pushd("--listen", f"unix:{path}", "--listen", address), 1, address)
    assert not path.exists()


def test_serve_is_the_default_subcommand(start):
    assert start("--workers", "1").health()["status"] == "ok"
    assert start("serve", "--workers", "1").health()["status"] == "ok"


def test_options_are_environment_variables(start):
    pushd = start(PUSHD_WORKERS="1", PUSHD_LISTEN="127.0.0.1:0", PUSHD_MAX_PUBLISH="10")
    assert pushd.health()["workers"] == 1
    assert pushd.request("POST", "/publish?channel=c", b"x" * 11).status == 413


def test_a_flag_is_an_environment_variable(start):
    client = start(PUSHD_ALLOW_CLIENT_PUBLISH="true").connect("c")
    client.send('{"action":"publish","channel":"c","data":1}')
    assert {client.recv(timeout=5), client.recv(timeout=5)} == {'{"status":"published","channel":"c"}', "1"}


def test_the_command_line_wins_over_the_environment(start):
    assert start("--workers", "2", PUSHD_WORKERS="1").health()["workers"] == 2


def test_port_0_picks_a_port_and_logs_it(start):
    first, second = start(), start()
    assert first.port != second.port
    assert f"127.0.0.1:{first.port}" in first.log()


def test_a_plain_port_listens_on_every_address(start):
    pushd = start("--listen", "0")
    assert pushd.health()["status"] == "ok"
    if address := own_address():
        pushd.host = address
        assert pushd.health()["status"] == "ok"


def test_a_unix_socket_serves_everything(start, tmp_path):
    pushd = start("--listen", f"unix:{tmp_path}/socket")
    client = pushd.connect("c")
    assert pushd.publish("c", "hello") == 1
    assert client.recv(timeout=5) == "hello"


def test_a_unix_socket_is_removed_at_the_end(start, tmp_path):
    pushd = start("--listen", f"unix:{tmp_path}/socket")
    pushd.stop()
    assert not (tmp_path / "socket").exists()


def test_a_unix_socket_left_by_a_killed_pushd_is_replaced(start, tmp_path):
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as leftover:
        leftover.bind(os.fspath(path))
    assert start("--listen", f"unix:{path}").health()["status"] == "ok"


def test_a_unix_socket_in_use_is_left_alone(start, tmp_path):
    pushd = start("--listen", f"unix:{tmp_path}/socket")
    assert_one_line(run_pushd("--listen", f"unix:{tmp_path}/socket"), 1, "--listen", f"unix:{tmp_path}/socket")
    assert pushd.health()["status"] == "ok"


def test_a_file_that_is_no_socket_is_left_alone(tmp_path):
    path = tmp_path / "precious"
    path.write_text("data")
    assert_one_line(run_pushd("--listen", f"unix:{path}"), 1, "--listen", str(path))
    assert path.read_text() == "data"


def test_listen_may_repeat(start, tmp_path):
    pushd = start("--listen", "127.0.0.1:0", "--listen", f"unix:{tmp_path}/socket")
    client = pushd.connect("c")
    pushd.unix_path, pushd.port = None, pushd.logged_port()
    assert pushd.publish("c", "hello") == 1
    assert client.recv(timeout=5) == "hello"


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
def test_it_listens_on_ipv6(start):
    pushd = start("--listen", "[::1]:0")
    assert pushd.health()["status"] == "ok"


def test_the_json_log_is_one_object_a_line(start):
    pushd = start("--log-format", "json")
    pushd.stop()
    lines = pushd.log().splitlines()
    assert lines
    for line in lines:
        assert isinstance(json.loads(line), dict)


# Warnings at the start


def test_a_variable_that_no_option_reads(start):
    log = start(PUSHD_PUBLISH_KEYS="secret", PUSHD_MAX_PUBLISH="10").log()
    (line,) = [line for line in log.splitlines() if "PUSHD_" in line]
    assert " warning " in line and "PUSHD_PUBLISH_KEYS" in line and "did you mean PUSHD_PUBLISH_KEY?" in line
    assert "secret" not in log


@pytest.mark.parametrize(
    "descriptors, options, warns",
    [(300, [], True), (300, ["--max-connections", "10"], False), (600, [], False), (600, ["--max-connections", "1000"], True)],
)
def test_few_descriptors(tmp_path, descriptors, options, warns):
    class Limited(Pushd):
        command = ("sh", "-c", f'ulimit -n {descriptors}; exec "$0" "$@"', BINARY)

    pushd = Limited(tmp_path, "--workers", "2", *options)
    pushd.stop()
    lines = [line for line in pushd.log().splitlines() if "descriptor limit" in line]
    assert len(lines) == warns
    if warns:
        assert " warning " in lines[0] and f"descriptors={descriptors} websockets={descriptors - 144}" in lines[0]
