"""The reference design: aiohttp on uvloop, a dict of channels to sets of sockets, one task per connection for every broadcast.
Usage: seed.py PORT

ws://127.0.0.1:PORT/ws?channel=C subscribes; POST /publish?channel=C broadcasts the body; GET /health counts.
With REDIS_URL set, PUBLISH push:C reaches channel C as well."""
import asyncio, os, sys
from collections import defaultdict
import uvloop
from aiohttp import web

members, failed = defaultdict(set), 0


async def send(channel, ws, text):
    global failed
    try:
        await ws.send_str(text)
    except Exception:
        failed += 1
        members[channel].discard(ws)


async def broadcast(channel, text):
    sends = [asyncio.create_task(send(channel, ws, text)) for ws in tuple(members[channel])]
    await asyncio.gather(*sends)
    return len(sends)


async def subscribe(request):
    channel = request.query.get("channel", "default")
    ws = web.WebSocketResponse(compress=False, max_msg_size=1 << 20)
    await ws.prepare(request)
    members[channel].add(ws)
    try:
        async for _ in ws:
            pass
    finally:
        members[channel].discard(ws)
    return ws


async def publish(request):
    channel = request.query.get("channel", "default")
    return web.json_response({"channel": channel, "subscribers": await broadcast(channel, (await request.read()).decode())})


async def health(request):
    return web.json_response({"status": "ok", "connections": sum(map(len, members.values()))})


async def redis_listener(url):
    import redis.asyncio as redis
    pubsub = redis.from_url(url).pubsub()
    await pubsub.psubscribe("push:*")
    async for m in pubsub.listen():
        if m["type"] == "pmessage":
            await broadcast(m["channel"].decode()[5:], m["data"].decode())


async def main(port):
    app = web.Application(client_max_size=8 << 20)
    app.add_routes([web.get("/ws", subscribe), web.post("/publish", publish), web.get("/health", health)])
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=86400)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    tasks = [asyncio.create_task(redis_listener(os.environ["REDIS_URL"]))] if os.environ.get("REDIS_URL") else []
    await asyncio.gather(asyncio.Event().wait(), *tasks)


uvloop.run(main(int(sys.argv[1])))
