"""The flat parameters of a chat, as parameters of text generation.

Decoding is greedy unless a temperature above 0 or, without a temperature, a seed, a top_p below 1
or an n above 1 asks for sampling. So a chat without parameters is repeatable. The documented
default of OpenAI and of watsonx.ai is sampling at temperature 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith_serve.refusals import wrong

NAMES = {
    "max_new_tokens": "max_tokens",
    "random_seed": "seed",
    "stop_sequences": "stop",
    "include_stop_sequence": "stop",
    "return_options": "logprobs",
    "decoding_method": "temperature",
}
"""The names in chat of parameters of text generation."""
SAME = (
    "temperature",
    "top_p",
    "time_limit",
    "repetition_penalty",
    "frequency_penalty",
    "presence_penalty",
)
"""The parameters with the same name in both."""
_SEEDS = 2**32 - 1


def generation_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of ``GenerationParams`` for the parameters of a chat, not checked.

    Raises:
        Refusal: 400, names the parameter.
    """
    found = {name: given[name] for name in SAME if name in given}
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
    if given.get("logit_bias"):
        found["logit_bias"] = given["logit_bias"]
    found["return_options"] = _return_options(given)
    return found


def read_n(given: Mapping[str, Any], most: int = 8) -> int:
    """Return how many answers a chat asks for.

    Raises:
        Refusal: 400, ``n`` is no number from 1 to ``most``.
    """
    n = given.get("n", 1)
    if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= most:
        raise wrong(f"n must be a whole number from 1 to {most}.", "n")
    return n


def _samples(given: Mapping[str, Any]) -> bool:
    if "temperature" in given:
        return bool(given["temperature"] != 0)
    return "seed" in given or given.get("top_p", 1) != 1 or given.get("n", 1) != 1


def _seed(seed: object) -> object:
    # A seed of a chat is any integer, one of text generation starts at 1. From 1 on, it stays.
    whole = isinstance(seed, int) and not isinstance(seed, bool)
    return (seed - 1) % _SEEDS + 1 if whole else seed  # type: ignore[operator]  # it is an int


def _return_options(given: Mapping[str, Any]) -> dict[str, Any] | None:
    wanted, top = given.get("logprobs", False), given.get("top_logprobs", 0)
    if not isinstance(wanted, bool):
        raise wrong("logprobs must be true or false.", "logprobs")
    if top and not wanted:
        raise wrong("top_logprobs needs logprobs to be true.", "top_logprobs")
    options = {"generated_tokens": True, "token_logprobs": True, "top_n_tokens": top}
    return options if wanted else None
