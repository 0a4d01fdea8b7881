"""Answers requests from a recording, and hands all others to the emulator."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.recording.exchange import Body, Exchange, Request, body_of
from tunesmith_emulator.recording.matching import Replay, signs_in

HEADER = "X-Tunesmith-Replay"
"""The header of a recorded answer: the file, and its line. The request log has it too."""
_CONTROL_PLANE = "/_emulator/"
_SPECS = "/ml/v1/foundation_model_specs"
_MARK = {"emulated": True, "backend": "recording", "base_label_scores": True, "chat": True}
"""What the specs of an emulator have, so that no run takes a recording for the service."""


class ReplayMiddleware:
    """The layer before the application.

    Args:
        app: answers what was not recorded.
        replay: the recording.
        check: refuses a request by its header ``Authorization``.
        longest: bytes of a body that is looked for.
    """

    def __init__(
        self, app: ASGIApp, replay: Replay, check: Callable[[str | None], None], longest: int
    ) -> None:
        self._app = app
        self._replay = replay
        self._check = check
        self._longest = longest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the recorded answer, or let the application answer."""
        path = scope.get("path", "")
        own = path == "/" or path.startswith(_CONTROL_PLANE) or signs_in(path)
        if scope["type"] != "http" or own:
            await self._app(scope, receive, send)
            return
        messages, raw = await _read(receive, self._longest)
        found = None if raw is None else self._replay.next(_request(scope, raw))
        if found is None:
            await self._app(scope, _again(messages, receive), send)
            return
        line, exchange = found
        try:
            if exchange.request.authorized:
                self._check(Headers(scope=scope).get("authorization"))
        except ServiceError as error:
            await JSONResponse(error.body(), error.status)(scope, receive, send)
            return
        await self._send(scope, exchange, f"{self._replay.name}:{line}", send)

    async def _send(self, scope: Scope, exchange: Exchange, where: str, send: Send) -> None:
        headers = {**exchange.response.headers, HEADER: where}
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        status = exchange.response.status
        await send({"type": "http.response.start", "status": status, "headers": raw})
        for piece in _pieces(exchange):
            data = self._here(piece, scope)
            await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def _here(self, data: bytes, scope: Scope) -> bytes:
        """Return ``data`` with the addresses of the service replaced by the emulator's."""
        place = f"{scope['scheme']}://{Headers(scope=scope).get('host', '')}".encode()
        for host in self._replay.hosts:
            data = data.replace(f"https://{host}".encode(), place)
        return data


def _pieces(exchange: Exchange) -> list[bytes]:
    body = exchange.response.body
    if body is None:
        return []
    if exchange.request.path == _SPECS and body.kind == "json":
        body = Body(kind="json", value=_marked(body.value))
    return body.pieces


def _marked(specs: Any) -> Any:
    resources = specs.get("resources") if isinstance(specs, dict) else None
    if not isinstance(resources, list):
        return specs
    marked = [{**one, "tunesmith": _MARK} if isinstance(one, dict) else one for one in resources]
    return {**specs, "resources": marked}


def _request(scope: Scope, raw: bytes) -> Request:
    media = Headers(scope=scope).get("content-type", "")
    # As a recorded one, through JSON: only so the two are equal.
    body = body_of(raw, media)
    return Request(
        method=scope["method"],
        host="",
        path=scope["path"] or "/",
        query=tuple(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        media=media,
        body=None if body is None else Body.model_validate(json.loads(body.model_dump_json())),
    )


async def _read(receive: Receive, longest: int) -> tuple[list[Message], bytes | None]:
    """Return the messages of a request that were read, and its body, or None if it is too long."""
    messages: list[Message] = []
    raw = bytearray()
    while True:
        message = await receive()
        messages.append(message)
        raw += message.get("body", b"")
        if message["type"] != "http.request" or len(raw) > longest:
            return messages, None
        if not message.get("more_body"):
            return messages, bytes(raw)


def _again(messages: list[Message], receive: Receive) -> Callable[[], Awaitable[Message]]:
    waiting = iter(messages)

    async def next_message() -> Message:
        first = next(waiting, None)
        return await receive() if first is None else first

    return next_message
