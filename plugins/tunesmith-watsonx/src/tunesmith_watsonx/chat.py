"""The translation of chat parameters and answers between tunesmith and the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.errors import PredictionError, UnsupportedError
from tunesmith.records import Generation, Message, StopReason, TokenInfo, TopToken
from tunesmith.spec import GenerationParams
from tunesmith_watsonx.label_scores import NEW_TOKENS
from tunesmith_watsonx.service_warnings import cut_input

_NAMES = {
    "max_new_tokens": "max_tokens",
    "stop_sequences": "stop",
    "random_seed": "seed",
    "top_p": "top_p",
    "repetition_penalty": "repetition_penalty",
    "time_limit": "time_limit",
}
"""The chat names of parameters with unchanged values."""
_WITHOUT_EFFECT: dict[str, Any] = {
    "min_new_tokens": 0,
    "truncate_input_tokens": 0,
    "include_stop_sequence": False,  # as in every chat
}
"""Parameters that a chat lacks, each with the value that has no effect."""
_OPTIONS = {"generated_tokens", "token_logprobs", "top_n_tokens"}
_REASONS: dict[str, StopReason] = {
    "stop": "eos_token",  # or a stop sequence: the service has one reason for both
    "length": "max_tokens",
    "time_limit": "time_limit",
    "cancelled": "cancelled",
    "error": "error",
}


def messages_of(conversation: Sequence[Message]) -> list[dict[str, str]]:
    """Return a conversation in the service's format."""
    return [{"role": message.role, "content": message.content} for message in conversation]


def chat_parameters(params: GenerationParams | None) -> dict[str, Any]:
    """Return the parameters of a chat for ``params``.

    Greedy decoding, the default, is a temperature of 0. The text of a chat never includes a stop
    sequence.

    Raises:
        UnsupportedError: a parameter that a chat does not have.
    """
    # The default limit of text generation; a chat has another default.
    asked = {"max_new_tokens": NEW_TOKENS} | ({} if params is None else params.asked())
    options = asked.pop("return_options", {})
    _check(asked)
    sent = {_NAMES[name]: value for name, value in asked.items() if name in _NAMES}
    if "stop" in sent:
        sent["stop"] = list(sent["stop"])
    samples = asked.get("decoding_method") == "sample"
    sent["temperature"] = asked.get("temperature", 1.0) if samples else 0.0
    return sent | _logprobs(options)


def generation_of(answer: Mapping[str, Any]) -> Generation:
    """Return the answer of a chat.

    Raises:
        PredictionError: the answer has no text.
    """
    choice = (answer.get("choices") or [{}])[0]
    text = (choice.get("message") or {}).get("content")
    if not isinstance(text, str):
        raise PredictionError(
            f"choices[0].message.content: the service gave {text!r} in place of text; set "
            "chat: false"
        )
    usage = answer.get("usage") or {}
    tokens = (choice.get("logprobs") or {}).get("content")
    return Generation(
        text=text,
        input_token_count=usage.get("prompt_tokens"),
        generated_token_count=usage.get("completion_tokens"),
        stop_reason=_REASONS.get(str(choice.get("finish_reason")), "not_finished"),
        tokens=None if tokens is None else tuple(map(_token, tokens)),
        truncated=cut_input(answer),
    )


def _check(asked: Mapping[str, Any]) -> None:
    if asked["max_new_tokens"] == 0:
        raise _refused("max_new_tokens", "0, which means no limit in a chat")
    for name, value in asked.items():
        known = name in _NAMES or name in {"decoding_method", "temperature"}
        if not known and value != _WITHOUT_EFFECT.get(name, object()):
            raise _refused(name, repr(value))


def _logprobs(options: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {name for name, value in options.items() if value}
    if not wanted <= _OPTIONS:
        raise _refused(f"return_options.{min(wanted - _OPTIONS)}", "true")
    if "generated_tokens" not in wanted:
        return {}
    return {"logprobs": True, "top_logprobs": int(options.get("top_n_tokens") or 0)}


def _refused(name: str, what: str) -> UnsupportedError:
    return UnsupportedError(
        f"generation.{name}: {what}, and the service's chat does not have it; leave it out, or "
        "set chat: false"
    )


def _token(token: Mapping[str, Any]) -> TokenInfo:
    top = token.get("top_logprobs") or None
    return TokenInfo(
        text=str(token.get("token", "")),
        logprob=token.get("logprob"),
        top_tokens=None if top is None else tuple(map(_top_token, top)),
    )


def _top_token(token: Mapping[str, Any]) -> TopToken:
    return TopToken(text=str(token.get("token", "")), logprob=token["logprob"])
