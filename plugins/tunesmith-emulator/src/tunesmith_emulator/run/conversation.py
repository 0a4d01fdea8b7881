"""The server side of HTTP/1.1 over a pair of streams."""

from __future__ import annotations

from asyncio import StreamReader, StreamWriter
from collections.abc import Iterable

import h11

READ_BYTES = 65536


class Conversation:
    """A sequence of requests. Each is answered before the next one is read."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._http = h11.Connection(h11.SERVER)

    async def next_request(self, body: bytearray | None = None) -> h11.Request | None:
        """Read the next request, and append its body to ``body``. Return None at the end.

        Raises:
            h11.RemoteProtocolError: the data are not HTTP, or end in the middle.
            ConnectionError: the client has disconnected.
        """
        request = None
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                await self._read()
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data) and body is not None:
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return request
            elif event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                return None

    async def answer(
        self, status: int, reason: str, kind: str, length: int, body: Iterable[bytes]
    ) -> None:
        """Send an answer. ``body`` has ``length`` bytes, or none for a HEAD request."""
        headers = [("Content-Type", kind), ("Content-Length", str(length))]
        self._send(h11.Response(status_code=status, reason=reason.encode(), headers=headers))
        for piece in body:
            self._send(h11.Data(data=piece))
            await self.writer.drain()
        await self.end()

    async def send(self, event: h11.Response | h11.Data) -> None:
        """Send the begin or a piece of an answer whose length is not known yet."""
        self._send(event)
        await self.writer.drain()

    async def end(self) -> None:
        """End an answer. The next request can be read if the connection stays open."""
        self._send(h11.EndOfMessage())
        await self.writer.drain()
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()

    async def say(self, status: int, reason: str, text: str, *, head: bool = False) -> None:
        """Send ``text`` as the answer."""
        data = text.encode()
        kind = "text/plain; charset=utf-8"
        await self.answer(status, reason, kind, len(data), () if head else (data,))

    async def accept_tunnel(self) -> bytes:
        """Answer a CONNECT request with 200. Return the bytes that the client has already sent."""
        self._send(h11.Response(status_code=200, reason=b"Connection established", headers=[]))
        await self.writer.drain()
        return self._http.trailing_data[0]

    async def _read(self) -> None:
        if self._http.they_are_waiting_for_100_continue:
            self._send(h11.InformationalResponse(status_code=100, headers=[]))
        self._http.receive_data(await self.reader.read(READ_BYTES))

    def _send(self, event: h11.Event) -> None:
        self.writer.write(self._http.send(event) or b"")
