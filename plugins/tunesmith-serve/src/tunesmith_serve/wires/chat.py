"""``POST /v1/chat/completions``: OpenAI's chat."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field, StrictBool

from tunesmith.records import Generation
from tunesmith.spec import GenerationParams
from tunesmith_serve.chat_parameters import generation_of
from tunesmith_serve.messages import Message, read_messages
from tunesmith_serve.wires.completion_bodies import (
    Sampled,
    chat_logprobs,
    finish_reason,
    params_of,
    tokens_of,
    usage,
)


class Chat(Sampled):
    """The body of a request."""

    messages: Annotated[list[Any], Field(min_length=1)]
    max_completion_tokens: Annotated[int, Field(strict=True, ge=1)] | None = None
    logprobs: StrictBool = False
    top_logprobs: Annotated[int, Field(strict=True, ge=0, le=20)] = 0

    def turns(self) -> list[Message]:
        """Return the messages; a developer's is read as one of the system.

        Raises:
            Refusal: 400, a message is wrong; it is named.
        """
        return read_messages([_turn(message) for message in self.messages])

    def params(self) -> GenerationParams:
        """Return the parameters of generation.

        Raises:
            Refusal: 400, names the parameter.
        """
        given = self.model_dump(exclude_none=True, exclude={"messages", "model"})
        return params_of(generation_of(given))


@dataclass(frozen=True)
class ChatAnswer:
    """The fields that all parts of one answer share."""

    model: str
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, generation: Generation) -> dict[str, Any]:
        """Return the body of the whole answer."""
        message = {"role": "assistant", "content": generation.text, "refusal": None}
        choice = {"index": 0, "message": message, **_end(generation)}
        return self._body("chat.completion", [choice]) | {"usage": usage(generation)}

    def chunks(self, pieces: Iterable[Generation], with_usage: bool) -> Iterator[dict[str, Any]]:
        """Yield the chunks of a stream."""
        delta: dict[str, Any] = {"role": "assistant"}
        piece = Generation(text="")
        for piece in pieces:
            choice = {"index": 0, "delta": delta | {"content": piece.text}, **_end(piece)}
            yield self._body("chat.completion.chunk", [choice])
            delta = {}
        if with_usage:
            yield self._body("chat.completion.chunk", []) | {"usage": usage(piece)}

    def _body(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "choices": choices,
        }


def _turn(message: Any) -> Any:
    if isinstance(message, Mapping) and message.get("role") == "developer":
        return {**message, "role": "system"}
    return message


def _end(generation: Generation) -> dict[str, Any]:
    tokens = tokens_of(generation)
    return {
        "logprobs": None if tokens is None else {"content": chat_logprobs(tokens), "refusal": None},
        "finish_reason": finish_reason(generation),
    }
