"""The programs of loop-bench for Python's loops: peers.py asyncio|uvloop sleep|memory|latency|hello NUMBERS..."""

import asyncio
import resource
import sys
import time


async def sleeping(tasks, milliseconds, rounds):
    for _ in range(rounds):
        begin, cpu = time.monotonic(), time.process_time()
        await asyncio.gather(*[asyncio.create_task(asyncio.sleep(milliseconds / 1000)) for _ in range(tasks)])
        print(f'wall_ms {(time.monotonic() - begin) * 1000} cpu_ms {(time.process_time() - cpu) * 1000}')


async def memory(tasks):
    before = resident()
    crowd = [asyncio.create_task(asyncio.sleep(1000)) for _ in range(tasks)]
    await asyncio.sleep(0.001)
    print(f'tasks {tasks} bytes_each {(resident() - before) // tasks}')
    for task in crowd:
        task.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)


async def latency(samples):
    late = []
    for _ in range(samples):
        deadline = time.monotonic() + 0.001
        await asyncio.sleep(0.001)
        late.append(time.monotonic() - deadline)
    print('sleep', figures(late))
    resumed = []
    for _ in range(samples):
        begin = time.monotonic()
        await asyncio.create_task(nothing())
        resumed.append(time.monotonic() - begin)
    print('task', figures(resumed))


async def nothing():
    pass


async def hello(port):
    from aiohttp import web

    async def answer(request):
        return web.Response(text='Hello, world')

    app = web.Application()
    app.router.add_get('/', answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, '127.0.0.1', port, backlog=1024).start()
    await asyncio.Event().wait()


def resident():
    with open('/proc/self/statm') as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def figures(seconds):
    ordered = sorted(value * 1e6 for value in seconds)
    return f'p50_us {ordered[len(ordered) // 2]} p99_us {ordered[len(ordered) * 99 // 100]}'


def main():
    loop, program, *numbers = sys.argv[1:]
    run = asyncio.run
    if loop == 'uvloop':
        import uvloop
        run = uvloop.run
    programs = {'sleep': sleeping, 'memory': memory, 'latency': latency, 'hello': hello}
    run(programs[program](*map(int, numbers)))


main()
