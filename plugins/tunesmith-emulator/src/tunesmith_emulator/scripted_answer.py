"""Answers that a test prepares: which requests they match, and what is answered.

One shape for every door: the control plane, the arguments of ``Emulator``, a YAML file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

FinishReason = Literal[
    "stop", "length", "tool_calls", "time_limit", "cancelled", "error",
    "eos_token", "max_tokens", "stop_sequence", "token_limit",
]  # fmt: skip
"""The reasons of a chat, then the further ones of text generation."""
Probabilities = Annotated[dict[str, Annotated[float, Field(gt=0, le=1)]], Field(min_length=1)]
_WORDS = re.compile(r"\s*\S+|\s+")
_LONGEST_DELAY = 600
HEADER = "X-Tunesmith-Script"
"""The header of a scripted answer: the name of its script, which the request log has too."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from None
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]
"""A regular expression, which is searched for anywhere in a text."""


class Match(_Value):
    """The requests that an answer is for. A field that is left out matches everything."""

    route: str = Field(default="*", min_length=1)
    """A line of the route table, or a pattern with ``*``: ``*/text/chat*``, as in a fault."""
    model: str = Field(default="*", min_length=1)
    """The base model's id in the catalogue, or a pattern with ``*``; also that of a deployment."""
    deployment: str | None = Field(default=None, min_length=1)
    """The id or serving name in the address, or a pattern with ``*``; None: with or without one."""
    prompt: Pattern | None = None
    """Occurs in the prompt, or in any message of the conversation."""
    last_message: Pattern | None = None
    """Occurs in the last message, or in the prompt of text generation."""
    nth: int | None = Field(default=None, ge=1)
    """Only the nth call that the other fields match, from 1; None: each."""


class ToolCall(_Value):
    """A call of a tool."""

    name: str = Field(min_length=1)
    arguments: dict[str, Any] | str = Field(default_factory=dict)
    """An object, or the text that is sent in its place, which need not be JSON."""
    id: str | None = Field(default=None, min_length=1)
    """None: made up."""


class Usage(_Value):
    """Numbers of tokens."""

    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)


class AnswerError(_Value):
    """An error in the service's envelope."""

    status: int = Field(default=500, ge=400, le=599)
    code: str = Field(default="internal_server_error", min_length=1)
    message: str = "A scripted error."
    after_chunks: int = Field(default=0, ge=0)
    """Pieces of a stream before the error. With none, and outside streams, the whole request
    fails."""


def _positions(value: Any) -> Any:
    return (value,) if isinstance(value, Mapping) else value


class Answer(_Value):
    """What is answered."""

    text: str | None = None
    chunks: tuple[str, ...] | None = None
    """The pieces of a stream; together they are the text. By default a piece is a word."""
    probabilities: Annotated[tuple[Probabilities, ...] | None, BeforeValidator(_positions)] = None
    """For each position the probability of each token; one object is one position, e.g. of labels.
    The text consists of the most probable ones."""
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str | None = None
    """What a chat shows as thought before the answer, unless it asks for none."""
    finish_reason: FinishReason | None = None
    """By default ``tool_calls`` if there are some, else ``stop``."""
    usage: Usage | None = None
    """By default the numbers of words of the prompt and of pieces of the answer."""
    delay: float = Field(default=0.0, ge=0, le=_LONGEST_DELAY)
    """Seconds to wait first."""
    error: AnswerError | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Answer:
        texts = [self.text, self.chunks, self.probabilities]
        if sum(given is not None for given in texts) > 1:
            raise ValueError("give one of text, chunks and probabilities; the others follow")
        if all(given is None for given in texts) and not self.tool_calls and self.error is None:
            raise ValueError("an answer needs text, chunks, probabilities, tool_calls or error")
        for position in self.probabilities or ():
            if sum(position.values()) > 1 + 1e-6:
                raise ValueError(f"probabilities: {dict(position)} add up to more than 1")
        return self

    @property
    def pieces(self) -> tuple[str, ...]:
        """The pieces of the text in a stream."""
        if self.chunks is not None:
            return self.chunks
        if self.probabilities is not None:
            return tuple(max(position, key=position.__getitem__) for position in self.probabilities)
        return words(self.text or "")


class ScriptedAnswer(_Value):
    """An answer for the requests that match."""

    name: str = Field(default="", pattern=r"^[A-Za-z0-9 ._:/#-]{0,100}$")
    """Its name in the request log and in the answers; by default its number."""
    match: Match = Match()
    answer: Answer


class ScriptedAnswers(_Value):
    """Several answers: a YAML file, or the body of a request to the control plane."""

    answers: tuple[ScriptedAnswer, ...] = Field(min_length=1)


def words(text: str) -> tuple[str, ...]:
    """Return ``text`` in words, each with the white space before it."""
    return tuple(_WORDS.findall(text))
