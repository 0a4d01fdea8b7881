"""Reads lines of stdin while an event loop runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Iterator

STDIN = 0


async def next_line(*, hidden: bool) -> str | None:
    """Return the next line of stdin without its end, or None at the end of stdin.

    Args:
        hidden: a terminal does not show what is typed.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[bytes] = loop.create_future()

    def deliver(line: bytes) -> None:
        if not found.done():
            found.set_result(line)

    def work() -> None:
        line = _read_line()
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(deliver, line)

    # A read cannot be cancelled; a daemon thread does not keep the process from its end.
    threading.Thread(target=work, daemon=True).start()
    with _silent(hidden):
        line = await found
    return line.decode(errors="replace").rstrip("\r\n") if line else None


def _read_line() -> bytes:
    # One byte at a time: what follows belongs to the next prompt.
    line = b""
    with contextlib.suppress(OSError):
        while not line.endswith(b"\n") and (byte := os.read(STDIN, 1)):
            line += byte
    return line


@contextlib.contextmanager
def _silent(hidden: bool) -> Iterator[None]:
    if not hidden or not os.isatty(STDIN):
        yield
        return
    import termios

    before = termios.tcgetattr(STDIN)
    silent = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    termios.tcsetattr(STDIN, termios.TCSAFLUSH, silent)
    try:
        yield
    finally:
        termios.tcsetattr(STDIN, termios.TCSAFLUSH, before)
