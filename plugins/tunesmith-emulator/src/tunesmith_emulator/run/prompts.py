"""The answers to prompts: those of ``--answer PATTERN=TEXT``, and made-up ones."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from tunesmith.errors import ExperimentError

_KEY = r"api[\s_-]*key"
_PROJECT = r"\b(project|space)[\s_-]*(id|guid)\b"


class Answer(NamedTuple):
    """A text for the prompts in which ``pattern`` occurs, in upper or lower case."""

    pattern: str
    """A regular expression."""
    text: str
    source: str
    """The origin of the text, for the user."""


def parse_answers(values: Iterable[str]) -> tuple[Answer, ...]:
    """Read ``PATTERN=TEXT`` pairs.

    Raises:
        ExperimentError: a pair has no pattern, or it is no regular expression.
    """
    return tuple(map(_answer, values))


def made_up(key: str, project: str) -> tuple[Answer, ...]:
    """Return the answers that every run has: they follow those of the user."""
    return (
        Answer(_KEY, key, "the emulator's API key, which is made up"),
        Answer(_PROJECT, project, "the emulator's project id, which is made up"),
    )


def _answer(value: str) -> Answer:
    pattern, equals, text = value.partition("=")
    if not pattern or not equals:
        raise ExperimentError(
            f"--answer {value}: write PATTERN=TEXT, e.g. 'region=us-south' for a prompt with "
            "'region' in it"
        )
    try:
        re.compile(pattern)
    except re.error as error:
        raise ExperimentError(
            f"--answer {value}: {pattern!r} is no regular expression: {error}; a backslash before "
            "a sign takes it as it is"
        ) from None
    return Answer(pattern, text, "the text of --answer")
