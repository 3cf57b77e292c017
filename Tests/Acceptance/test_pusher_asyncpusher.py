"""The client library asyncpusher; its reader dies of an event whose data is not JSON text."""

import asyncio
from contextlib import asynccontextmanager

import asyncpusher
from support import wait_until
from support.pusher_client import APP, KEY, Client, library

SUCCEEDED = "pusher_internal:subscription_succeeded"
ADDED = "pusher_internal:member_added"


class AsyncPusher:
    """A connection whose events the test reads one by one, as channel, name and data."""

    def __init__(self, pushd):
        self.pushd = pushd
        self.events = asyncio.Queue()
        self.client = asyncpusher.Pusher(
            KEY, secure=False, custom_host=pushd.host, custom_port=pushd.port, channel_authenticator=self.authenticate)

    async def authenticate(self, request):
        member = {"user_id": "5"} if request["channel_name"].startswith("presence-") else None
        return library(self.pushd).authenticate(request["channel_name"], request["socket_id"], member)

    async def join(self, name, *events):
        channel = await self.client.subscribe(name)
        for event in (SUCCEEDED, *events):
            channel.bind(event, self.noting(name, event))
        assert (await self.next())[:2] == (name, SUCCEEDED)
        return channel

    def noting(self, *event):
        async def note(data):
            await self.events.put((*event, data))
        return note

    async def next(self):
        return await asyncio.wait_for(self.events.get(), 5)


@asynccontextmanager
async def connected(pushd):
    theirs = AsyncPusher(pushd)
    await theirs.client.connect()
    yield theirs
    await theirs.client.disconnect()


async def converse(server, application):
    async with connected(server) as theirs:
        await theirs.join("news", "message", "e")
        await theirs.join("private-a", "e")
        room = await theirs.join("presence-a", "client-y", ADDED)
        await asyncio.to_thread(server.publish, "news", "plain text")
        assert await theirs.next() == ("news", "message", "plain text")
        await asyncio.to_thread(application.trigger, ["news", "private-a"], "e", {"n": 1})
        assert await theirs.next() == ("news", "e", {"n": 1})
        assert await theirs.next() == ("private-a", "e", {"n": 1})
        ours = await asyncio.to_thread(lambda: Client(server).established())
        await asyncio.to_thread(ours.joined, "presence-a", "6")
        assert await theirs.next() == ("presence-a", ADDED, {"user_id": "6", "user_info": None})
        await room.trigger({"event": "client-x", "data": {"n": 2}})
        assert await asyncio.to_thread(ours.read) == {
            "event": "client-x", "channel": "presence-a", "data": {"n": 2}, "user_id": "5"}
        ours.send("client-y", '{"n": 3}', channel="presence-a")
        assert await theirs.next() == ("presence-a", "client-y", {"n": 3})
        await theirs.client.unsubscribe("presence-a")
        assert (await asyncio.to_thread(ours.read))["event"] == "pusher_internal:member_removed"
        assert await asyncio.to_thread(ours.is_idle)


def test_asyncpusher(start):
    server = start(*APP)
    asyncio.run(converse(server, library(server)))
    wait_until(lambda: server.metrics().sum("pushd_connections") == 1, "the end of its connection")
