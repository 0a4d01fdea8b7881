"""The routes of inference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, StreamingResponse

from tunesmith_emulator.inference import scripted
from tunesmith_emulator.inference.sse import event_stream
from tunesmith_emulator.routes import shapes
from tunesmith_emulator.routes.bodies import JsonBody
from tunesmith_emulator.routes.routing import JSON_MEDIA, Evidence, Route, ServicesOf
from tunesmith_emulator.routes.scripting import Answering, scripted_first, stream, whole


async def _deployment(request: Request) -> str | None:
    return request.path_params.get("deployment")


DeploymentOf = Annotated[str | None, Depends(_deployment)]
"""The handler parameter for the deployment in the address, or None for a base model."""


def generate(services: ServicesOf, body: JsonBody, deployment: DeploymentOf) -> JSONResponse:
    """Answer ``text/generation``."""
    return JSONResponse(services.inference.generate(body, deployment))


def generate_stream(
    services: ServicesOf, body: JsonBody, deployment: DeploymentOf
) -> StreamingResponse:
    """Answer ``text/generation_stream``."""
    return event_stream(services.inference.generate_stream(body, deployment), greet=True)


def chat(services: ServicesOf, body: JsonBody, deployment: DeploymentOf) -> JSONResponse:
    """Answer ``text/chat``."""
    return JSONResponse(services.inference.chat(body, deployment))


def chat_stream(
    services: ServicesOf, body: JsonBody, deployment: DeploymentOf
) -> StreamingResponse:
    """Answer ``text/chat_stream``."""
    return event_stream(services.inference.chat_stream(body, deployment), greet=False)


def tokenize(services: ServicesOf, body: JsonBody) -> JSONResponse:
    """Answer ``text/tokenization``."""
    return JSONResponse(services.inference.tokenize(body))


_PARAMETERS = (
    "Every parameter is honored, refused, or named in a warning. One that the backend lacks is "
    "refused unless its value has no effect (greedy, minimum 0, penalty 1, no stop sequence). "
    "Unknown keys and sampling parameters of greedy decoding give a warning. moderations are rules "
    "(see text/detection); a mask is applied where one is asked for (inferred). Not emulated: "
    "crypto. The first of input_tokens has no logprob, unless "
    "a soft prompt precedes it (inferred). If the backend counts no tokens, the counts are 0 and "
    "max_new_tokens does not cut the answer; warnings name both. If the model that answers has "
    "fewer positions than the one in the catalogue, the prompt loses its beginning with a warning. "
    "With the emulator's option chat_prompts a base model reads the prompt in its chat template."
)
_STREAM = (
    "As text/generation; tokens of the input are sent with the count of the input (inferred). If "
    "the backend cannot stream, or moderations are on, there is one piece. An error after the "
    "first piece is an event. There is no event `close` at the end."
)
_CHAT = (
    "A base model reads its own chat template if the backend has one; else plain text: the "
    "system messages, the earlier turns and the last user message. Greedy unless "
    "temperature, seed, top_p or n asks for sampling. Functions, response_format and the guided "
    "fields are held to by constrained decoding; a schema that cannot be kept is refused. A model "
    "whose template shows no functions is asked by scores which of them to call. Reasoning has no "
    "effect, with a warning, if the model's template has none. n is at most 8. Not emulated: "
    "images."
)
_TUNED_CHAT = (
    "As text/chat; a tuned model reads the last user message alone (without one, the last "
    "message) and answers as it does to text/generation. It calls no function."
)
_CHAT_STREAM = (
    "As text/chat; without the event `close`, which clients would read as a chunk. The arguments "
    "of a call come by token, and in one piece from models of which the service does so."
)
_BY_ID = "/ml/v1/deployments/{deployment}"

_EVENTS = "text/event-stream"
_SCRIPTED: dict[Callable[..., Any], Answering] = {
    generate: whole(scripted.generation),
    generate_stream: stream(scripted.generation_stream, greet=True),
    chat: whole(scripted.chat),
    chat_stream: stream(scripted.chat_stream, greet=False),
}


def _post(
    path: str,
    handler: Callable[..., Any],
    *evidence: Evidence,
    note: str = "",
    body: type[BaseModel],
    answer: type[BaseModel] | None = None,
) -> Route:
    media = _EVENTS if answer is None else JSON_MEDIA
    if handler in _SCRIPTED:
        handler = scripted_first(handler, f"POST {path}", _SCRIPTED[handler])
    return Route(
        "POST",
        path,
        handler,
        evidence,
        "inference",
        note=note,
        body=body,
        answer=answer,
        answer_media=media,
    )


ROUTES: tuple[Route, ...] = (
    _post(
        "/ml/v1/text/generation",
        generate,
        "recorded",
        "docs",
        note=_PARAMETERS,
        body=shapes.GenerationRequest,
        answer=shapes.GenerationAnswer,
    ),
    _post(
        "/ml/v1/text/generation_stream",
        generate_stream,
        "recorded",
        "sdk",
        note=_STREAM,
        body=shapes.GenerationRequest,
    ),
    _post(
        "/ml/v1/text/chat",
        chat,
        "sdk",
        "docs",
        note=_CHAT,
        body=shapes.ChatRequest,
        answer=shapes.ChatAnswer,
    ),
    _post(
        "/ml/v1/text/chat_stream",
        chat_stream,
        "sdk",
        "docs",
        note=_CHAT_STREAM,
        body=shapes.ChatRequest,
    ),
    _post(
        "/ml/v1/text/tokenization",
        tokenize,
        "sdk",
        "docs",
        body=shapes.TokenizationRequest,
        answer=shapes.TokenizationAnswer,
    ),
    _post(
        f"{_BY_ID}/text/generation",
        generate,
        "recorded",
        "docs",
        note=_PARAMETERS,
        body=shapes.GenerationRequest,
        answer=shapes.GenerationAnswer,
    ),
    _post(
        f"{_BY_ID}/text/generation_stream",
        generate_stream,
        "recorded",
        "sdk",
        note=_STREAM,
        body=shapes.GenerationRequest,
    ),
    _post(
        f"{_BY_ID}/text/chat",
        chat,
        "sdk",
        "docs",
        note=_TUNED_CHAT,
        body=shapes.ChatRequest,
        answer=shapes.ChatAnswer,
    ),
    _post(
        f"{_BY_ID}/text/chat_stream",
        chat_stream,
        "sdk",
        "docs",
        note=_TUNED_CHAT,
        body=shapes.ChatRequest,
    ),
)
