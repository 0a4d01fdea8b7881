"""The FastAPI application: the routes, and the errors in the shape of each wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator, Iterator, Sequence
from itertools import chain
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, StrictStr
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from tunesmith.errors import TunesmithError, io_problem
from tunesmith.records import Generation
from tunesmith_serve.bodies import checked, json_of
from tunesmith_serve.conversing import refusals_of
from tunesmith_serve.gate import Gate, response_of
from tunesmith_serve.openapi import documented, reads
from tunesmith_serve.prompts import ServedPrompt
from tunesmith_serve.refusals import Refusal, refusal_of
from tunesmith_serve.service import Service
from tunesmith_serve.streaming import EventStream
from tunesmith_serve.wires import chat, completions, decisions, models, systemone
from tunesmith_serve.wires.completion_bodies import honored

router = APIRouter()


def create_app(service: Service, *more: APIRouter, bodies: Sequence[type[BaseModel]] = ()) -> Gate:
    """Return the application over ``service``, behind its gate.

    Args:
        service: answers.
        *more: further routes, which may raise a :class:`Refusal`. They come first.
        bodies: that these read, for the OpenAPI document.
    """
    app = FastAPI(title="tunesmith serve", docs_url=None, redoc_url=None)
    app.state.service = service
    for routes in (*more, router):
        app.include_router(routes)
    documented(
        app,
        systemone.SystemOne,
        decisions.Decisions,
        chat.Chat,
        completions.Completions,
        NewPrompt,
        *bodies,
    )
    for kind in (Refusal, TunesmithError, OSError, HTTPException, ClientDisconnect, Exception):
        app.add_exception_handler(kind, _failed)
    return Gate(app, service)


def _service(request: Request) -> Service:
    found: Service = request.app.state.service
    return found


async def _json(request: Request) -> Any:
    service = _service(request)
    value = await json_of(request, service.settings.max_body_bytes)
    if service.settings.log_texts:
        _tell(request, body=value)
    return value


ServiceOf = Annotated[Service, Depends(_service)]
JSON = Annotated[Any, Depends(_json)]


class NewPrompt(BaseModel):
    """The body that adds a prompt."""

    model_config = ConfigDict(extra="forbid")

    path: StrictStr
    """A run directory or deployment file below the folder of prompts."""


@router.post("/v1/systemone", openapi_extra=reads(systemone.SystemOne))
async def ask(request: Request, service: ServiceOf, given: JSON) -> JSONResponse:
    """Answer closed questions in the shape of the System One API."""
    body = checked(systemone.SystemOne, given)
    prompt = service.model(body.model)
    name = service.name_of(prompt)
    _tell(request, model=name, questions=len(body.questions))
    decided = await service.in_time(service.decider.decide(prompt, body.state, body.asked()))
    _tell(request, input_tokens=decided.input_tokens)
    return JSONResponse(systemone.answered(body, name, decided))


@router.post("/v1/decisions", openapi_extra=reads(decisions.Decisions))
async def decide(request: Request, service: ServiceOf, given: JSON) -> JSONResponse:
    """Answer closed questions in OpenAI's shape."""
    body = checked(decisions.Decisions, given)
    prompt = service.model(body.model)
    name = service.name_of(prompt)
    _tell(request, model=name, questions=len(body.questions))
    decided = await service.in_time(service.decider.decide(prompt, body.state(), body.asked()))
    _tell(request, input_tokens=decided.input_tokens)
    return JSONResponse(decisions.answered(body, name, decided))


@router.post("/v1/chat/completions", openapi_extra=reads(chat.Chat))
async def converse(request: Request, service: ServiceOf, given: JSON) -> Response:
    """Answer a chat."""
    body = checked(chat.Chat, honored(given, chat.Chat))
    prompt, params, conversation = service.model(body.model), body.params(), body.conversation()
    name, generator = service.name_of(prompt), service.generator
    _tell(request, model=name)
    asked = await asyncio.to_thread(generator.asked, prompt, conversation, params)
    answer, choices = chat.ChatAnswer(name), asked.choices(body.n)
    with refusals_of(asked):
        if body.stream:
            streams = [
                _counted(request, generator.stream(prompt, one.text, one.params)) for one in choices
            ]
            return await _streamed(answer.chunks(asked, streams, body.wants_usage))
        calls = (generator.generate(prompt, one.text, one.params) for one in choices)
        generations = await service.in_time(asyncio.gather(*calls))
    _tell_tokens(request, *generations)
    return JSONResponse(answer.whole(asked, generations))


