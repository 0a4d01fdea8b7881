"""The flat parameters of a chat, translated into those of text generation.

Decoding is greedy unless a temperature above 0 or, without a temperature, a seed, a top_p below 1
or an n above 1 asks for sampling. So a chat without parameters is repeatable. The documented
default of the real service is sampling at temperature 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tunesmith_emulator.envelope import ServiceError, Target
from tunesmith_emulator.inference.parameters import CHAT_FIELDS, Notice, Wanted, read
from tunesmith_serve.chat_parameters import NAMES, SAME, generation_of
from tunesmith_serve.conversing import Conversation, read_conversation
from tunesmith_serve.formats import FORMATS
from tunesmith_serve.messages import in_context, read_messages
from tunesmith_serve.refusals import wrong

NEW_TOKENS = (1024, 256, 64)
"""New tokens if a chat names no limit: the first of these for which the model has room."""
_MAPPED = {*SAME, "max_tokens", "max_completion_tokens", "seed", "stop", "logprobs",
           "top_logprobs", "length_penalty", "logit_bias", "n"}  # fmt: skip
_CONVERSATION = {*FORMATS, "tools", "tool_choice", "tool_choice_option", "parallel_tool_calls",
                 "reasoning_effort", "include_reasoning", "chat_template_kwargs",
                 "context"}  # fmt: skip
_NOT_PARAMETERS = {"messages", "model_id", "project_id", "space_id", "crypto", "moderations"}
_OPENAI = {"model", "stream"}
"""litellm also sends these, although the address and ``model_id`` decide both."""


def as_chat(name: str) -> str:
    """Return the name in chat of a parameter of text generation."""
    return NAMES.get(name, name)


def read_chat(body: Mapping[str, Any]) -> Wanted:
    """Check the parameters in the body of a chat. Without ``max_tokens`` no limit is set yet.

    Raises:
        ServiceError: 400, names the parameter that is wrong.
    """
    given = {name: value for name, value in body.items() if value is not None}
    unknown = sorted(given.keys() - _MAPPED - _CONVERSATION - _NOT_PARAMETERS - _OPENAI)
    found = generation_of(given)
    found["length_penalty"] = _length_penalty(given.get("length_penalty"))
    wanted = read(found, as_chat, CHAT_FIELDS)
    warnings = tuple(Notice(f"{name} is not known and has no effect") for name in unknown)
    return replace(wanted, warnings=wanted.warnings + warnings)


def read_talk(body: Mapping[str, Any]) -> Conversation:
    """Check the messages of a chat, and its fields about functions, formats and reasoning.

    Raises:
        Refusal: 400, names the field.
    """
    given = {name: value for name, value in body.items() if value is not None}
    context = given.get("context", "")
    if not isinstance(context, str):
        raise wrong("context must be text.", "context")
    messages = in_context(read_messages(given.get("messages")), context)
    return read_conversation(given, messages)


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
