"""Routes that look for a scripted answer before they ask a model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.inference.scripted import Reply
from tunesmith_emulator.inference.sse import event_stream
from tunesmith_emulator.routes.routing import JSON
from tunesmith_emulator.scripted_answer import HEADER
from tunesmith_emulator.services import Services

Answering = Callable[[Reply], Response]


def whole(render: Callable[[Reply], JSON]) -> Answering:
    """Return what answers with one body."""
    return lambda reply: JSONResponse(render(reply))


def stream(render: Callable[[Reply], Iterator[JSON]], *, greet: bool) -> Answering:
    """Return what answers with events; see :func:`event_stream`."""
    return lambda reply: event_stream(render(reply), greet=greet)


def scripted_first(
    handler: Callable[..., Response], route: str, answering: Answering
) -> Callable[..., Response]:
    """Return ``handler`` behind the scripted answers for ``route``.

    The handler takes ``services``, ``body`` and, if the address may name one, ``deployment``.
    """

    @wraps(handler)
    def answer(**given: Any) -> Response:
        services: Services = given["services"]
        reply = services.scripted.find(route, given["body"], given.get("deployment"))
        return handler(**given) if reply is None else _answered(reply, answering)

    return answer


def _answered(reply: Reply, answering: Answering) -> Response:
    try:
        made = answering(reply)
    except ServiceError as error:
        made = JSONResponse(error.body(), status_code=error.status)
    made.headers[HEADER] = reply.script.name
    return _Later(made, reply.answer.delay) if reply.answer.delay else made


class _Later(Response):
    """Sends a response after some seconds, which hold no thread."""

    def __init__(self, made: Response, delay: float) -> None:
        super().__init__()
        self._made = made
        self._delay = delay

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(self._delay)
        await self._made(scope, receive, send)
