"""The functions that a chat may call: ``tools``, ``tool_choice`` and the calls in its messages."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith.records import Tool, ToolCall
from tunesmith_serve.refusals import wrong

MOST_TOOLS = 128
"""OpenAI's limit."""
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_CHOICES = ("auto", "none", "required")


@dataclass(frozen=True, slots=True)
class ToolUse:
    """What a chat may call."""

    tools: tuple[Tool, ...] = ()
    choice: str = "auto"
    """``auto``, ``required``, or the name of the one function that must be called. A chat in which
    nothing may be called has no tools."""
    parallel: bool = True
    """Whether an answer may have several calls."""

    @property
    def must(self) -> bool:
        """Whether the answer must be a call."""
        return bool(self.tools) and self.choice != "auto"

    def only(self, names: Sequence[str]) -> ToolUse:
        """Return the same with the tools ``names`` alone."""
        kept = tuple(tool for tool in self.tools if tool.name in names)
        return ToolUse(kept, self.choice, self.parallel)


NO_TOOLS = ToolUse()
"""Nothing may be called."""


def read_tools(given: Mapping[str, Any]) -> ToolUse:
    """Check the fields of a body that are about tools.

    ``tool_choice_option`` is watsonx.ai's name for the choices that are words.

    Raises:
        Refusal: 400, names the field.
    """
    tools = _tools(given.get("tools") or [])
    choice = _choice(given, tools)
    if choice == "none" or not tools:
        return NO_TOOLS
    use = ToolUse(tools, choice, given.get("parallel_tool_calls", True) is not False)
    return use if choice in _CHOICES else use.only([choice])


def read_calls(given: object, where: str) -> tuple[ToolCall, ...]:
    """Check the ``tool_calls`` of a message.

    Raises:
        Refusal: 400, names the call.
    """
    if not isinstance(given, list):
        raise wrong(f"{where} must be a list of calls.", where)
    return tuple(_call(call, f"{where}[{index}]") for index, call in enumerate(given))


def _call(given: Any, where: str) -> ToolCall:
    function = given.get("function") if isinstance(given, Mapping) else None
    name = function.get("name") if isinstance(function, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(name, str):
        raise wrong(f"{where} must have a function with a name.", where)
    arguments = function.get("arguments", "{}")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return ToolCall(id=str(given.get("id", "")), name=name, arguments=text or "{}")


def _tools(given: object) -> tuple[Tool, ...]:
    if not isinstance(given, list) or len(given) > MOST_TOOLS:
        raise wrong(f"tools must be a list of at most {MOST_TOOLS} functions.", "tools")
    tools = tuple(_tool(one, f"tools[{index}]") for index, one in enumerate(given))
    names = [tool.name for tool in tools]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise wrong(f"tools: two functions have the name {twice!r}.", "tools")
    return tools


def _tool(given: Any, where: str) -> Tool:
    if not isinstance(given, Mapping) or given.get("type") != "function":
        raise wrong(f"{where}.type must be 'function'.", f"{where}.type")
    function = given.get("function")
    if not isinstance(function, Mapping):
        raise wrong(f"{where}.function must be an object.", f"{where}.function")
    name = function.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise wrong(
            f"{where}.function.name must have 1 to 64 letters, digits, '_', '-' or '.'.",
            f"{where}.function.name",
        )
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    if not isinstance(parameters, Mapping):
        raise wrong(
            f"{where}.function.parameters must be a JSON schema.", f"{where}.function.parameters"
        )
    description = function.get("description") or ""
    if not isinstance(description, str):
        raise wrong(f"{where}.function.description must be text.", f"{where}.function.description")
    return Tool(name=name, description=description, parameters=dict(parameters))


def _choice(given: Mapping[str, Any], tools: Sequence[Tool]) -> str:
    option, choice = given.get("tool_choice_option"), given.get("tool_choice")
    if option is not None and option not in _CHOICES:
        raise wrong(
            f"tool_choice_option must be one of {', '.join(_CHOICES)}.", "tool_choice_option"
        )
    if isinstance(choice, str) and choice in _CHOICES:
        name = choice
    elif isinstance(choice, Mapping):
        return _named(choice, tools)
    elif choice is None:
        name = option or "auto"
    else:
        raise wrong(
            f"tool_choice must be one of {', '.join(_CHOICES)}, or name a function.", "tool_choice"
        )
    if name == "required" and not tools:
        raise wrong("tool_choice: 'required' needs tools.", "tool_choice")
    return name


def _named(choice: Mapping[str, Any], tools: Sequence[Tool]) -> str:
    function = choice.get("function")
    name = function.get("name") if isinstance(function, Mapping) else None
    if choice.get("type") != "function" or not isinstance(name, str):
        raise wrong("tool_choice must have the type 'function' and name a function.", "tool_choice")
    if name not in {tool.name for tool in tools}:
        raise wrong(f"tool_choice: no function {name!r:.80} in tools.", "tool_choice")
    return name
