"""Chat as text generation: the messages of a chat become one prompt.

* A **base model with a chat template** reads the messages in this template. The backend renders it.
  If the template has no functions, calls are texts of the assistant, their results are messages of
  the user, and the system message describes the functions.
* A **base model without one** reads the system messages, then the earlier turns as lines
  ``User: …``, ``Assistant: …`` and ``Tool: …``, then an empty line and the unchanged last user
  message. So a chat of one user message is the text generation of that message. If the last
  message is not the user's, every turn is a line and ``Assistant:`` ends the prompt.
* A **tuned model** was trained on single inputs. It reads the last user message alone (without one,
  the last message), and answers as in text generation; a warning counts the other messages. If it
  was tuned with a chat template, the template is put around the message as in tuning.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith.records import Message as Turn
from tunesmith.records import Tool, ToolCall
from tunesmith_serve.call_forms import STAND_IN
from tunesmith_serve.refusals import wrong
from tunesmith_serve.tools import read_calls

ROLES = ("system", "user", "assistant", "tool")


@dataclass(frozen=True, slots=True)
class Message:
    """One turn."""

    role: str
    text: str
    calls: tuple[ToolCall, ...] = ()
    """The calls that the assistant asked for."""
    call_id: str | None = None
    """The call that a tool answers."""

    @property
    def written(self) -> str:
        """The text, and the calls as a model writes them that has no form of its own."""
        calls = STAND_IN.written(self.calls) if self.calls else ""
        return "\n".join(filter(None, (self.text, calls)))

    @property
    def line(self) -> str:
        """The turn as a line of the prompt."""
        return f"{self.role.capitalize()}: {self.written}"


def read_messages(given: object) -> list[Message]:
    """Check the ``messages`` of a body.

    Raises:
        Refusal: 400, names the message. Only text parts are accepted, no images.
    """
    if not isinstance(given, list) or not given:
        raise wrong("messages must be a list with at least one message.", "messages")
    return [_message(message, f"messages[{i}]") for i, message in enumerate(given)]


def base_prompt(messages: Sequence[Message]) -> str:
    """Return the prompt of a base model; see the top of this module."""
    system = [message.text for message in messages if message.role == "system"]
    rest = [message for message in messages if message.role != "system"]
    if rest and rest[-1].role == "user":
        lines, end = rest[:-1], rest[-1].text
    else:
        lines, end = rest, "Assistant:"
    blocks = [*system, "\n".join(turn.line for turn in lines), end]
    return "\n\n".join(block for block in blocks if block)


def turns(messages: Sequence[Message]) -> list[Turn]:
    """Return the messages for a chat template that shows functions."""
    return [
        Turn.model_validate(
            {"role": m.role, "content": m.text, "tool_calls": m.calls, "tool_call_id": m.call_id}
        )
        for m in messages
    ]


def plain_turns(messages: Sequence[Message]) -> list[Turn]:
    """Return the messages for a chat template that has no functions; see the top of the module."""
    found: list[Turn] = []
    for message in messages:
        if message.role == "tool":
            text = f"<tool_response>\n{message.text}\n</tool_response>"
            found.append(Turn(role="user", content=text))
        else:
            found.append(Turn.model_validate({"role": message.role, "content": message.written}))
    return found


def with_tools(messages: Sequence[Message], tools: Sequence[Tool]) -> list[Message]:
    """Return the messages with a system message that describes ``tools``."""
    if not tools:
        return list(messages)
    described = [
        json.dumps(tool.model_dump(include={"name", "description", "parameters"})) for tool in tools
    ]
    intro = "You are a helpful assistant with access to functions. A call of a function is JSON."
    first = messages[0] if messages and messages[0].role == "system" else None
    own = [first.text] if first else []
    system = Message("system", "\n\n".join([*own, intro, "\n".join(described)]))
    return [system, *messages[1 if first else 0 :]]


def in_context(messages: Sequence[Message], context: str) -> list[Message]:
    """Return the messages with ``context`` before the last message of the user."""
    users = [index for index, message in enumerate(messages) if message.role == "user"]
    if not context or not users:
        return list(messages)
    found = list(messages)
    found[users[-1]] = Message("user", f"{context} {found[users[-1]].text}")
    return found


def field_of_system(messages: Sequence[Message]) -> str:
    """Return the field that a chat template refuses: the system message if there is one."""
    found = (i for i, message in enumerate(messages) if message.role == "system")
    return next((f"messages[{index}]" for index in found), "messages")


def tuned_input(messages: Sequence[Message]) -> tuple[str, list[str]]:
    """Return the input of a tuned model, and a warning about messages that it does not read."""
    asked = [i for i, message in enumerate(messages) if message.role == "user"]
    last = asked[-1] if asked else len(messages) - 1
    unread = len(messages) - 1
    warnings = (
        [f"a tuned model reads the last user message only; {unread} other messages were not read"]
        if unread
        else []
    )
    return messages[last].text, warnings


def _message(given: object, where: str) -> Message:
    if not isinstance(given, Mapping):
        raise wrong(f"{where} must be an object with role and content.", where)
    role = given.get("role")
    if role not in ROLES:
        raise wrong(f"{where}.role must be one of {', '.join(ROLES)}.", f"{where}.role")
    calls = given.get("tool_calls")
    if role == "assistant" and calls:
        called = read_calls(calls, f"{where}.tool_calls")
        content = given.get("content")
        return Message(role, _text(content, f"{where}.content") if content else "", called)
    call_id = given.get("tool_call_id") if role == "tool" else None
    text = _text(given.get("content"), f"{where}.content")
    return Message(str(role), text, call_id=None if call_id is None else str(call_id))


def _text(content: object, where: str) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list) and content:
        return "\n".join(_part(part, f"{where}[{i}]") for i, part in enumerate(content))
    raise wrong(f"{where} must be text or a list of text parts.", where)


def _part(part: Any, where: str) -> str:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind != "text":
        raise wrong(
            f"{where}: a part of type {kind!r} is not read; only text parts are.",
            where,
            code="unsupported",
        )
    if not isinstance(part.get("text"), str):
        raise wrong(f"{where}.text must be text.", where)
    return str(part["text"])
