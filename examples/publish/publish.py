#!/usr/bin/env python3
"""publish.py CHANNEL [MESSAGE]: publishes MESSAGE, or each line of standard input, to a channel of pushd.

If $REDIS_URL is set through Redis, else with HTTP to $PUSHD_URL, showing $PUSHD_PUBLISH_KEY if there is one.
"""

import os
import sys
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

if len(sys.argv) not in (2, 3):
    sys.exit("usage: publish.py CHANNEL [MESSAGE]")
channel, *messages = map(os.fsencode, sys.argv[1:])

if redis_url := os.environ.get("REDIS_URL"):
    try:
        import redis
    except ModuleNotFoundError:
        sys.exit("publish.py: REDIS_URL needs the package redis: apt install python3-redis, or pip install redis")

    client = redis.Redis.from_url(redis_url, socket_timeout=5)

    def publish(message):
        client.publish(b"push:" + channel, message)

else:
    url = f"{os.environ.get('PUSHD_URL', 'http://localhost:8081')}/publish?channel={quote(channel)}"
    key = os.environ.get("PUSHD_PUBLISH_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}

    def publish(message):
        urlopen(Request(url, message, headers), timeout=5).close()


for message in messages or (line.removesuffix(b"\n") for line in sys.stdin.buffer):
    try:
        publish(message)
    except Exception as error:
        reason = error.read().decode() if isinstance(error, HTTPError) else ""
        sys.exit(f"publish.py: not accepted: {error} {reason}".rstrip())
