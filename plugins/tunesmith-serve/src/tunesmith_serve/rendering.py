"""The text in which a base model reads a closed question.

:func:`lettered` is the generic prompt of transformers' ``DecisionConfig`` (Apache-2.0, version
5.23): the options have letters, and the model answers with the letter of one of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from string import ascii_uppercase
from typing import Any

from tunesmith_serve.questions import Option, Question

LETTERS = tuple(ascii_uppercase)
"""The labels of the options of a choice or a score, in their order."""
YES_NO = ("Yes", "No")
"""The labels of a noul."""


def labels_of(question: Question) -> tuple[str, ...]:
    """Return the label of each option; there are at most 26."""
    return YES_NO if question.kind == "noul" else LETTERS[: len(question.options)]


def text_of(value: Any) -> str:
    """Return text as it is, nothing as an empty text, and other values as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def compact(value: Any) -> str:
    """Return text as it is, and other values as JSON without spaces."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def lettered(state: Any, question: Question) -> str:
    """Return the message of the user that asks for a label of :func:`labels_of`."""
    lines = filter(None, (text_of(question.instructions), *_lines(question)))
    return "\n".join([f"{text_of(state)}\n", "\n".join(lines), _request(question)])


def unlettered(state: Any, question: Question) -> str:
    """Return the message of the user that an option itself answers."""
    return "\n\n".join(filter(None, (text_of(state), text_of(question.instructions))))


def _lines(question: Question) -> Iterator[str]:
    for label, option in zip(labels_of(question), question.options, strict=True):
        text = text_of(option.description)
        if question.kind == "noul":
            yield f"{label}: {text}" if text else ""
        else:
            yield f"{label}. {_shown(question, option, text)}"


def _shown(question: Question, option: Option, text: str) -> str:
    if question.kind == "score":
        return text
    return f"{option.name}: {text}" if text else option.name


def _request(question: Question) -> str:
    labels = labels_of(question)
    if question.kind == "noul":
        return f"Answer {labels[0]} or {labels[1]} only."
    noun = "option" if question.kind == "choice" else "level"
    return (
        f"Answer with the letter of the {noun} that fits best ({labels[0]} to {labels[-1]}) only."
    )
