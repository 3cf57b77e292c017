"""Applications of Pusher's clients: their own limits, and that they come, change and go with a reload."""

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import wait_until
from support.pushd import run_pushd
from support.pusher_client import KEY, Client, library

APP = f"77:{KEY}:secret1"


def serve(start, *options):
    return start("--pusher-app", " ".join([APP, *options]), "--pusher-app", "78:key2:secret2", "--workers", "2")


def client(server, key=KEY):
    return Client(server, key).established()


def refusal(server, key=KEY):
    """Why a client may not stay, and the code with which it is closed."""
    frames, code = Client(server, key).closed()
    assert [frame["event"] for frame in frames] == ["pusher:error"] and frames[0]["data"]["code"] == code
    return code


def test_a_full_application_has_its_clients_come_back_later(start):
    server = serve(start, "max-connections=2")
    here, _ = client(server), client(server)
    assert refusal(server) == 4100
    client(server, "key2")
    here.socket.close()
    wait_until(lambda: "established" in Client(server).read()["event"], "room for another")


def test_a_presence_channel_has_at_most_so_many_members(start):
    server = serve(start, "max-members=2")
    ann, bob, eve = client(server), client(server), client(server)
    ann.joined("presence-a", "1")
    bob.joined("presence-a", "2")
    eve.subscribe("presence-a", "3")
    frame = eve.read()
    assert frame["event"] == "pusher:subscription_error" and frame["data"]["type"] == "LimitReached"
    eve.send("client-a", 1, channel="presence-a")
    assert eve.read()["data"]["code"] == 4301, "it is not in the channel"
    eve.joined("presence-b", "3")
    assert client(server).joined("presence-a", "2")["presence"]["count"] == 2, "no further member"
    ann.socket.close()
    wait_until(lambda: len(library(server).users_info("presence-a")["users"]) == 1, "the end of a member")
    eve.joined("presence-a", "3")


def test_without_a_limit_of_its_own_an_application_has_a_hundred_members(start):
    server = serve(start)
    clients = [client(server) for _ in range(101)]
    for number, each in enumerate(clients[:100]):
        each.joined("presence-a", str(number))
    clients[100].subscribe("presence-a", "100")
    assert clients[100].read()["data"]["type"] == "LimitReached"


def test_client_events_have_a_rate(start):
    server = serve(start, "max-client-events=5")
    here, other = client(server), client(server)
    for each in (here, other):
        each.joined("private-a")
    for number in range(50):
        here.send("client-n", number, channel="private-a")
    here.send("pusher:ping", {})
    refused = 0
    while (frame := here.read())["event"] != "pusher:pong":
        assert frame["data"]["code"] == 4301
        refused += 1
    assert refused >= 30
    assert [other.read()["data"] for _ in range(5)] == [0, 1, 2, 3, 4]
    assert server.metrics().sum("pushd_messages_over_rate_total") == refused


def test_applications_come_change_and_go_with_a_reload(start, tmp_path):
    file = tmp_path / "pushd.yaml"

    def write(*apps):
        file.write_text("pusher-app:\n" + "".join(f"  - {json.dumps(app)}\n" for app in apps))
        file.chmod(0o600)

    write(APP)
    server = start("--config", str(file))

    def reload(*apps):
        write(*apps)
        before = server.log().count("configuration reloaded")
        server.signal(signal.SIGHUP)
        wait_until(lambda: server.log().count("configuration reloaded") > before, "the reload")

    here = client(server)
    assert refusal(server, "key2") == 4001
    reload(f"{APP} max-connections=1", "78:key2:secret2")
    assert refusal(server) == 4100, "those that are there count"
    there = client(server, "key2")
    there.joined("news")
    library(server, app="78", key="key2", secret="secret2").trigger("news", "e", "1")
    assert there.read()["data"] == "1" and here.is_idle()
    reload("78:key2:secret2")
    frames, code = here.closed()
    assert code == 4001 and frames[-1]["data"]["code"] == 4001
    assert there.is_idle()


def test_a_client_that_waits_while_its_application_goes_is_refused(start, backend, tmp_path):
    file = tmp_path / "pushd.yaml"

    def write(*apps):
        file.write_text(f"hook-connect: {backend.url}/connect\npusher-app: {json.dumps(apps)}\n")
        file.chmod(0o600)

    write(APP, "78:key2:secret2")
    backend.conduct, backend.delay = "slow", 1
    server = start("--config", str(file))
    with ThreadPoolExecutor() as pool:
        code = pool.submit(refusal, server)
        wait_until(lambda: backend.questions, "the question about the client")
        write("78:key2:secret2")
        server.signal(signal.SIGHUP)
        wait_until(lambda: "configuration reloaded" in server.log(), "the reload")
        assert code.result(10) == 4001


@pytest.mark.parametrize("option", ["max-connections=0", "max-members=x", "more=1", "webhook=ftp://x", "max-members"])
def test_what_is_no_option_is_refused(option):
    result = run_pushd("--pusher-app", f"{APP} {option}")
    assert result.returncode != 0 and "--pusher-app" in result.stderr and "secret1" not in result.stderr


# Subscription counts


def count_of(here, channel):
    """The number that the client is told next."""
    frame = here.read()
    assert (frame["event"], frame["channel"]) == ("pusher_internal:subscription_count", channel), frame
    return json.loads(frame["data"])["subscription_count"]


def test_clients_are_told_how_many_subscribe(start):
    server = serve(start, "subscription-count=on")
    here, other = client(server), client(server)
    here.joined("news")
    assert count_of(here, "news") == 1
    other.joined("news")
    assert count_of(here, "news") == count_of(other, "news") == 2
    plain = server.connect("news", "more", subprotocols=["pushd.v1"])
    assert count_of(here, "news") == 3
    other.socket.close()
    assert count_of(here, "news") == 2
    here.joined("presence-a", "1")
    server.publish("news", "1")
    assert here.read()["event"] == "message", "nothing of the presence channel"
    assert "subscription" not in plain.recv(timeout=5)


def test_without_the_option_they_are_not(start):
    here = client(serve(start))
    here.joined("news")
    other = client(serve(start, "subscription-count=off"))
    other.joined("news")
    time.sleep(0.6)  # two ticks
    assert here.is_idle() and other.is_idle()


def test_counts_are_those_of_all_nodes(start, redis_server):
    options = ("--pusher-app", f"{APP} subscription-count=on", "--redis", redis_server.url,
               "--presence-heartbeat", "1s")
    nodes = [start(*options).wait_for_status("ok") for _ in range(2)]
    here, other = client(nodes[0]), client(nodes[1])
    here.joined("news")
    assert count_of(here, "news") == 1
    other.joined("news")
    other.joined("private-b")
    wait_until(lambda: channel_count(nodes[0], "news") == channel_count(nodes[1], "news") == 2, "both nodes' count")
    assert count_of(here, "news") == 2
    for node in nodes:
        wait_until(lambda: set(library(node).channels_info()["channels"]) == {"news", "private-b"}, "all channels")
        assert library(node).channel_info("private-b") == {"occupied": True}
    nodes[1].kill()
    wait_until(lambda: channel_count(nodes[0], "news") == 1, "the end of the other node", 10)
    assert count_of(here, "news") == 1
    assert library(nodes[0]).channel_info("private-b") == {"occupied": False}


def channel_count(node, channel):
    return library(node).channel_info(channel, ["subscription_count"])["subscription_count"]
