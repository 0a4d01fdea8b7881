"""Copies bytes between two connections in both directions."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter

from tunesmith_emulator.run.conversation import READ_BYTES


async def tunnel(
    client: tuple[StreamReader, StreamWriter], server: tuple[StreamReader, StreamWriter]
) -> None:
    """Copy bytes until both sides have ended, or one has disconnected."""
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
        # One side has disconnected: abort the other one, which ends the task that reads it.
        with contextlib.suppress(OSError):
            sink.transport.abort()
