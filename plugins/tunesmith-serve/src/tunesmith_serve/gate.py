"""What every request passes: keys, the bound of requests, time limit, metrics and the log."""

from __future__ import annotations

import hmac
import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tunesmith_serve.logs import REQUESTS
from tunesmith_serve.refusals import Refusal, Wire
from tunesmith_serve.service import Service

ADMIN = "/v1/prompts"
_KEYED = "/v1/"
_KNOWN = frozenset(
    {"/v1/systemone", "/v1/decisions", "/v1/chat/completions", "/v1/completions", "/v1/models",
     "/health", "/ready", "/metrics", "/openapi.json"}
)  # fmt: skip
RETRY_SECONDS = 1


class Gate:
    """The application behind its gate.

    Args:
        app: the application. It may add fields to the log in ``scope["state"]["fields"]``.
        service: its settings have keys and limits.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it before its body is read."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _Observed(scope, send)
        refusal = self._refusal(scope)
        try:
            if refusal is not None:
                await response_of(refusal, scope["path"])(scope, receive, request.send)
            elif scope["method"] == "POST" and scope["path"].startswith(_KEYED):
                with self._service.admitted():
                    await self._app(scope, receive, request.send)
            else:
                await self._app(scope, receive, request.send)
        finally:
            self._record(request)

    def _refusal(self, scope: Scope) -> Refusal | None:
        path: str = scope["path"]
        if not path.startswith(_KEYED):
            return None
        settings = self._service.settings
        header = Headers(scope=scope).get("authorization", "")
        if path == ADMIN or path.startswith(f"{ADMIN}/"):
            if settings.admin_key is None:
                text = "prompts are not changed here; start the server with an admin key"
                return Refusal(403, text, code="no_admin_key")
            wrong = _wrong_key(header, [settings.admin_key])
        else:
            wrong = _wrong_key(header, settings.api_keys) if settings.api_keys else None
        if wrong is not None or scope["method"] != "POST":
            return wrong
        return self._service.refusal()

    def _record(self, request: _Observed) -> None:
        metrics, route = self._service.metrics, request.route
        metrics.requests.labels(route, str(request.status)).inc()
        metrics.seconds.labels(route).observe(request.seconds)
        for kind in ("input", "output"):
            metrics.tokens.labels(kind).inc(request.fields.get(f"{kind}_tokens", 0))
        if route.startswith(_KEYED):
            REQUESTS.info("request", extra={"fields": request.line()})


class _Observed:
    """A request with what is told about it."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._begun = time.monotonic()
        self.status = 499
        """That of the answer; 499 until there is one, as of a client that left."""
        self.id = uuid4().hex
        self.fields: dict[str, Any] = scope.setdefault("state", {}).setdefault("fields", {})

    @property
    def route(self) -> str:
        """The route, without names and without unknown paths."""
        path = str(self._scope["path"])
        for prefix in (ADMIN, "/v1/models"):
            if path.startswith(f"{prefix}/"):
                return f"{prefix}/{{name}}"
        if path in _KNOWN or path == ADMIN:
            return path
        # The template of a route that was added to the application.
        return str(getattr(self._scope.get("route"), "path", "other"))

    @property
    def seconds(self) -> float:
        """The time since it began."""
        return time.monotonic() - self._begun

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)["x-request-id"] = self.id
        await self._send(message)

    def line(self) -> dict[str, Any]:
        """Return the fields of the log."""
        return {
            "id": self.id,
            "method": self._scope["method"],
            "route": self.route,
            "status": self.status,
            "seconds": round(self.seconds, 4),
            **self.fields,
        }


def wire_of(path: str) -> Wire:
    """Return the wire whose shape errors have at ``path``."""
    return "systemone" if path == "/v1/systemone" else "openai"


def response_of(refusal: Refusal, path: str) -> JSONResponse:
    """Return the response of a refusal in the shape of its wire."""
    status, body = refusal.shaped(wire_of(path))
    after = refusal.retry_after
    return JSONResponse(body, status, {} if after is None else {"Retry-After": str(after)})


def _wrong_key(header: str, keys: Sequence[str]) -> Refusal | None:
    scheme, _, given = header.partition(" ")
    if scheme.lower() != "bearer" or not given:
        return Refusal(401, "a key is needed: Authorization: Bearer KEY", code="invalid_api_key")
    # All are compared: the time must not tell which one it nearly was.
    matches = [hmac.compare_digest(given.strip().encode(), key.encode()) for key in keys]
    return None if any(matches) else Refusal(401, "the key is wrong", code="invalid_api_key")
