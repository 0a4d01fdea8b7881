"""The addresses of trainings: prompt tuning, fine tuning, and the models that they make."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Query, Request, WebSocket, WebSocketDisconnect
from starlette.concurrency import run_in_threadpool

from tunesmith_emulator.bodies import JsonBody
from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.paging import page
from tunesmith_emulator.project_scope import Scope
from tunesmith_emulator.routing import JSON, HouseOf, Route, ScopeOf, scope_of_body
from tunesmith_emulator.trainings.entity import FINE, PROMPT
from tunesmith_emulator.trainings.status_feed import News

_LOOK_SECONDS = 0.2
Tags = Annotated[list[str] | None, Query(alias="tag.value")]


def create(house: HouseOf, body: JsonBody) -> JSON:
    """Accept a prompt tuning."""
    return house.trainings.create(PROMPT, scope_of_body(house, body), body)


def get(training_id: str, house: HouseOf, scope: ScopeOf) -> JSON:
    """Return a prompt tuning."""
    return house.trainings.get(PROMPT, scope, training_id)


def listed(request: Request, house: HouseOf, scope: ScopeOf, tags: Tags = None) -> JSON:
    """List prompt tunings."""
    return page(house.trainings.listed(PROMPT, scope, request.query_params, tags or []), request)


def remove(training_id: str, house: HouseOf, scope: ScopeOf, hard_delete: bool = False) -> None:
    """Cancel or forget a prompt tuning."""
    house.trainings.remove(PROMPT, scope, training_id, hard=hard_delete)


def create_fine(house: HouseOf, body: JsonBody) -> JSON:
    """Accept a fine tuning (LoRA)."""
    return house.trainings.create(FINE, scope_of_body(house, body), body)


def get_fine(training_id: str, house: HouseOf, scope: ScopeOf) -> JSON:
    """Return a fine tuning."""
    return house.trainings.get(FINE, scope, training_id)


def listed_fine(request: Request, house: HouseOf, scope: ScopeOf, tags: Tags = None) -> JSON:
    """List fine tunings."""
    return page(house.trainings.listed(FINE, scope, request.query_params, tags or []), request)


def remove_fine(
    training_id: str, house: HouseOf, scope: ScopeOf, hard_delete: bool = False
) -> None:
    """Cancel or forget a fine tuning."""
    house.trainings.remove(FINE, scope, training_id, hard=hard_delete)


def store_model(house: HouseOf, body: JsonBody) -> JSON:
    """Make a model of a completed training."""
    return house.trainings.store_model(scope_of_body(house, body), body)


def model(model_id: str, house: HouseOf, scope: ScopeOf) -> JSON:
    """Return a tuned model."""
    return house.trainings.model(scope, model_id)


def models(request: Request, house: HouseOf, scope: ScopeOf) -> JSON:
    """List tuned models."""
    return page(house.trainings.models(scope), request)


async def monitor(socket: WebSocket, training_id: str, house: HouseOf) -> None:
    """Send state, message and metrics as they come, until the training ends."""
    await socket.accept()
    # A client has nothing to say here: whatever comes means that it leaves.
    leaving = asyncio.ensure_future(socket.receive())
    try:
        house.iam.check(socket.headers.get("authorization"))
        scope = Scope.require(socket.query_params)
        await run_in_threadpool(house.platform.check, scope)
        news = News()
        while not (leaving.done() or news.ended):
            training = await run_in_threadpool(house.trainings.get, PROMPT, scope, training_id)
            for status in news.of(training["entity"]["status"], house.trainings.said(training_id)):
                await socket.send_json({"entity": {"status": status}})
            await asyncio.wait({leaving}, timeout=0 if news.ended else _LOOK_SECONDS)
    except ServiceError as error:
        await socket.send_json(error.body())
    except WebSocketDisconnect:
        return
    finally:
        leaving.cancel()
    if not leaving.done():
        await socket.close()


_LORA = "LoRA, where the backend declares the method 'lora'; else every request to tune is refused."
_S3 = "By training_id only: other ways go through object storage, which is not emulated."
ROUTES = (
    Route("POST", "/ml/v4/trainings", create, ("sdk", "recorded"), "trainings", status=201),
    Route("GET", "/ml/v4/trainings", listed, ("sdk",), "trainings"),
    Route("GET", "/ml/v4/trainings/{training_id}", get, ("sdk", "recorded"), "trainings"),
    Route("DELETE", "/ml/v4/trainings/{training_id}", remove, ("sdk",), "trainings", status=204),
    Route(
        "WEBSOCKET",
        "/ml/v4/trainings/{training_id}",
        monitor,
        ("sdk",),
        "trainings",
        public=True,
        note="Checks its token itself; a browser cannot send one with a handshake.",
    ),
    Route(
        "POST", "/ml/v1/fine_tunings", create_fine, ("sdk",), "trainings", status=201, note=_LORA
    ),
    Route("GET", "/ml/v1/fine_tunings", listed_fine, ("sdk",), "trainings", note=_LORA),
    Route("GET", "/ml/v1/fine_tunings/{training_id}", get_fine, ("sdk", "recorded"), "trainings"),
    Route(
        "DELETE",
        "/ml/v1/fine_tunings/{training_id}",
        remove_fine,
        ("sdk",),
        "trainings",
        status=204,
    ),
    Route("GET", "/ml/v4/models", models, ("sdk",), "trainings"),
    Route("GET", "/ml/v4/models/{model_id}", model, ("sdk",), "trainings"),
    Route("POST", "/ml/v4/models", store_model, ("inferred",), "trainings", status=202, note=_S3),
)
