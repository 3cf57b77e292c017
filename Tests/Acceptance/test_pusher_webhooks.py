"""Webhooks of Pusher's applications: what they are told, once of all nodes, and that the library accepts it."""

import json
import signal

import pytest
from support import wait_until
from support.pusher_client import KEY, Client, library


@pytest.fixture
def hooked(start, backend):
    """Starts a server that tells the backend, with a short grace time."""
    app = f"77:{KEY}:secret1 webhook={backend.url}/events"
    return lambda *options, more="": start("--pusher-app", app + more, "--hook-grace", "200ms", *options)


def client(server):
    return Client(server).established()


def told(server, backend):
    """The events so far; each batch is checked by the library of application servers."""
    events = []
    for body, headers in list(backend.requests):
        webhook = library(server).validate_webhook(headers["X-Pusher-Key"], headers["X-Pusher-Signature"], body.decode())
        assert webhook and set(webhook) == {"time_ms", "events"}
        events += webhook["events"]
    return events


def wait_for(server, backend, *events):
    """Waits until the application was told this, in any order, and nothing else."""
    expected = sorted(json.dumps(event, sort_keys=True) for event in events)

    def texts():
        return sorted(json.dumps(event, sort_keys=True) for event in told(server, backend))

    wait_until(lambda: len(texts()) >= len(expected), f"{expected}, got {texts()}")
    assert texts() == expected


def event(name, channel, **members):
    return {"name": name, "channel": channel} | members


def test_an_application_is_told_what_happens(hooked, backend):
    server = hooked("--workers", "2")
    here, other = client(server), client(server)
    for each, user in ((here, "ann"), (other, "bob")):
        each.joined("presence-a", user)
    here.send("client-wave", {"n": 1}, channel="presence-a")
    here.joined("cache-a")
    server.connect("cache-a", "orders:1")
    events = [
        event("channel_occupied", "presence-a"), event("member_added", "presence-a", user_id="ann"),
        event("member_added", "presence-a", user_id="bob"), event("channel_occupied", "cache-a"),
        event("cache_miss", "cache-a"),
        event("client_event", "presence-a", event="client-wave", data='{"n": 1}',
              socket_id=here.id, user_id="ann"),
    ]
    wait_for(server, backend, *events)
    other.send("pusher:unsubscribe", {"channel": "presence-a"})
    events.append(event("member_removed", "presence-a", user_id="bob"))
    wait_for(server, backend, *events)
    here.socket.close()
    events += [event("member_removed", "presence-a", user_id="ann"), event("channel_vacated", "presence-a")]
    wait_for(server, backend, *events)
    wait_until(lambda: server.metrics().sum("pushd_events_sent_total") == len(events), "the count")


def test_a_member_is_there_until_its_last_connection_has_left(hooked, backend):
    server = hooked()
    here, again = client(server), client(server)
    for each in (here, again):
        each.joined("presence-a", "ann")
    here.socket.close()
    again.joined("private-b")
    events = [
        event("channel_occupied", "presence-a"), event("member_added", "presence-a", user_id="ann"),
        event("channel_occupied", "private-b"),
    ]
    wait_for(server, backend, *events)
    again.send("pusher:unsubscribe", {"channel": "private-b"})
    events.append(event("channel_vacated", "private-b"))
    wait_for(server, backend, *events)


def test_counts_of_subscriptions(hooked, backend):
    server = hooked(more=" subscription-count=on")
    here = client(server)
    here.joined("news")
    wait_for(server, backend, event("channel_occupied", "news"),
             event("subscription_count", "news", subscription_count=1))


def test_what_the_application_does_not_take_comes_again(hooked, backend):
    server = hooked()
    backend.conduct = 500
    here = client(server)
    here.joined("news")
    wait_until(lambda: len(backend.requests) >= 2, "a second attempt")
    events = [json.loads(body)["events"] for body, _ in backend.requests]
    assert events[0] == events[1] == [event("channel_occupied", "news")]


def test_several_nodes_tell_it_once(hooked, backend, redis_server):
    nodes = [hooked("--redis", redis_server.url).wait_for_status("ok") for _ in range(2)]
    here, other = client(nodes[0]), client(nodes[1])
    for each in (here, other):
        each.joined("presence-a", "ann")
    events = [event("channel_occupied", "presence-a"), event("member_added", "presence-a", user_id="ann")]
    wait_for(nodes[0], backend, *events)
    here.socket.close()
    other.joined("news")
    events.append(event("channel_occupied", "news"))
    wait_for(nodes[0], backend, *events)
    other.socket.close()
    events += [event("member_removed", "presence-a", user_id="ann"), event("channel_vacated", "presence-a"),
               event("channel_vacated", "news")]
    wait_for(nodes[0], backend, *events)


def test_events_for_a_backend_of_pushds_own_name_members_too(start, backend):
    server = start("--pusher-app", f"77:{KEY}:secret1", "--hook-events", f"{backend.url}/events",
                   "--hook-event", "joined", "--hook-event", "left", "--hook-grace", "200ms")
    here = client(server)
    here.joined("presence-a", "ann")
    here.socket.close()
    wait_until(lambda: len(backend.events) == 2, "both events")
    assert [(each["event"], each["channel"], each["user"]) for each in backend.events] == [
        ("joined", "presence-a", "ann"), ("left", "presence-a", "ann")]


def test_an_application_may_go_while_it_is_told_something(start, backend, tmp_path):
    file = tmp_path / "pushd.yaml"

    def write(*apps):
        file.write_text("hook-grace: 200ms\npusher-app:\n" + "".join(f"  - {json.dumps(app)}\n" for app in apps))
        file.chmod(0o600)

    other = "78:key2:secret2"
    write(f"77:{KEY}:secret1 webhook={backend.url}/events", other)
    server = start("--config", str(file))
    backend.conduct = 500
    client(server).joined("news")
    server.wait_for_status("degraded")
    backend.conduct = "hang"
    waiting = len(backend.requests)
    wait_until(lambda: len(backend.requests) > waiting, "the next attempt")
    write(other)
    server.signal(signal.SIGHUP)
    server.wait_for_status("ok")
    backend.leave()  # which ends the attempt
    Client(server, "key2").established().joined("news")
    assert server.fresh_metrics().sum("pushd_events_dropped_total") == 1, "the event that waited"
    assert server.metrics().sum("pushd_event_batch_failures_total") >= 1, "what was counted stays"
