"""Chat as text generation: the messages of a chat become one prompt.

* A **base model with a chat template** reads the messages in this template. The backend renders it.
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
from tunesmith_serve.refusals import wrong

ROLES = ("system", "user", "assistant", "tool")


@dataclass(frozen=True, slots=True)
class Message:
    """One turn."""

    role: str
    text: str

    @property
    def line(self) -> str:
        """The turn as a line of the prompt."""
        return f"{self.role.capitalize()}: {self.text}"


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
    """Return the messages for a chat template.

    Raises:
        Refusal: 400, a message is a tool's; it is named. Templates do not render these.
    """
    for index, message in enumerate(messages):
        if message.role == "tool":
            where = f"messages[{index}].role"
            raise wrong(f"{where}: messages of a tool are not read by a chat template.", where)
    return [Turn.model_validate({"role": m.role, "content": m.text}) for m in messages]


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
    if role == "assistant" and calls and not given.get("content"):
        return Message(role, json.dumps(calls, ensure_ascii=False))
    return Message(str(role), _text(given.get("content"), f"{where}.content"))


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
