"""examples/publish: the shell, Python and Node scripts that publish over HTTP and through a real Redis."""

import re
import signal
import subprocess
import sys

import pytest
from clients import PATIENCE_S
from clients import node as node_client
from support import free_port
from support.pushd import ROOT, environment

EXAMPLES = ROOT / "examples/publish"
COMMANDS = {
    "publish.sh": [EXAMPLES / "publish.sh"],
    "publish.py": [sys.executable, EXAMPLES / "publish.py"],
    "publish.mjs": [node_client.COMMAND, EXAMPLES / "publish.mjs"],
}
SETTINGS = {"NODE_PATH": node_client.ENVIRONMENT["NODE_PATH"], "REDIS_URL": ""}

MESSAGES = ["hello", "", "-h", "--", "@/etc/hostname", "$HOME `id` \\n %s * '\"", '{"city": "Tromsø"}', "two\nlines"]
UNREACHABLE = "refused|couldn't connect"
LINES = ["first", "", " \t-n @x \r", "line\u2028separator", "x" * 200_000, "last"]  # one exceeds an argument


class Script:
    """One of the scripts with its settings, checked from the outside, as a shell sees it."""

    def __init__(self, name, **settings):
        self.name = name
        self.settings = settings

    def start(self, *arguments):
        if not COMMANDS[self.name][0]:
            pytest.skip("no node here")
        return subprocess.Popen(
            [*COMMANDS[self.name], *arguments],
            env=environment(SETTINGS | self.settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def publish(self, *arguments, lines=""):
        """Publishes and expects success without output."""
        script = self.start(*arguments)
        assert (*script.communicate(lines, PATIENCE_S), script.returncode) == ("", "", 0)

    def fail(self, reason, *arguments, lines=""):
        """Publishes and expects a failure."""
        self.expect_failure(reason, self.start(*arguments), lines)

    def expect_failure(self, reason, script, lines=""):
        """Expects a failure with this reason, a regular expression because each client has its own error texts."""
        output, errors = script.communicate(lines, PATIENCE_S)
        assert (output, script.returncode) == ("", 1), errors
        assert re.fullmatch(f"{self.name}: not accepted: .*(?:{reason}).*\n", errors, re.IGNORECASE), errors


@pytest.fixture(scope="session")
def node_redis():
    """Skips the test if Node has no Redis package; script/setup-packages installs Debian's."""
    probe = [node_client.COMMAND or "node", "--eval", "require('redis')"]
    if subprocess.run(probe, env=node_client.ENVIRONMENT, capture_output=True, check=False).returncode:
        pytest.skip("no redis package for Node here")


@pytest.fixture(params=COMMANDS)
def name(request):
    return request.param


@pytest.fixture
def redis_name(name, request):
    """The name of a script that can publish through Redis on this machine."""
    if name == "publish.mjs":
        request.getfixturevalue("node_redis")
    return name


def over_http(name, pushd, **settings):
    return Script(name, PUSHD_URL=f"http://127.0.0.1:{pushd.port}", **settings)


@pytest.fixture(params=["http", "http-redis", "redis"])
def way(request, name):
    """A pushd and a script that publishes to it: without Redis, over HTTP to a node with Redis, and through Redis."""
    pushd = request.getfixturevalue("pushd" if request.param == "http" else "node")
    if request.param != "redis":
        return pushd, over_http(name, pushd)
    return pushd, Script(request.getfixturevalue("redis_name"), REDIS_URL=request.getfixturevalue("redis_server").url)


# Accepted


def test_a_message_arrives_as_it_is(way):
    pushd, script = way
    client = pushd.connect("news")
    for message in MESSAGES:
        script.publish("news", message)
    assert [client.recv(timeout=5) for _ in MESSAGES] == MESSAGES


@pytest.mark.parametrize("end", ["", "\n"], ids=["unfinished", "finished"])
def test_each_line_is_a_message(way, end):
    pushd, script = way
    client = pushd.connect("news")
    script.publish("news", lines="\n".join(LINES) + end)
    assert [client.recv(timeout=5) for _ in LINES] == LINES


def test_a_line_is_published_when_it_is_there(way):
    pushd, script = way
    client = pushd.connect("news")
    running = script.start("news")
    for line in ("first", "second"):
        running.stdin.write(f"{line}\n")
        running.stdin.flush()
        assert client.recv(timeout=PATIENCE_S) == line
    assert (*running.communicate(timeout=PATIENCE_S), running.returncode) == ("", "", 0)


def test_no_line_is_no_message(way):
    pushd, script = way
    client = pushd.connect("news")
    script.publish("news", lines="")
    script.publish("news", "something")
    assert client.recv(timeout=5) == "something"


def test_any_channel_name_works(way):
    pushd, script = way
    channel = "* ü &?#+%2F/=\"'"  # with a * at its end it would be a wildcard
    client = pushd.connect(channel)
    script.publish(channel, "hello")
    assert client.recv(timeout=5) == "hello"


def test_the_publish_key_is_shown(start, name):
    pushd = start("--publish-key", "right")
    over_http(name, pushd, PUSHD_PUBLISH_KEY="right").publish("news", "hello")
    over_http(name, pushd, PUSHD_PUBLISH_KEY="wrong").fail("401.*key", "news", "hello")


# Not accepted


def test_a_refusal_ends_it_with_what_pushd_says(start, name):
    pushd = start("--max-publish", "5")
    client = pushd.connect("news")
    over_http(name, pushd).fail("413.*too large", "news", lines="first\ntoo long\nthird\n")
    pushd.publish("news", "next")
    assert [client.recv(timeout=5) for _ in range(2)] == ["first", "next"]


def test_over_http_it_is_not_accepted_while_redis_is_away(start, name, stopped_redis):
    pushd = start("--redis", stopped_redis.url).wait_for_status("degraded")
    over_http(name, pushd).fail("503.*Redis", "news", "hello")


def test_nobody_listens(name):
    Script(name, PUSHD_URL=f"http://127.0.0.1:{free_port()}").fail(UNREACHABLE, "news", "hello")


def test_no_redis_listens(redis_name):
    Script(redis_name, REDIS_URL=f"redis://127.0.0.1:{free_port()}").fail(UNREACHABLE, "news", "hello")


@pytest.mark.parametrize("name", ["publish.py", "publish.mjs"])
def test_without_the_redis_package_a_line_says_which(name, tmp_path):
    """Python's package is shadowed by a broken one; Node's script is copied to a place without packages."""
    if name == "publish.mjs":
        copy = tmp_path / name
        copy.write_text((EXAMPLES / name).read_text())
        command, hidden = [node_client.COMMAND or pytest.skip("no node here"), copy], {"NODE_PATH": ""}
    else:
        (tmp_path / "redis.py").write_text("raise ModuleNotFoundError('hidden')\n")
        command, hidden = COMMANDS[name], {"PYTHONPATH": str(tmp_path)}
    variables = environment(SETTINGS | {"REDIS_URL": "redis://localhost"} | hidden)
    done = subprocess.run([*command, "c", "m"], env=variables, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{name}: REDIS_URL needs the package redis: ")
    assert done.stderr.count("\n") == 1


def test_redis_wants_a_password(redis_name, redis_server):
    with redis_server.client() as admin:
        admin.config_set("requirepass", "right")
    for access, reason in (("", "authenticat"), ("default:wrong@", "invalid username-password")):
        Script(redis_name, REDIS_URL=redis_server.url.replace("//", f"//{access}")).fail(reason, "news", "hello")
    Script(redis_name, REDIS_URL=redis_server.url.replace("//", "//default:right@")).publish("news", "hello")


def test_the_acl_of_redis_forbids_the_channel(redis_name, redis_server):
    with redis_server.client() as admin:
        admin.acl_setuser("app", enabled=True, passwords=["+pw"], channels=["push:news"], categories=["+@all"])
    script = Script(redis_name, REDIS_URL=redis_server.url.replace("//", "//app:pw@"))
    script.publish("news", "hello")
    script.fail("permission", "other", "hello")


def test_no_answer_is_not_waited_for_for_ever(node, redis_server, node_redis):
    """The message is not published twice either. All scripts run in parallel, because each waits some seconds."""
    scripts = [Script(name, REDIS_URL=redis_server.url) for name in COMMANDS]
    scripts += [over_http(name, node) for name in COMMANDS]
    client = node.connect("news")
    running = [script.start("news") for script in scripts]
    for number, process in enumerate(running):
        process.stdin.write(f"{number}\n")
        process.stdin.flush()
        assert client.recv(timeout=PATIENCE_S) == str(number)
    redis_server.freeze()
    node.signal(signal.SIGSTOP)
    try:
        for number, process in enumerate(running):
            process.stdin.write(f"again {number}\n")
            process.stdin.flush()
        for script, process in zip(scripts, running):
            script.expect_failure("timed out|timeout|no answer", process)
    finally:
        redis_server.thaw()
        node.signal(signal.SIGCONT)
    redis_server.publish("push:news", "last")
    received = list(iter(lambda: client.recv(timeout=5), "last"))
    assert len(received) == len(set(received)), received


def test_usage(name):
    script = Script(name).start()
    assert script.communicate(timeout=PATIENCE_S) == ("", f"usage: {name} CHANNEL [MESSAGE]\n")
    assert script.returncode == 1
