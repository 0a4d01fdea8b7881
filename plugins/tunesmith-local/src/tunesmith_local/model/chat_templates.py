"""Chat templates: the text in which a chat model reads a conversation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError
from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from tunesmith.errors import ExperimentError, UnsupportedError
from tunesmith.methods import PLACEHOLDER, ReadByModel
from tunesmith.records import Message, Tool, ToolCall
from tunesmith_local.model.gguf.files import file_in
from tunesmith_local.model.loading import BaseLM

_FILES = ("chat_template.jinja", "tokenizer_config.json")
_THINKING_OFF: dict[str, Any] = {"enable_thinking": False, "thinking": False}
"""Qwen's and Granite's names; a template that has no such switch ignores them."""


def has_chat_template(place: str) -> bool:
    """Return whether the tokenizer at ``place`` has one; loads nothing.

    Args:
        place: a folder, a GGUF file or a hub id.
    """
    if (gguf := file_in(Path(place))) is not None:
        return _in_gguf(gguf)
    template, config = (_file(place, name) for name in _FILES)
    if template is not None:
        return True
    if config is None:
        return False
    try:
        return bool(json.loads(config.read_text("utf-8")).get("chat_template"))
    except (OSError, ValueError):
        return False


def rendered(
    base: BaseLM, messages: Sequence[Message], tools: Sequence[Tool] = (), **variables: Any
) -> str | None:
    """Return the text in which ``base`` reads ``messages``; None if it has no chat template.

    The model's answer follows directly, and thinking is off unless ``variables`` of the template
    turn it on. A token that the tokenizer always puts first is left out.

    Raises:
        ExperimentError: the template refuses the conversation, or a name is no variable of it.
    """
    tokenizer = base.tokenizer
    if not tokenizer.chat_template:
        return None
    taken = sorted(variables.keys() & signature(tokenizer.apply_chat_template).parameters.keys())
    if taken:
        raise ExperimentError(f"messages: {taken[0]!r} is no variable of a chat template")
    turns = [_turn(message) for message in messages]
    functions: list[Any] = [{"type": "function", "function": tool.model_dump()} for tool in tools]
    try:
        text = str(
            tokenizer.apply_chat_template(
                turns,
                tools=functions or None,
                tokenize=False,
                add_generation_prompt=True,
                **_THINKING_OFF | variables,
            )
        )
    except (TemplateError, ValueError, TypeError) as error:
        raise ExperimentError(_refused(base.name, messages, error)) from error
    return _without_first_token(tokenizer, text)


def template_of(base: BaseLM, method: ReadByModel) -> str:
    """Return the whole template of a tuned model, its chat template included if asked for.

    Raises:
        UnsupportedError: the model has no chat template and ``chat`` is true.
        ExperimentError: the template does not take the message as it is.
    """
    if not method.chat:
        return method.input_template
    text = rendered(base, [Message(role="user", content=method.input_template)])
    if text is None and method.chat == "auto":
        return method.input_template
    if text is None:
        raise UnsupportedError(f"method.chat: {base.name!r} has no chat template; set chat: false")
    if text.count(PLACEHOLDER) != 1:
        raise ExperimentError(
            f"method.chat: the chat template of {base.name!r} changes or repeats the message, so "
            "that the input has no place in it; set chat: false"
        )
    return text


def _turn(message: Message) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        # Templates write arguments as JSON themselves, so they get a value.
        turn["tool_calls"] = [
            {"id": call.id, "type": "function",
             "function": {"name": call.name, "arguments": _arguments(call)}}
            for call in message.tool_calls
        ]  # fmt: skip
    if message.tool_call_id is not None:
        turn["tool_call_id"] = message.tool_call_id
    return turn


def _arguments(call: ToolCall) -> Any:
    try:
        return json.loads(call.arguments)
    except ValueError:  # they were cut at the limit of tokens
        return call.arguments


def _in_gguf(file: Path) -> bool:
    if find_spec("gguf") is None:  # loading the file raises, with a remedy
        return False
    from tunesmith_local.model.gguf.header import read_header

    return bool(read_header(file).fields.get("tokenizer.chat_template"))


def _refused(name: str, messages: Sequence[Message], error: Exception) -> str:
    roles = ", ".join(message.role for message in messages)
    remedy = (
        "put the system message into the first message of the user"
        if messages[0].role == "system"
        else "set chat: false"
    )
    reason = str(error).strip().partition("\n")[0]
    return f"messages: the chat template of {name!r} refuses the roles {roles} ({reason}); {remedy}"


def _without_first_token(tokenizer: PreTrainedTokenizerBase, text: str) -> str:
    first = str(tokenizer.bos_token or "")
    if not first or not text.startswith(first):
        return text
    ids = tokenizer(text, verbose=False)["input_ids"]
    twice = ids[:2] == [tokenizer.bos_token_id] * 2
    return text.removeprefix(first) if twice else text


def _file(place: str, name: str) -> Path | None:
    local = Path(place)
    if local.is_dir():
        return local / name if (local / name).is_file() else None
    try:
        cached = try_to_load_from_cache(place, name)
    except HFValidationError:  # not the form of a hub id
        return None
    return Path(cached) if isinstance(cached, str) else None
