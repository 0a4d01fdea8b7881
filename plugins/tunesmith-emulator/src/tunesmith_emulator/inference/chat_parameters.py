"""The flat parameters of a chat, translated into those of text generation.

Decoding is greedy unless a temperature above 0 or, without a temperature, a seed or a top_p
below 1 asks for sampling. So a chat without parameters is repeatable. The documented default of
the real service is sampling at temperature 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tunesmith_emulator.envelope import ServiceError, Target, wrong_field
from tunesmith_emulator.inference.parameters import Notice, Wanted, read

NEW_TOKENS = (1024, 256, 64)
"""New tokens if a chat names no limit: the first of these for which the model has room."""
_SEEDS = 2**32 - 1

# The names in chat of parameters of text generation.
_NAMES = {
    "max_new_tokens": "max_tokens",
    "random_seed": "seed",
    "stop_sequences": "stop",
    "include_stop_sequence": "stop",
    "return_options": "logprobs",
    "decoding_method": "temperature",
}
_SAME = ("temperature", "top_p", "time_limit", "repetition_penalty")
_MAPPED = {*_SAME, "max_tokens", "max_completion_tokens", "seed", "stop", "logprobs",
           "top_logprobs", "length_penalty"}  # fmt: skip
_ONLY: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "response_format": ({"type": "text"},),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "tool_choice_option": ("none", "auto"),
    "guided_choice": (),
    "guided_regex": (),
    "guided_grammar": (),
    "guided_json": (),
    "chat_template_kwargs": ({},),
    "reasoning_effort": (),
    "include_reasoning": (False,),
    "context": ("",),
}
"""Parameters that are not emulated, with the values that have no effect."""
_NOT_PARAMETERS = {"messages", "model_id", "project_id", "space_id", "crypto", "moderations"}
_OPENAI = {"model", "stream"}
"""litellm also sends these, although the address and ``model_id`` decide both."""


def as_chat(name: str) -> str:
    """Return the name in chat of a parameter of text generation."""
    return _NAMES.get(name, name)


def read_chat(body: Mapping[str, Any]) -> Wanted:
    """Check the parameters in the body of a chat. Without ``max_tokens`` no limit is set yet.

    Raises:
        ServiceError: 400, names the parameter that is wrong or not emulated.
    """
    given = {name: value for name, value in body.items() if value is not None}
    for name, allowed in _ONLY.items():
        if name in given and given[name] not in allowed:
            raise ServiceError(
                400,
                "unsupported",
                f"{name}: {given[name]!r:.100} is not emulated; leave it out.",
                Target("field", name),
            )
    unknown = sorted(given.keys() - _MAPPED - _ONLY.keys() - _NOT_PARAMETERS - _OPENAI)
    wanted = read(_as_generation(given), as_chat)
    warnings = tuple(Notice(f"{name} is not known and has no effect") for name in unknown)
    return replace(wanted, warnings=wanted.warnings + warnings)


def attempts(wanted: Wanted, limit: int | None) -> list[Wanted]:
    """Return ``wanted`` with each limit to try in turn, or only with the limit in the chat.

    Args:
        wanted: the checked parameters.
        limit: the model's limit of new tokens, or None if it is not known.
    """
    if wanted.params.max_new_tokens is not None:
        return [wanted]
    most = [tokens if limit is None else min(tokens, limit) for tokens in NEW_TOKENS]
    return [
        replace(wanted, params=wanted.params.model_copy(update={"max_new_tokens": tokens}))
        for tokens in dict.fromkeys(most)
    ]


def _as_generation(given: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: given[name] for name in _SAME if name in given}
    limit = given.get("max_completion_tokens", given.get("max_tokens"))
    if limit != 0 or limit is False:  # IBM's documentation: 0 is the model's own limit
        found["max_new_tokens"] = limit
    if "stop" in given:
        stop = given["stop"]
        found["stop_sequences"] = [stop] if isinstance(stop, str) else stop
        found["include_stop_sequence"] = False
    if "seed" in given:
        found["random_seed"] = _seed(given["seed"])
    if _samples(given):
        found["decoding_method"] = "sample"
    found["return_options"] = _return_options(given)
    found["length_penalty"] = _length_penalty(given.get("length_penalty"))
    return found


def _samples(given: Mapping[str, Any]) -> bool:
    if "temperature" in given:
        return bool(given["temperature"] != 0)
    return "seed" in given or given.get("top_p", 1) != 1


def _seed(seed: object) -> object:
    # A seed of a chat is any integer, one of text generation starts at 1. From 1 on, it stays.
    whole = isinstance(seed, int) and not isinstance(seed, bool)
    return (seed - 1) % _SEEDS + 1 if whole else seed  # type: ignore[operator]  # it is an int


def _return_options(given: Mapping[str, Any]) -> dict[str, Any] | None:
    wanted, top = given.get("logprobs", False), given.get("top_logprobs", 0)
    if not isinstance(wanted, bool):
        raise wrong_field("logprobs", "logprobs must be true or false.")
    if top and not wanted:
        raise wrong_field("top_logprobs", "top_logprobs needs logprobs to be true.")
    options = {"generated_tokens": True, "token_logprobs": True, "top_n_tokens": top}
    return options if wanted else None


def _length_penalty(given: object) -> object:
    # The SDK's schema has a number here; 1 is no penalty. Text generation has an object.
    if isinstance(given, int | float) and not isinstance(given, bool):
        if given != 1:
            raise ServiceError(
                400,
                "unsupported",
                "length_penalty: a number other than 1 is not emulated; give decay_factor and "
                "start_index.",
                Target("field", "length_penalty"),
            )
        return None
    return given
