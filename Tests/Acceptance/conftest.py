"""Fixtures: every test starts the daemons it needs on free ports, and stops them as an operator does."""

import pytest
from support.backend import Backend
from support.chromium import COMMAND, Chromium
from support.limits import allow_all_descriptors
from support.pushd import Pushd
from support.redis_server import RedisServer
from support.witness import Witness


@pytest.fixture(scope="session", autouse=True)
def many_descriptors():
    """Some tests hold thousands of connections."""
    allow_all_descriptors()


@pytest.fixture
def start(tmp_path):
    """Starts a pushd with these options (keywords are environment variables) and stops it after the test.

    `kind` is the class that runs it.
    """
    running = []

    def start(*options, kind=Pushd, **variables):
        directory = tmp_path / f"pushd{len(running)}"
        directory.mkdir()
        running.append(kind(directory, *options, **variables))
        return running[-1]

    yield start
    failures = []
    for pushd in running:
        try:
            pushd.stop()
        except AssertionError as failure:
            failures.append(str(failure))
    assert not failures, "\n".join(failures)


@pytest.fixture(params=["openssl", "compact"])
def tls_records(request):
    """The TLS record layer: a test with this fixture runs with both."""
    return request.param


@pytest.fixture
def pushd(start):
    """A pushd with default options."""
    return start()


@pytest.fixture
def browser(tmp_path):
    browser = Chromium(tmp_path) if COMMAND else pytest.skip("no Chromium here")
    yield browser
    browser.close()


@pytest.fixture
def backend():
    """The backend of an application, for hooks."""
    backend = Backend()
    yield backend
    backend.close()


@pytest.fixture
def stopped_redis(tmp_path):
    """A redis-server that is not running; the test starts it."""
    server = RedisServer(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def redis_server(stopped_redis):
    return stopped_redis.start()


@pytest.fixture
def node(start, redis_server):
    """A pushd that is connected to that Redis."""
    return start("--redis", redis_server.url).wait_for_status("ok")


@pytest.fixture
def witness(pushd):
    """A client that must not be affected by what the test does to pushd."""
    witness = Witness(pushd)
    yield witness
    witness.stop()
