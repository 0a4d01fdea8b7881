"""Inference over HTTP."""

from __future__ import annotations

from starlette.responses import JSONResponse, StreamingResponse

from tunesmith_emulator.bodies import JsonBody
from tunesmith_emulator.inference.sse import event_stream
from tunesmith_emulator.routing import HouseOf, Route


def generate(house: HouseOf, body: JsonBody) -> JSONResponse:
    """``POST /ml/v1/text/generation``."""
    return JSONResponse(house.inference.generate(body))


def generate_stream(house: HouseOf, body: JsonBody) -> StreamingResponse:
    """``POST /ml/v1/text/generation_stream``."""
    return event_stream(house.inference.generate_stream(body), greet=True)


def chat(house: HouseOf, body: JsonBody) -> JSONResponse:
    """``POST /ml/v1/text/chat``."""
    return JSONResponse(house.inference.chat(body))


def chat_stream(house: HouseOf, body: JsonBody) -> StreamingResponse:
    """``POST /ml/v1/text/chat_stream``."""
    return event_stream(house.inference.chat_stream(body), greet=False)


def tokenize(house: HouseOf, body: JsonBody) -> JSONResponse:
    """``POST /ml/v1/text/tokenization``."""
    return JSONResponse(house.inference.tokenize(body))


def deployment_generate(deployment: str, house: HouseOf, body: JsonBody) -> JSONResponse:
    """``POST /ml/v1/deployments/{deployment}/text/generation``."""
    return JSONResponse(house.inference.generate(body, deployment))


def deployment_generate_stream(
    deployment: str, house: HouseOf, body: JsonBody
) -> StreamingResponse:
    """``POST /ml/v1/deployments/{deployment}/text/generation_stream``."""
    return event_stream(house.inference.generate_stream(body, deployment), greet=True)


def deployment_chat(deployment: str, house: HouseOf, body: JsonBody) -> JSONResponse:
    """``POST /ml/v1/deployments/{deployment}/text/chat``."""
    return JSONResponse(house.inference.chat(body, deployment))


def deployment_chat_stream(deployment: str, house: HouseOf, body: JsonBody) -> StreamingResponse:
    """``POST /ml/v1/deployments/{deployment}/text/chat_stream``."""
    return event_stream(house.inference.chat_stream(body, deployment), greet=False)


_PARAMETERS = (
    "Every parameter is honored or refused. One that the backend lacks is refused unless its "
    "value changes nothing (greedy, minimum 0, penalty 1, no stop sequence); unknown keys and "
    "sampling parameters of greedy decoding are answered with a warning. Not emulated: "
    "moderations, crypto and prompt_variables. The first of input_tokens has no logprob, unless "
    "something stands before it, such as a soft prompt (inferred). A backend that counts "
    "no tokens shows counts of 0, and no max_new_tokens cuts its answer: warnings say so."
)
_STREAM = (
    "As text/generation; tokens of the input come with the count of the input (inferred). A "
    "backend that cannot stream sends one piece, an error after the first piece is an event, and "
    "no event `close` ends the stream."
)
_CHAT = (
    "A base model reads its own chat template, where the backend has one; else plain text: the "
    "last user message as it stands, behind the system's and the earlier turns. Greedy unless "
    "temperature, seed or top_p asks for sampling. Not emulated: images, tools, n above 1, JSON "
    "formats, guided decoding, reasoning, frequency and presence penalties, logit_bias."
)
_TUNED_CHAT = (
    "As text/chat; a tuned model reads the last user message alone and answers as it does to "
    "text/generation."
)
_CHAT_STREAM = "As text/chat; no event `close`, which clients would read as a chunk."
_BY_ID = "/ml/v1/deployments/{deployment}"

ROUTES: tuple[Route, ...] = (
    Route("POST", "/ml/v1/text/generation", generate, ("recorded", "docs"), "inference",
          note=_PARAMETERS),
    Route("POST", "/ml/v1/text/generation_stream", generate_stream, ("recorded", "sdk"),
          "inference", note=_STREAM),
    Route("POST", "/ml/v1/text/chat", chat, ("sdk", "docs"), "inference", note=_CHAT),
    Route("POST", "/ml/v1/text/chat_stream", chat_stream, ("sdk", "docs"), "inference",
          note=_CHAT_STREAM),
    Route("POST", "/ml/v1/text/tokenization", tokenize, ("sdk", "docs"), "inference"),
    Route("POST", f"{_BY_ID}/text/generation", deployment_generate, ("recorded", "docs"),
          "inference", note=_PARAMETERS),
    Route("POST", f"{_BY_ID}/text/generation_stream", deployment_generate_stream,
          ("recorded", "sdk"), "inference", note=_STREAM),
    Route("POST", f"{_BY_ID}/text/chat", deployment_chat, ("sdk", "docs"), "inference",
          note=_TUNED_CHAT),
    Route("POST", f"{_BY_ID}/text/chat_stream", deployment_chat_stream, ("sdk", "docs"),
          "inference", note=_TUNED_CHAT),
)  # fmt: skip
