"""The routes of prompt tunings, fine tunings and tuned models."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated

from fastapi import Depends, Query, Request, Response, WebSocket, WebSocketDisconnect
from starlette.concurrency import run_in_threadpool

from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.routes import shapes
from tunesmith_emulator.routes.bodies import JsonBody
from tunesmith_emulator.routes.paging import page
from tunesmith_emulator.routes.routing import JSON, Route, ScopeOf, ServicesOf, scope_of_body
from tunesmith_emulator.trainings.entity import FINE, PROMPT
from tunesmith_emulator.trainings.status_feed import StatusFeed

_LOOK_SECONDS = 0.2
Tags = Annotated[list[str] | None, Query(alias="tag.value")]


async def _kind(request: Request) -> str:
    return FINE if "/fine_tunings" in request.url.path else PROMPT


KindOf = Annotated[str, Depends(_kind)]
"""The handler parameter for the kind of tuning in the address."""


def create(kind: KindOf, services: ServicesOf, body: JsonBody) -> JSON:
    """Accept a tuning."""
    return services.trainings.create(kind, scope_of_body(services, body), body)


def get(training_id: str, kind: KindOf, services: ServicesOf, scope: ScopeOf) -> JSON:
    """Return a tuning."""
    return services.trainings.get(kind, scope, training_id)


def listed(
    request: Request,
    kind: KindOf,
    services: ServicesOf,
    scope: ScopeOf,
    state: str | None = None,
    tags: Tags = None,
) -> JSON:
    """List tunings of one kind."""
    return page(partial(services.trainings.listed, kind, scope, state, tags or []), request)


def remove(
    training_id: str, kind: KindOf, services: ServicesOf, scope: ScopeOf, hard_delete: bool = False
) -> None:
    """Cancel or delete a tuning."""
    services.trainings.remove(kind, scope, training_id, hard=hard_delete)


def result_file(path: str, services: ServicesOf, scope: ScopeOf) -> Response:
    """Return a file of a training's results."""
    return Response(services.trainings.result_file(scope, path), media_type=_BINARY)


async def monitor(socket: WebSocket, training_id: str, services: ServicesOf) -> None:
    """Send each new state, message and metric until the training ends."""
    await socket.accept()
    # A client sends nothing on this socket. Any message means that it disconnects.
    leaving = asyncio.ensure_future(socket.receive())
    try:
        services.iam.check(socket.headers.get("authorization"))
        scope = ProjectScope.require(socket.query_params)
        await run_in_threadpool(services.platform.check, scope)
        feed = StatusFeed()
        while not (leaving.done() or feed.ended):
            training = await run_in_threadpool(services.trainings.get, PROMPT, scope, training_id)
            for status in feed.of(
                training["entity"]["status"], services.trainings.progress(training_id)
            ):
                await socket.send_json({"entity": {"status": status}})
            await asyncio.wait({leaving}, timeout=0 if feed.ended else _LOOK_SECONDS)
    except ServiceError as error:
        await socket.send_json(error.body())
    except WebSocketDisconnect:
        return
    finally:
        leaving.cancel()
    if not leaving.done():
        await socket.close()


_LORA = "LoRA. Refused if the backend does not declare the method 'lora'."
_BINARY = "application/octet-stream"
_RESULTS = (
    "Cloud Pak for Data only: the log of a training that has ended (its name is inferred), and the "
    "request that stores its model."
)
ROUTES = (
    Route(
        "POST",
        "/ml/v4/trainings",
        create,
        ("sdk", "recorded"),
        "trainings",
        status=201,
        body=shapes.NewPromptTuning,
        answer=shapes.Resource,
    ),
    Route("GET", "/ml/v4/trainings", listed, ("sdk",), "trainings", answer=shapes.Page),
    Route(
        "GET",
        "/ml/v4/trainings/{training_id}",
        get,
        ("sdk", "recorded"),
        "trainings",
        answer=shapes.Resource,
    ),
    Route("DELETE", "/ml/v4/trainings/{training_id}", remove, ("sdk",), "trainings", status=204),
    Route(
        "WEBSOCKET",
        "/ml/v4/trainings/{training_id}",
        monitor,
        ("sdk",),
        "trainings",
        public=True,
        note="Checks the token after the handshake: a browser cannot send one with it.",
    ),
    Route(
        "POST",
        "/ml/v1/fine_tunings",
        create,
        ("sdk",),
        "trainings",
        status=201,
        note=_LORA,
        body=shapes.NewFineTuning,
        answer=shapes.Resource,
    ),
    Route(
        "GET", "/ml/v1/fine_tunings", listed, ("sdk",), "trainings", note=_LORA, answer=shapes.Page
    ),
    Route(
        "GET",
        "/ml/v1/fine_tunings/{training_id}",
        get,
        ("sdk", "recorded"),
        "trainings",
        answer=shapes.Resource,
    ),
    Route("DELETE", "/ml/v1/fine_tunings/{training_id}", remove, ("sdk",), "trainings", status=204),
    Route(
        "GET",
        "/v2/asset_files/{path:path}",
        result_file,
        ("sdk", "inferred"),
        "trainings",
        note=_RESULTS,
        answer_media=_BINARY,
    ),
)
