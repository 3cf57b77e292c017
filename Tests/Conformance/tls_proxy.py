"""tls_proxy.py PORT CA.PEM: connects plain TCP clients to a TLS server on this machine.

Prints the port that it listens on.
"""

import asyncio
import ssl
import sys


async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def main(port, ca_file):
    context = ssl.create_default_context(cafile=ca_file)

    async def serve(reader, writer):
        server = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
        await asyncio.gather(copy(reader, server[1]), copy(server[0], writer))

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await listener.serve_forever()


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
