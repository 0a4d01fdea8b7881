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
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        route, started, status = route_of(method, path), time.monotonic(), [0]

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
            await send(message)

        try:
            await self._pass(scope, receive, watched, send, route)
        finally:
            if not path.startswith(_OWN):
                seconds = time.monotonic() - started
                self._control.saw(method, path, route, status[0], seconds)

    async def _pass(
        self, scope: Scope, receive: Receive, watched: Send, send: Send, route: str
    ) -> None:
        path = scope["path"]
        fault = None if path.startswith(_OWN) else self._control.faults.next(route)
        if fault is None:
            await self._app(scope, receive, watched)
            return
        await asyncio.sleep(fault.delay)
        if fault.drop:
            _drop(send)
        elif fault.status is not None:
            await _refuse(watched, fault)
        else:
            await self._app(scope, receive, watched)


def _drop(send: Send) -> None:
    # ASGI has no word for a broken connection; uvicorn's ``send`` belongs to the cycle that holds
    # the transport.
    cycle: Any = getattr(send, "__self__")  # noqa: B009  # Send is a callable for the type checker
    cycle.transport.abort()


async def _refuse(send: Send, fault: Fault) -> None:
    status = fault.status or 500
    code = _CODES.get(status, "internal_server_error" if status >= 500 else "invalid_request")
    error = ServiceError(status, code, f"Fault ordered for {fault.route}.")
    headers = [(b"content-type", b"application/json")]
    if fault.retry_after is not None:
        headers.append((b"retry-after", str(fault.retry_after).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(error.body()).encode()})
