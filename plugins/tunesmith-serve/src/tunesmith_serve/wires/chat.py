"""``POST /v1/chat/completions``: OpenAI's chat."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field, StrictBool, StrictStr

from tunesmith.records import Generation
from tunesmith.spec import GenerationParams
from tunesmith_serve.chat_parameters import generation_of
from tunesmith_serve.conversing import (
    Asked,
    Conversation,
    Deltas,
    read_conversation,
    reply_of,
)
from tunesmith_serve.messages import read_messages
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
    n: Annotated[int, Field(strict=True, ge=1, le=8)] = 1
    tools: list[Any] | None = None
    tool_choice: Any = None
    parallel_tool_calls: StrictBool = True
    response_format: dict[str, Any] | None = None
    guided_json: dict[str, Any] | None = None
    guided_choice: list[StrictStr] | None = None
    guided_regex: StrictStr | None = None
    guided_grammar: StrictStr | None = None
    reasoning_effort: StrictStr | None = None
    include_reasoning: StrictBool | None = None
    chat_template_kwargs: dict[str, Any] | None = None

    def conversation(self) -> Conversation:
        """Return the messages, functions and formats; a developer's message is the system's.

        Raises:
            Refusal: 400, a message or a field is wrong; it is named.
        """
        messages = read_messages([_turn(message) for message in self.messages])
        return read_conversation(self.model_dump(exclude_none=True), messages)

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

    def whole(self, asked: Asked, generations: Sequence[Generation]) -> dict[str, Any]:
        """Return the body of the whole answer, with a choice for each generation."""
        choices = []
        for index, generation in enumerate(generations):
            reply = reply_of(asked, generation)
            message = {**reply.message(), "refusal": None}
            if reply.calls and not reply.content:
                message["content"] = None  # as OpenAI does
            choices.append({"index": index, "message": message, **_end(generation, reply.called)})
        counts = usage(*generations, prompts=1)
        return self._body("chat.completion", choices) | {"usage": counts}

    def chunks(
        self, asked: Asked, streams: Sequence[Iterable[Generation]], with_usage: bool
    ) -> Iterator[dict[str, Any]]:
        """Yield the chunks of a stream, one choice after the other."""
        ends = []
        for index, pieces in enumerate(streams):
            deltas, piece = Deltas(asked), Generation(text="")
            role: dict[str, Any] = {"role": "assistant"}
            for piece in pieces:
                for delta, end in _ended(deltas.add(piece), piece, deltas):
                    yield self._chunk(index, role | delta, end)
                    role = {}
            ends.append(piece)
        if with_usage:
            yield self._body("chat.completion.chunk", []) | {"usage": usage(*ends, prompts=1)}

    def _chunk(self, index: int, delta: dict[str, Any], end: dict[str, Any]) -> dict[str, Any]:
        return self._body("chat.completion.chunk", [{"index": index, "delta": delta, **end}])

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


_GOING_ON = {"logprobs": None, "finish_reason": None}


def _ended(
    found: Sequence[dict[str, Any]], piece: Generation, deltas: Deltas
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield the deltas of a piece, the last one with its tokens and the reason of its end."""
    for number, delta in enumerate(found, start=1):
        yield delta, _end(piece, deltas.called) if number == len(found) else _GOING_ON


def _end(generation: Generation, called: bool) -> dict[str, Any]:
    tokens = tokens_of(generation)
    return {
        "logprobs": None if tokens is None else {"content": chat_logprobs(tokens), "refusal": None},
        "finish_reason": "tool_calls" if called else finish_reason(generation),
    }
