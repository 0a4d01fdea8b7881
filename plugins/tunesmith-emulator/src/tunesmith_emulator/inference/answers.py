"""The bodies of the answers of inference."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tunesmith.records import Generation, StopReason, TokenInfo
from tunesmith_emulator.inference.parameters import Notice, Wanted, cut_to
from tunesmith_serve.conversing import Asked, Deltas, reply_of

MODEL_VERSION = "1.0.0"
FINISH_REASONS: dict[StopReason, str] = {
    "eos_token": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "token_limit": "length",
    "time_limit": "time_limit",
    "cancelled": "cancelled",
    "error": "error",
}


def head(model_id: str) -> dict[str, Any]:
    """Return the first fields of every answer."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"model_id": model_id, "model_version": MODEL_VERSION, "created_at": now}


def system(warnings: Sequence[dict[str, str]]) -> dict[str, Any]:
    """Return the field ``system``, or nothing if there are no warnings."""
    return {"system": {"warnings": list(warnings)}} if warnings else {}


def notes(generation: Generation, wanted: Wanted, backend: str) -> list[dict[str, str]]:
    """Return the warnings about this answer."""
    found = list(wanted.warnings)
    if generation.generated_token_count is None or generation.input_token_count is None:
        found.append(
            Notice(f"the emulator's backend {backend!r} counts no tokens; the counts are 0")
        )
    if generation.truncated and not wanted.params.truncate_input_tokens:
        found.append(cut_to("the max_input_tokens of the tuning"))
    # A token spells at least one byte, and the end of the text is one more token.
    if wanted.limit is not None and len(generation.text.encode()) + 1 > wanted.limit:
        found.append(
            Notice(
                f"the emulator's backend {backend!r} answers with a whole text; the limit of "
                f"{wanted.limit} new tokens was not applied"
            )
        )
    return [{"id": one.id, "message": one.message} for one in found]


def result(generation: Generation, wanted: Wanted, text: str) -> dict[str, Any]:
    """Return one entry of ``results``.

    Args:
        generation: the answer of the backend.
        wanted: the request.
        text: the generated text, after the prompt if the request wants it.
    """
    entry: dict[str, Any] = {
        "generated_text": text,
        "generated_token_count": generation.generated_token_count or 0,
        "input_token_count": generation.input_token_count or 0,
        "stop_reason": generation.stop_reason,
    }
    if wanted.seed is not None:
        entry["seed"] = wanted.seed
    if generation.tokens is not None:
        entry["generated_tokens"] = [_token(token) for token in generation.tokens]
    if generation.input_tokens is not None:
        entry["input_tokens"] = [_token(token) for token in generation.input_tokens]
    return entry


def _token(token: TokenInfo) -> dict[str, Any]:
    told = token.model_dump(exclude_none=True)
    # JSON has no NaN or infinity. The service leaves such a log-probability out.
    if not math.isfinite(told.get("logprob", 0.0)):
        del told["logprob"]
    return told


@dataclass(frozen=True)
class ChatAnswer:
    """The fields that all parts of one chat answer share."""

    model_id: str
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(
        self, asked: Asked, generations: Sequence[Generation], system: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the whole answer of a chat, with a choice for each generation."""
        replies = [reply_of(asked, generation) for generation in generations]
        choices = [
            {"index": index, "message": reply.message(), **_finish(generation, reply.called)}
            for index, (reply, generation) in enumerate(zip(replies, generations, strict=True))
        ]
        return self._body(choices, _usage(generations), system)

    def chunks(
        self, asked: Asked, index: int, pieces: Iterable[Generation], *, whole_calls: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Yield the chunks of one choice. The last of a piece has its tokens, and the reason."""
        deltas, role = Deltas(asked, whole_calls=whole_calls), {"role": "assistant"}
        for piece in pieces:
            found = deltas.add(piece)
            for number, delta in enumerate(found, start=1):
                last = number == len(found)
                end = _finish(piece, deltas.called) if last else {"finish_reason": None}
                yield self._body([{"index": index, "delta": {**role, **delta}, **end}])
                role = {}

    def last(self, generations: Sequence[Generation], system: dict[str, Any]) -> dict[str, Any]:
        """Return the last chunk of a stream, which has no choices."""
        return self._body([], _usage(generations), system)

    def _body(self, choices: list[dict[str, Any]], *more: dict[str, Any]) -> dict[str, Any]:
        body = {
            "id": self.id,
            "model": self.model_id,
            **head(self.model_id),
            "created": self.created,
            "choices": choices,
        }
        for fields in more:
            body |= fields
        return body


def _finish(generation: Generation, called: bool) -> dict[str, Any]:
    reason = "tool_calls" if called else FINISH_REASONS.get(generation.stop_reason)
    found: dict[str, Any] = {"finish_reason": reason}
    if generation.tokens is not None:
        found["logprobs"] = {"content": _logprobs(generation.tokens)}
    return found


def _logprobs(tokens: Sequence[TokenInfo]) -> list[dict[str, Any]]:
    return [
        {
            "token": token.text,
            "logprob": token.logprob,
            "bytes": None,  # a token may be part of a character, spelled in the tokenizer's way
            "top_logprobs": [
                {"token": top.text, "logprob": top.logprob, "bytes": None}
                for top in token.top_tokens or ()
            ],
        }
        for token in tokens
    ]


def _usage(generations: Sequence[Generation]) -> dict[str, Any]:
    read = generations[0].input_token_count or 0  # one prompt, whatever the number of choices
    written = sum(generation.generated_token_count or 0 for generation in generations)
    counts = {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
    }
    return {"usage": counts}
