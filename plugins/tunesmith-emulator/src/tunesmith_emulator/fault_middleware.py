"""Logs every request, and answers with a fault if one is ordered for its route."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tunesmith_emulator.control.faults import Fault
from tunesmith_emulator.control.service import Control, Seen, now
from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.replay import HEADER as REPLAY
from tunesmith_emulator.scripted_answer import HEADER as SCRIPT

_CONTROL_PLANE = "/_emulator/"
_VISIT = "tunesmith.visit"
_CODES = {
    401: "authentication_token_expired",
    403: "forbidden",
    404: "not_found",
    429: "too_many_requests",
}


class FaultMiddleware:
    """The outermost layer of the application. It logs each request, except the control plane's."""

    def __init__(self, app: ASGIApp, control: Control) -> None:
        self._app = app
        self._control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and log it."""
        if scope["type"] != "http" or scope["path"].startswith(_CONTROL_PLANE):
            await self._app(scope, receive, send)
            return
        visit = scope[_VISIT] = _Visit(scope, send, self._control)
        try:
            await self._app(scope, receive, visit.send)
        finally:
            visit.end()


class FaultRoute(APIRoute):
    """A route that first carries out the fault that is ordered for it."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the fault, or handle the request."""
        visit: _Visit | None = scope.get(_VISIT)
        method = scope["method"]
        known = method in (self.methods or ())
        if (
            visit is None
            or not known
            or not await visit.fault(f"{method} {self.path_format}", receive)
        ):
            await super().handle(scope, receive, send)


class _Visit:
    """One request and its outcome."""

    def __init__(self, scope: Scope, send: Send, control: Control) -> None:
        self._method, self._path = scope["method"], scope["path"]
        self._send = send
        self._control = control
        self._started = time.monotonic()
        self._route = ""
        self._status = 0
        self._script = self._replayed = ""
        self._ended = False

    async def fault(self, route: str, receive: Receive) -> bool:
        """Carry out the next fault of ``route``; return whether it replaces the answer."""
        self._route = route
        fault = self._control.faults.next(route)
        if fault is None:
            return False
        await asyncio.sleep(fault.delay)
        if fault.drop:
            await self._drop(receive)
        elif fault.status is not None:
            await _refuse(self.send, fault)
        return fault.drop or fault.status is not None

    async def send(self, message: Message) -> None:
        """Send a part of the answer; its last part ends the visit."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = Headers(scope=message)
            self._script = headers.get(SCRIPT, "")
            self._replayed = headers.get(REPLAY, "")
        elif message["type"] == "http.response.body" and not message.get("more_body"):
            self.end()  # first, so that a client with its answer finds the request in the log
        await self._send(message)

    def end(self) -> None:
        """Log the request, once."""
        if not self._ended:
            self._ended = True
            ms = round((time.monotonic() - self._started) * 1000, 1)
            asked = (now(), self._method, self._path, self._route)
            self._control.log(Seen(*asked, self._status, ms, self._script, self._replayed))

    async def _drop(self, receive: Receive) -> None:
        self.end()
        # ASGI has no message for a broken connection. uvicorn's ``send`` is a method of the
        # object that holds the transport.
        cycle: Any = getattr(self._send, "__self__")  # noqa: B009  # Send is a callable for mypy
        cycle.transport.abort()
        # Until uvicorn has heard of it, a request without an answer is an error in its log.
        while (await receive())["type"] != "http.disconnect":
            pass


async def _refuse(send: Send, fault: Fault) -> None:
    status = fault.status or 500
    headers = {"content-type": "application/json"}
    if isinstance(fault.body, str):
        headers["content-type"], text = "text/plain; charset=utf-8", fault.body
    elif fault.body is not None:
        text = json.dumps(fault.body)
    else:
        code = _CODES.get(status, "internal_server_error" if status >= 500 else "invalid_request")
        text = json.dumps(ServiceError(status, code, f"Fault ordered for {fault.route}.").body())
    if fault.retry_after is not None:
        headers["retry-after"] = str(fault.retry_after)
    headers |= {name.lower(): value for name, value in fault.headers.items()}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": text.encode()})
