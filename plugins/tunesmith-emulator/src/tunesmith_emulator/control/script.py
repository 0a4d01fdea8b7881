"""The scripted answers of an emulator, with the numbers of the calls that they match."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tunesmith_emulator.scripted_answer import Match, ScriptedAnswer


@dataclass(frozen=True, slots=True)
class Asked:
    """The parts of a request that answers are matched with."""

    route: str
    model: str
    deployment: str | None
    texts: tuple[str, ...]
    """The prompt, or each message of a conversation."""


class Script:
    """The scripted answers. Those that were placed last are tried first.

    Args:
        first: the answers at the start, and after a reset.
    """

    def __init__(self, first: Sequence[ScriptedAnswer] = ()) -> None:
        self._first = tuple(first)
        self._lock = threading.Lock()
        self.reset()

    @property
    def empty(self) -> bool:
        """Whether there are no answers."""
        return not self._answers

    def reset(self) -> None:
        """Keep only the answers of the start, and count from 0 again."""
        with self._lock:
            self._placed = 0
            self._answers: list[tuple[ScriptedAnswer, int]] = self._numbered(self._first)

    def clear(self) -> None:
        """Delete all answers."""
        with self._lock:
            self._answers = []

    def place(self, answers: Sequence[ScriptedAnswer]) -> None:
        """Place answers before the earlier ones, in their order."""
        with self._lock:
            self._answers = [*self._numbered(answers), *self._answers]

    def listed(self) -> list[dict[str, Any]]:
        """Return the answers in the order of the search, each with the number of calls so far."""
        with self._lock:
            return [
                {**answer.model_dump(mode="json", exclude_none=True), "calls": calls}
                for answer, calls in self._answers
            ]

    def next(self, asked: Asked) -> ScriptedAnswer | None:
        """Count a call for each answer that matches it, and return the first one for it."""
        hit = None
        with self._lock:
            for index, (answer, calls) in enumerate(self._answers):
                if not _matches(answer.match, asked):
                    continue
                self._answers[index] = (answer, calls + 1)
                if hit is None and answer.match.nth in (None, calls + 1):
                    hit = answer
        return hit

    def _numbered(self, answers: Sequence[ScriptedAnswer]) -> list[tuple[ScriptedAnswer, int]]:
        named = []
        for answer in answers:
            self._placed += 1
            name = answer.name or f"#{self._placed}"
            named.append((answer.model_copy(update={"name": name}), 0))
        return named


def _matches(match: Match, asked: Asked) -> bool:
    named = match.deployment is None or fnmatchcase(asked.deployment or "", match.deployment)
    last = asked.texts[-1] if asked.texts else ""
    return (
        named
        and fnmatchcase(asked.route, match.route)
        and fnmatchcase(asked.model, match.model)
        and (match.prompt is None or any(re.search(match.prompt, text) for text in asked.texts))
        and (match.last_message is None or re.search(match.last_message, last) is not None)
    )