@router.post("/v1/completions", openapi_extra=reads(completions.Completions))
async def complete(request: Request, service: ServiceOf, given: JSON) -> Response:
    """Complete plain texts."""
    body = checked(completions.Completions, honored(given, completions.Completions))
    prompt, params, texts = service.model(body.model), body.params(), body.texts()
    name, generator = service.name_of(prompt), service.generator
    _tell(request, model=name)
    answer = completions.CompletionAnswer(name)
    if body.stream:
        pieces = _counted(request, generator.stream(prompt, texts[0], params))
        return await _streamed(answer.chunks(pieces, body.wants_usage))
    asked = asyncio.gather(*(generator.generate(prompt, text, params) for text in texts))
    generations = await service.in_time(asked)
    _tell_tokens(request, *generations)
    return JSONResponse(answer.whole(generations))


@router.get("/v1/models")
async def list_models(service: ServiceOf) -> JSONResponse:
    """List the base model and the prompts."""
    return JSONResponse(models.listed(service))


@router.get("/v1/models/{name:path}")
async def get_model(service: ServiceOf, name: str) -> JSONResponse:
    """Describe one model."""
    return JSONResponse(models.one(service, name))


@router.get("/v1/prompts")
async def list_prompts(service: ServiceOf) -> JSONResponse:
    """List the prompts with their labels."""
    return JSONResponse({"prompts": [_shown(one) for one in service.prompts.all().values()]})


@router.post("/v1/prompts/{name:path}", openapi_extra=reads(NewPrompt))
async def add_prompt(service: ServiceOf, given: JSON, name: str) -> JSONResponse:
    """Load a prompt, and keep it for the next start."""
    body = checked(NewPrompt, given)
    return JSONResponse(_shown(await asyncio.to_thread(service.add, name, body.path)))


@router.delete("/v1/prompts/{name:path}")
async def remove_prompt(service: ServiceOf, name: str) -> JSONResponse:
    """Stop serving a prompt."""
    await asyncio.to_thread(service.remove, name)
    return JSONResponse({"name": name, "deleted": True})


@router.get("/health")
async def health() -> JSONResponse:
    """Tell that the process answers."""
    return JSONResponse({"status": "ok"})


@router.get("/ready")
async def ready(service: ServiceOf) -> JSONResponse:
    """Tell whether requests are accepted."""
    return JSONResponse({"ready": service.ready}, 200 if service.ready else 503)


@router.get("/metrics")
async def metrics(service: ServiceOf) -> Response:
    """Return Prometheus metrics."""
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _shown(prompt: ServedPrompt) -> dict[str, Any]:
    return {
        "name": prompt.name,
        "labels": list(prompt.labels),
        "calibrated": prompt.source.calibration is not None,
        "created_at": prompt.created_at.isoformat(),
    }


async def _streamed(chunks: Iterator[dict[str, Any]]) -> EventStream:
    """Return a stream of ``chunks``; the first is made here, so that a refusal has its status."""
    first = await asyncio.to_thread(next, chunks)
    return EventStream(_events(chain([first], chunks)))


def _events(chunks: Iterator[dict[str, Any]]) -> Generator[str, None, None]:
    try:
        for chunk in chunks:
            yield f"data: {json.dumps(chunk)}\n\n"
        yield "data: [DONE]\n\n"
    except Exception as error:  # noqa: BLE001  # the status is already sent
        _, body = refusal_of(error).shaped("openai")
        yield f"data: {json.dumps(body)}\n\n"


def _counted(request: Request, pieces: Iterator[Generation]) -> Iterator[Generation]:
    for piece in pieces:
        yield piece
        _tell_tokens(request, piece)


def _tell_tokens(request: Request, *generations: Generation) -> None:
    _tell(
        request,
        input_tokens=sum(one.input_token_count or 0 for one in generations),
        output_tokens=sum(one.generated_token_count or 0 for one in generations),
    )


def _tell(request: Request, **fields: Any) -> None:
    """Add fields to the log of a request."""
    request.state.fields.update(fields)


def _failed(request: Request, error: Exception) -> Response:
    return response_of(_refusal(request, error), request.url.path)


def _refusal(request: Request, error: Exception) -> Refusal:
    if isinstance(error, ClientDisconnect):
        return Refusal(400, "the client hung up")  # nobody reads it
    if isinstance(error, HTTPException):
        return Refusal(error.status_code, f"{request.method} {request.url.path}: {error.detail}")
    if isinstance(error, OSError):
        return Refusal(507, f"nothing was changed: {io_problem(error)}")
    return refusal_of(error)
