"""Carries bytes both ways between two connections, unread."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter

from tunesmith_emulator.run.conversation import READ_BYTES


async def tunnel(
    client: tuple[StreamReader, StreamWriter], server: tuple[StreamReader, StreamWriter]
) -> None:
    """Carry bytes until both sides have ended, or one has gone."""
    async with asyncio.TaskGroup() as both:
        both.create_task(_carry(client[0], server[1]))
        both.create_task(_carry(server[0], client[1]))


async def _carry(source: StreamReader, sink: StreamWriter) -> None:
    try:
        while data := await source.read(READ_BYTES):
            sink.write(data)
            await sink.drain()
        sink.write_eof()
    except OSError:
        # One side is gone: the other must learn it, and the task that reads from it ends.
        with contextlib.suppress(OSError):
            sink.transport.abort()
