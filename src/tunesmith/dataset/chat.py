"""Rows in the chat format of OpenAI's fine-tuning files: ``{"messages": [...]}``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tunesmith.dataset.rows import Placed, Reread, Table
from tunesmith.errors import DatasetError

MESSAGES = "messages"


def has_messages(record: Any) -> bool:
    """Return whether ``record`` is in the chat format."""
    return isinstance(record, Mapping) and isinstance(record.get(MESSAGES), list)


def chat_rows(table: Table, *, answered: bool | None) -> Table:
    """Return the user's text of each row as ``input``, and the assistant's answer as ``output``.

    A system message that all rows share is not part of a row. One that differs comes before the
    text, with an empty line between.

    Args:
        table: rows with ``messages``.
        answered: whether each row needs an answer; None: it may have one.

    Raises:
        DatasetError: a row has no text of the user, no answer, or several.
    """
    systems = set[str]()
    for where, record in table.records:
        one = _turns(where, record)
        if len(systems) < 2:
            systems.add(one["system"])
    shared = systems.pop() if len(systems) == 1 else None
    records = Reread(lambda: _records(table, shared is not None, answered))
    notes = [f"{table.source}: the text is the user's message, the label the assistant's answer"]
    if shared:
        notes.append(
            f"{table.source}: the system message is the same in all rows, and is left out: "
            f"{shared!r:.120}"
        )
    return replace(table, records=records, notes=(*table.notes, *notes), class_names={}, chat=True)


def _records(table: Table, shared: bool, answered: bool | None) -> Iterator[Placed]:
    """Yield the records, without the system message if it is ``shared``."""
    for where, record in table.records:
        one = _turns(where, record)
        system = "" if shared else one["system"]
        found = {"input": "\n\n".join(filter(None, (system, one["user"])))}
        if one["assistant"]:
            found["output"] = one["assistant"]
        elif answered:
            raise DatasetError(f"{where}, field 'messages': no answer of the assistant; add one")
        yield where, found


def _turns(where: str, record: Any) -> dict[str, str]:
    """Return the text of each role."""
    if not has_messages(record):
        raise DatasetError(
            f"{where}: no field 'messages' with a list, as the first row has; add it"
        )
    said: dict[str, list[str]] = {"system": [], "user": [], "assistant": []}
    for number, message in enumerate(record[MESSAGES]):
        place = f"{where}, messages[{number}]"
        if not isinstance(message, Mapping):
            raise DatasetError(f"{place}: write an object with role and content")
        role = message.get("role")
        if role == "developer":
            role = "system"
        if not isinstance(role, str) or role not in said:
            raise DatasetError(
                f"{place}, field 'role': write system, user or assistant, not {role!r:.60}; a row "
                "for classification is a user's text and one answer"
            )
        said[role].append(_text(place, message.get("content")))
    if not said["user"]:
        raise DatasetError(f"{where}, field 'messages': no message of the user; add one")
    if len(said["assistant"]) > 1:
        raise DatasetError(
            f"{where}, field 'messages': {len(said['assistant'])} answers of the assistant; a row "
            "for classification has one. Split the conversation into rows"
        )
    return {role: "\n".join(texts) for role, texts in said.items()}


def _text(place: str, content: Any) -> str:
    """Return a message's text, given as a string or in parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(
        isinstance(part, Mapping) and isinstance(part.get("text"), str) for part in content
    ):
        return "".join(part["text"] for part in content)
    raise DatasetError(f"{place}, field 'content': write text, not {content!r:.60}")
