"""What the bodies of chat and of completions share: parameters, log-probabilities and usage."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, ValidationError

from tunesmith.errors import first_problem
from tunesmith.records import Generation, StopReason, TokenInfo
from tunesmith.spec import GenerationParams
from tunesmith_serve.chat_parameters import NAMES
from tunesmith_serve.refusals import Refusal, wrong

FINISH_REASONS: dict[StopReason, str] = {
    "eos_token": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "token_limit": "length",
    "time_limit": "length",
}
_HARMLESS: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "best_of": (1,),
    "echo": (False,),
    "suffix": ("",),
    "response_format": ({"type": "text"},),
    "tools": ([],),
    "functions": ([],),
    "function_call": ("none",),
    "tool_choice": ("none", "auto"),
    "parallel_tool_calls": (True, False),
    "modalities": (["text"],),
    "audio": (),
    "prediction": (),
    "web_search_options": (),
    "reasoning_effort": ("none",),
    "store": (False,),
    "service_tier": ("auto", "default"),
}
"""Parameters that are not honored, with the values that have no effect."""
_WHITE_SPACE = str.maketrans({"Ġ": " ", "▁": " ", "Ċ": "\n"})
"""How the vocabularies of byte-level BPE and of SentencePiece spell white space."""
_SAMPLING = ("temperature", "top_p", "random_seed")


class StreamOptions(BaseModel):
    """Options of a stream."""

    model_config = ConfigDict(extra="ignore")

    include_usage: StrictBool = False


class Sampled(BaseModel):
    """The parameters of both bodies."""

    model_config = ConfigDict(extra="forbid")

    model: StrictStr
    max_tokens: Annotated[int, Field(strict=True, ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    stop: StrictStr | Annotated[list[StrictStr], Field(max_length=6)] | None = None
    seed: Annotated[int, Field(strict=True)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    logit_bias: dict[str, float] | None = None
    stream: StrictBool = False
    stream_options: StreamOptions | None = None
    user: StrictStr | None = None
    metadata: dict[str, Any] | None = None
    safety_identifier: StrictStr | None = None
    prompt_cache_key: StrictStr | None = None

    @property
    def wants_usage(self) -> bool:
        """Whether the last chunk of a stream has the usage."""
        return self.stream_options is not None and self.stream_options.include_usage


def honored(body: Any, model: type[BaseModel]) -> Any:
    """Return ``body`` without nulls and without parameters that change nothing.

    Fields of ``model``, which reads the body, are kept.

    Raises:
        Refusal: 400, a parameter that is not honored; it is named.
    """
    if not isinstance(body, Mapping):
        return body
    given = {name: value for name, value in body.items() if value is not None}
    for name, allowed in _HARMLESS.items():
        if name in given.keys() - model.model_fields and given.pop(name) not in allowed:
            raise wrong(f"{name} is not honored here; leave it out", name, code="unsupported")
    return given


def params_of(values: Mapping[str, Any]) -> GenerationParams:
    """Return the parameters of generation of checked ``values``, sampling only if it is asked for.

    Raises:
        Refusal: 400, names the parameter.
    """
    kept = {name: value for name, value in values.items() if value is not None}
    if kept.get("decoding_method") != "sample":
        kept = {name: value for name, value in kept.items() if name not in _SAMPLING}
    try:
        return GenerationParams.model_validate(kept)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        raise wrong(first_problem(error), NAMES.get(name, name)) from None


def usage(*generations: Generation, prompts: int | None = None) -> dict[str, int]:
    """Return the counts of tokens; only the first ``prompts`` count for what was read."""
    read = sum(one.input_token_count or 0 for one in generations[:prompts])
    written = sum(one.generated_token_count or 0 for one in generations)
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
    }


def finish_reason(generation: Generation) -> str | None:
    """Return why the text ended, or None if it goes on."""
    return FINISH_REASONS.get(generation.stop_reason)


def tokens_of(generation: Generation) -> tuple[TokenInfo, ...] | None:
    """Return the tokens of a text if they were asked for. The end of the text is none of them."""
    tokens = generation.tokens
    ended = generation.stop_reason == "eos_token"
    return tokens[:-1] if tokens is not None and ended else tokens


def text_of(token: str) -> str:
    """Return a token with its white space as text; the vocabulary may spell it otherwise."""
    return token.translate(_WHITE_SPACE)


def chat_logprobs(tokens: Sequence[TokenInfo]) -> list[dict[str, Any]]:
    """Return the log-probabilities of tokens in the shape of a chat."""
    return [
        {
            **_token(token.text, token.logprob),
            "top_logprobs": [_token(top.text, top.logprob) for top in token.top_tokens or ()],
        }
        for token in tokens
    ]


def finite(logprob: float | None) -> float | None:
    """Return ``logprob``; JSON has no infinity, for which OpenAI writes -9999."""
    return -9999.0 if logprob is not None and not math.isfinite(logprob) else logprob


def refuse_stream_of(name: str) -> Refusal:
    """Return the refusal of a stream of several texts."""
    return wrong("a stream answers one text; send one at a time", name, code="unsupported")


def _token(text: str, logprob: float | None) -> dict[str, Any]:
    # A token may be part of a character, spelled in the tokenizer's way: there are no bytes.
    return {"token": text_of(text), "logprob": finite(logprob), "bytes": None}
