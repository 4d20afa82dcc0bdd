"""Python, asyncio streams, a coroutine a connection: echo, or `TEXT\\n` answered by `ok TEXT\\n`.

    python3 python_streams.py PORT echo|line

What is easy to get wrong with streams: write() without drain(), which keeps the replies of a client that never reads in
memory; the limit of readuntil(), which is an exception of its own; tasks that still run when the loop is to end.
"""

import asyncio
import signal
import sys

MAX_TEXT = 4096


async def echo(reader, writer):
    while octets := await reader.read(65536):
        writer.write(octets)
        await writer.drain()


async def lines(reader, writer):
    try:
        while True:
            text = (await reader.readuntil(b"\n"))[:-1].removesuffix(b"\r")
            if len(text) > MAX_TEXT:
                return await refuse(reader, writer)
            writer.write(b"ok " + text + b"\n")
            await writer.drain()
    except asyncio.LimitOverrunError:
        await refuse(reader, writer)
    except asyncio.IncompleteReadError:
        pass  # The end, perhaps in mid-line: what has no end is no request.


async def refuse(reader, writer):
    """The input is read to its end: unread, it would turn close() into a reset, which can destroy the reply."""
    writer.write(b"error line too long\n")
    writer.write_eof()
    try:
        await asyncio.wait_for(discard(reader), 3)
    except asyncio.TimeoutError:
        pass


async def discard(reader):
    while await reader.read(65536):
        pass


def serving(converse):
    async def serve(reader, writer):
        try:
            await converse(reader, writer)
        except OSError:
            pass  # This client is gone, which is its own business.
        finally:
            writer.close()
    return serve


async def main():
    port, converse = int(sys.argv[1]), {"echo": echo, "line": lines}[sys.argv[2]]
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = await asyncio.start_server(serving(converse), "0.0.0.0", port, limit=MAX_TEXT + 1, backlog=128)
    await stop.wait()
    server.close()  # run() cancels the conversations that are still held.


asyncio.run(main())
