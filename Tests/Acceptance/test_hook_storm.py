"""Many clients connect while the backend that is asked about them misbehaves; for long: soak/hook_storm.py."""

import time

import pytest
from support import wait_until
from support.connects import CONDUCTS, Connects, Speaker, behave, misbehave, told
from websockets.exceptions import InvalidStatus


@pytest.mark.alone
def test_a_storm_of_clients_without_answers(start, backend):
    hooks = ["--hook-connect", f"{backend.url}/connect", "--hook-events", f"{backend.url}/events"]
    pushd = start(*hooks, "--hook-event", "published", "--channel", "spoken: publish=anyone", "--hook-timeout", "500ms")
    client = pushd.connect("c")
    at_first = pushd.resident_bytes()
    with Speaker(pushd.address) as speaker:
        for conduct, allowed in CONDUCTS.items():
            misbehave(backend, conduct)
            connects = Connects(pushd.address, rate=200).start()
            for number in range(20):
                assert pushd.publish("c", f"{number}") >= 1
                assert client.recv(timeout=5) == f"{number}"
                time.sleep(0.1)
            statuses = connects.stop()
            assert sum(statuses.values()) > 100 and set(statuses) <= allowed, (conduct, statuses)
            behave(backend)
            wait_until(lambda: is_let_in(pushd), "a client that is let in", pause=0.1, seconds=20)
    wait_until(lambda: len(backend.events) >= speaker.count, f"{speaker.count} events", pause=0.1, seconds=40)
    assert told(backend) == list(range(speaker.count))
    assert pushd.resident_bytes() - at_first < 64 << 20
    metrics = pushd.fresh_metrics()
    assert metrics.sum("pushd_hook_questions") == 0
    assert metrics.sum("pushd_connections") == 1


def is_let_in(pushd):
    try:
        pushd.connect("other").close()
        return True
    except InvalidStatus:
        return False
