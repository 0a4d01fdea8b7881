"""``POST /v1/completions``: OpenAI's older completions of a plain text."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Annotated, Any

from pydantic import Field, StrictStr

from tunesmith.records import Generation, TokenInfo
from tunesmith.spec import GenerationParams
from tunesmith_serve.chat_parameters import generation_of
from tunesmith_serve.wires.completion_bodies import (
    Sampled,
    finish_reason,
    finite,
    params_of,
    refuse_stream_of,
    text_of,
    tokens_of,
    usage,
)

NEW_TOKENS = 16
"""The documented default of this endpoint."""


class Completions(Sampled):
    """The body of a request."""

    prompt: StrictStr | Annotated[list[StrictStr], Field(min_length=1, max_length=128)]
    logprobs: Annotated[int, Field(strict=True, ge=0, le=5)] | None = None

    def texts(self) -> list[str]:
        """Return the texts to complete.

        Raises:
            Refusal: 400, a stream of several.
        """
        texts = [self.prompt] if isinstance(self.prompt, str) else self.prompt
        if self.stream and len(texts) > 1:
            raise refuse_stream_of("prompt")
        return texts

    def params(self) -> GenerationParams:
        """Return the parameters of generation.

        Raises:
            Refusal: 400, names the parameter.
        """
        given = self.model_dump(exclude_none=True, exclude={"prompt", "model", "logprobs"})
        found = generation_of({"max_tokens": NEW_TOKENS, **given})
        if self.logprobs is not None:
            found["return_options"] = {
                "generated_tokens": True,
                "token_logprobs": True,
                "top_n_tokens": self.logprobs,
            }
        return params_of(found)


@dataclass(frozen=True)
class CompletionAnswer:
    """The fields that all parts of one answer share."""

    model: str
    id: str = field(default_factory=lambda: f"cmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, generations: Sequence[Generation]) -> dict[str, Any]:
        """Return the body of the whole answer."""
        choices = [_choice(index, one) for index, one in enumerate(generations)]
        return self._body(choices) | {"usage": usage(*generations)}

    def chunks(self, pieces: Iterable[Generation], with_usage: bool) -> Iterator[dict[str, Any]]:
        """Yield the chunks of a stream."""
        piece, offset = Generation(text=""), 0
        for piece in pieces:
            yield self._body([_choice(0, piece, offset)])
            offset += len(piece.text)
        if with_usage:
            yield self._body([]) | {"usage": usage(piece)}

    def _body(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "text_completion",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        }


def _choice(index: int, generation: Generation, offset: int = 0) -> dict[str, Any]:
    tokens = tokens_of(generation)
    return {
        "index": index,
        "text": generation.text,
        "logprobs": None if tokens is None else _logprobs(tokens, offset),
        "finish_reason": finish_reason(generation),
    }


def _logprobs(tokens: Sequence[TokenInfo], offset: int) -> dict[str, Any]:
    texts = [text_of(token.text) for token in tokens]
    return {
        "tokens": texts,
        "token_logprobs": [finite(token.logprob) for token in tokens],
        "top_logprobs": [
            {text_of(top.text): finite(top.logprob) for top in token.top_tokens or ()}
            for token in tokens
        ],
        "text_offset": list(accumulate(map(len, texts[:-1]), initial=offset)),
    }
