"""Chat requests and answers, translated between tunesmith and OpenAI's API."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from openai.types.chat import ChatCompletion

from tunesmith.errors import PredictionError, UnsupportedError
from tunesmith.records import Generation, Message, StopReason, Usage
from tunesmith.spec import GenerationParams
from tunesmith_openai.label_scores import Position
from tunesmith_openai.offers import Offer

NEW_TOKENS = 20
"""New tokens if no limit is set, as for every backend."""
_SAMPLING = frozenset({"decoding_method", "temperature", "top_p"})
_ALWAYS = frozenset({"max_new_tokens", "stop_sequences", "random_seed"})
_REASONS: dict[str, StopReason] = {
    "stop": "eos_token",  # or a stop sequence: the API has one reason for both
    "length": "max_tokens",
    "content_filter": "error",
}


def messages_of(conversation: Sequence[Message]) -> list[Any]:
    """Return a conversation in the API's format."""
    return [{"role": message.role, "content": message.content} for message in conversation]


def parameters(offer: Offer) -> frozenset[str]:
    """Return the generation parameters that a model honors."""
    if not offer.chats:
        return frozenset()
    return _ALWAYS | _SAMPLING if offer.greedy else _ALWAYS


def body_of(offer: Offer, params: GenerationParams | None) -> dict[str, Any]:
    """Return the parameters of a request for ``params``. Greedy decoding is a temperature of 0.

    Raises:
        UnsupportedError: no new token is asked for.
    """
    asked = {} if params is None else params.asked()
    limit = asked.get("max_new_tokens", NEW_TOKENS)
    if limit == 0:
        raise UnsupportedError("generation.max_new_tokens: 0, and a chat writes at least one token")
    body: dict[str, Any] = {offer.limit: limit}
    if offer.greedy:
        samples = asked.get("decoding_method") == "sample"
        body["temperature"] = asked.get("temperature", 1.0) if samples else 0.0
    if "stop_sequences" in asked:
        body["stop"] = list(asked["stop_sequences"])
    if "random_seed" in asked:
        body["seed"] = asked["random_seed"]
    if "top_p" in asked:
        body["top_p"] = asked["top_p"]
    return body


def scored(offer: Offer) -> dict[str, Any]:
    """Return the parameters that ask for log-probabilities."""
    return {"logprobs": True, "top_logprobs": offer.logprobs}


def generation_of(answer: ChatCompletion, prompt: str | None) -> Generation:
    """Return the answer of a chat. An answer without text, e.g. a refusal, is an empty text.

    Raises:
        PredictionError: there is no answer in it.
    """
    choice = _choice(answer)
    usage = answer.usage
    return Generation(
        text=choice.message.content or "",
        prompt=prompt,
        input_token_count=usage.prompt_tokens if usage else None,
        generated_token_count=usage.completion_tokens if usage else None,
        stop_reason=_REASONS.get(str(choice.finish_reason), "not_finished"),
    )


def positions_of(answer: ChatCompletion) -> list[Position]:
    """Return the tokens of an answer with their candidates; none if the server gave none."""
    logprobs = _choice(answer).logprobs
    return [
        Position(
            token.token,
            _probabilities({top.token: top.logprob for top in token.top_logprobs or ()})
            | _probabilities({token.token: token.logprob}),
        )
        for token in (logprobs and logprobs.content) or ()
    ]


def usage_of(answer: ChatCompletion) -> Usage:
    """Return the tokens that the provider bills for an answer."""
    if answer.usage is None:
        return Usage()
    return Usage(
        input_tokens=answer.usage.prompt_tokens, output_tokens=answer.usage.completion_tokens
    )


def _probabilities(logprobs: Mapping[str, float]) -> dict[str, float]:
    return {text: math.exp(min(value, 0.0)) for text, value in logprobs.items()}


def _choice(answer: ChatCompletion) -> Any:
    choices = getattr(answer, "choices", None)  # a server may send something else with status 200
    if not choices or choices[0].message is None:
        raise PredictionError("choices[0].message: the server gave none; check option base_url")
    return choices[0]
