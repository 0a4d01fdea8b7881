"""HTTP over one connection: uvicorn's protocol, stricter with requests and with time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

IDLE_SECONDS = 65
"""The longest time between two requests. Clients let an idle connection go after less, mostly 5 to
60 seconds. If the server were first, a request could be on its way to a closed connection."""
HEAD_SECONDS = 20.0
"""The longest time until the head of a request is complete."""
BODY_SECONDS = 30.0
"""The time in which at least :data:`BODY_BYTES` of an unfinished body must arrive."""
BODY_BYTES = 10_000


class _Connection(h11.Connection):
    """Refuses a request with two lengths: a proxy may read one of them, and this server the other.

    What follows the shorter one would be a second request that the proxy has not seen.
    """

    def next_event(self) -> Any:
        event = super().next_event()
        if isinstance(event, h11.Request):
            names = {name for name, _ in event.headers}
            if {b"content-length", b"transfer-encoding"} <= names:
                raise h11.RemoteProtocolError("both Content-Length and Transfer-Encoding")
        return event


class Protocol(H11Protocol):
    """Closes slow connections, and refuses malformed requests with the service's envelope.

    Args:
        envelope: makes the body of a refusal with status 400 from its message.
    """

    def __init__(self, envelope: Callable[[str], Any], *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._envelope = envelope
        self.conn = _Connection(h11.SERVER)
        self._received = 0
        self._awaited: tuple[object, object] | None = None
        """The part of a request that is not complete, or None."""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        """Wait for the first request."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        super().connection_lost(exc)
        self._await(None)

    def data_received(self, data: bytes) -> None:
        """Take in a part of a request."""
        if self.transport.is_closing():
            return  # a refused client sends on; its bytes are no request
        self._received += len(data)
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that is no HTTP, and close."""
        if self.cycle is not None:
            self.cycle.disconnected = True  # its answer can no longer be sent
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps(self._envelope(msg)).encode()
            headers = [
                ("content-type", "application/json"),
                ("content-length", str(len(body))),
                ("connection", "close"),
            ]
            for event in (
                h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _watch(self) -> None:
        state = self.conn.their_state
        # A connection that became a WebSocket has another protocol.
        mine = self.transport.get_protocol() is self and not self.transport.is_closing()
        # Between two requests uvicorn's own clock runs, until a byte arrives: IDLE_SECONDS.
        resting = self.timeout_keep_alive_task is not None
        unfinished = state is h11.SEND_BODY or (state is h11.IDLE and not resting)
        self._await((state, self.cycle) if mine and unfinished else None)

    def _await(self, part: tuple[object, object] | None) -> None:
        if part == self._awaited:
            return
        self._awaited = part
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if part is not None:
            self._start_clock()

    def _start_clock(self) -> None:
        self._received = 0
        seconds = HEAD_SECONDS if self.conn.their_state is h11.IDLE else BODY_SECONDS
        self._timer = self.loop.call_later(seconds, self._on_time)

    def _on_time(self) -> None:
        # A client does not send while this server reads nothing, or has not asked it to go on.
        waits = self.flow.read_paused or self.conn.they_are_waiting_for_100_continue
        if self.conn.their_state is h11.SEND_BODY and (waits or self._received >= BODY_BYTES):
            self._start_clock()
        else:
            self.transport.abort()
