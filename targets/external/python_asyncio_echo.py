"""An echo server as the Python manual shows it: asyncio streams, a coroutine a connection."""

import asyncio
import sys


async def echo(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
        await writer.wait_closed()
    except ConnectionError:
        pass  # A client that resets is its own business.
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", int(sys.argv[1]), backlog=128)
    async with server:
        await server.serve_forever()


asyncio.run(main())
