"""After many random joins and leaves, pushd is subscribed in Redis to exactly the channels with subscribers."""

import json
import os
import random

from support import wait_until
from support.raw import TEXT

IS_LONG = os.environ.get("PUSHD_LONG") == "1"
ROUNDS, ROUND = (20, 5000) if IS_LONG else (5, 1000)  # number of rounds, and changes before each check of Redis
CHANNELS = [f"c{number}" for number in range(200)]


class Joiner:
    """A client, its channels, and the replies it is waiting for."""

    def __init__(self, pushd, random):
        self.pushd, self.random = pushd, random
        self.connect()

    def connect(self):
        self.channels = set(self.random.sample(CHANNELS, 3))
        self.expected = []
        self.client = self.pushd.raw().upgrade("/ws?" + "&".join(f"channel={channel}" for channel in self.channels))

    def change(self):
        """Joins or leaves a channel, or rarely closes, which leaves all; the reply is read later."""
        chance = self.random.random()
        if chance < 0.01:
            self.read_replies()
            self.client.close()
            self.connect()
        elif chance < 0.03:
            channel = self.random.choice(CHANNELS)
            self.channels = {channel}
            self._send("subscribe", channel, replace=True)
        elif chance < 0.55 and self.channels:
            channel = self.random.choice(sorted(self.channels))
            self.channels.remove(channel)
            self._send("unsubscribe", channel)
        else:
            channel = self.random.choice(CHANNELS)
            self.channels.add(channel)
            self._send("subscribe", channel)

    def _send(self, action, channel, **more):
        self.client.send_frame(TEXT, json.dumps({"action": action, "channel": channel} | more).encode())
        self.expected.append({"status": f"{action}d", "channel": channel})

    def read_replies(self):
        for expected in self.expected:
            assert self.client.read_json() == expected
        self.expected = []


def assert_redis_agrees(redis, joiners):
    """Redis has exactly the clients' channels, each with one subscriber: the node."""
    joined = set().union(*(joiner.channels for joiner in joiners))

    def agrees():
        counts = redis.pubsub_numsub(*(f"push:{channel}" for channel in CHANNELS))
        in_redis = {name.decode().removeprefix("push:"): count for name, count in counts}
        names = {name.decode().removeprefix("push:") for name in redis.pubsub_channels("push:*")}
        return names == joined and in_redis == {channel: int(channel in joined) for channel in CHANNELS}

    wait_until(agrees, f"a Redis with exactly these {len(joined)} channels")


def test_redis_has_the_channels_with_subscribers(start, redis_server):
    node = start("--redis", redis_server.url, "--workers", "2", "--max-channels", "1000").wait_for_status("ok")
    seed = random.randrange(1 << 32)
    print("seed", seed)  # shown by pytest if it fails
    chance = random.Random(seed)
    joiners = [Joiner(node, chance) for _ in range(20)]
    with redis_server.client() as redis:
        for _ in range(ROUNDS):
            for _ in range(ROUND):
                chance.choice(joiners).change()
            for joiner in joiners:
                joiner.read_replies()
            assert_redis_agrees(redis, joiners)
        for joiner in joiners:
            joiner.client.close()
            joiner.channels = set()
        assert_redis_agrees(redis, joiners)


def test_redis_has_them_after_an_outage_in_the_middle(node, redis_server):
    chance = random.Random(1)
    joiners = [Joiner(node, chance) for _ in range(10)]
    for is_away in (False, True, False):
        if is_away:
            redis_server.kill()
            node.wait_for_status("degraded")
        for _ in range(ROUND):
            chance.choice(joiners).change()
        for joiner in joiners:
            joiner.read_replies()
        if is_away:
            redis_server.start()
            node.wait_for_status("ok")
        with redis_server.client() as redis:
            assert_redis_agrees(redis, joiners)
