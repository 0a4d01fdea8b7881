"""What every request passes: it is counted, hit by a fault where one is ordered, and logged."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tunesmith_emulator.control.faults import Fault
from tunesmith_emulator.control.service import Control
from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.table import route_of

_OWN = "/_emulator/"
_CODES = {
    401: "authentication_token_expired",
    403: "forbidden",
    404: "not_found",
    429: "too_many_requests",
}


class Gate:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, control: Control) -> None:
        self._app = app
        self._control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or not."""
        if scope["type"] != "http" or scope["path"].startswith(_OWN):
            await self._app(scope, receive, send)
            return
        visit = _Visit(scope, send, self._control)
        try:
            await self._pass(scope, receive, visit)
        finally:
            visit.over()

    async def _pass(self, scope: Scope, receive: Receive, visit: _Visit) -> None:
        fault = self._control.faults.next(visit.route)
        if fault is not None:
            await asyncio.sleep(fault.delay)
            if fault.drop:
                visit.drop()
                return
            if fault.status is not None:
                await _refuse(visit.send, fault)
                return
        await self._app(scope, receive, visit.send)


class _Visit:
    """One request and what came of it."""

    def __init__(self, scope: Scope, send: Send, control: Control) -> None:
        self._method, self._path = scope["method"], scope["path"]
        self.route = route_of(self._method, self._path)
        self._send = send
        self._control = control
        self._started = time.monotonic()
        self._status = 0
        self._is_over = False

    async def send(self, message: Message) -> None:
        """Send on; the end of the answer is the end of the visit."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
        elif message["type"] == "http.response.body" and not message.get("more_body"):
            self.over()  # before it is sent: who has the answer finds the request among those seen
        await self._send(message)

    def drop(self) -> None:
        """Close the connection without an answer."""
        self.over()
        # ASGI has no word for a broken connection; uvicorn's ``send`` belongs to the cycle that
        # holds the transport.
        cycle: Any = getattr(self._send, "__self__")  # noqa: B009  # Send is a callable for mypy
        cycle.transport.abort()

    def over(self) -> None:
        """Remember the request, once."""
        if not self._is_over:
            self._is_over = True
            seconds = time.monotonic() - self._started
            self._control.saw(self._method, self._path, self.route, self._status, seconds)


async def _refuse(send: Send, fault: Fault) -> None:
    status = fault.status or 500
    code = _CODES.get(status, "internal_server_error" if status >= 500 else "invalid_request")
    error = ServiceError(status, code, f"Fault ordered for {fault.route}.")
    headers = [(b"content-type", b"application/json")]
    if fault.retry_after is not None:
        headers.append((b"retry-after", str(fault.retry_after).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(error.body()).encode()})
