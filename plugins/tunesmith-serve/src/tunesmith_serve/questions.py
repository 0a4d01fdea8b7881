"""Closed questions and their answers, as both wires ask and answer them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["noul", "choice", "score"]
"""Yes or no; one of several options; a level of an ordered scale."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a question."""

    name: str
    """``true`` or ``false``, the name of a choice, or the number of a level from 0."""
    description: Any = None
    """Text, or an object or array that is rendered as JSON."""


@dataclass(frozen=True, slots=True)
class Question:
    """One closed question."""

    kind: Kind
    options: tuple[Option, ...]
    instructions: Any = None
    """Text, or an object or array that is rendered as JSON."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The probability of each option, in the order of the question."""

    probabilities: tuple[float, ...]
    extras: dict[str, Any] = field(default_factory=dict)
    """Fields with the prefix ``x_``."""

    @property
    def best(self) -> int:
        """The place of the most probable option, the first of equals."""
        return max(range(len(self.probabilities)), key=self.probabilities.__getitem__)

    @property
    def score(self) -> float:
        """The expected level."""
        return sum(level * share for level, share in enumerate(self.probabilities))


def choice_confidence(probabilities: Sequence[float]) -> float:
    """Return how far the highest probability is above chance, 0 to 1.

    The reference formula of the System One API, as jevcompat gives it.
    """
    chance = 1 / len(probabilities)
    return max(0.0, (max(probabilities) - chance) / (1 - chance))


def score_confidence(probabilities: Sequence[float]) -> float:
    """Return how near the probabilities are to the most probable level, 0 to 1.

    One minus their mean distance to it, relative to that of equal probabilities to the middle: the
    reference formula of the System One API, as jevcompat gives it.
    """
    count = len(probabilities)
    best = max(range(count), key=probabilities.__getitem__)
    distance = sum(share * abs(level - best) for level, share in enumerate(probabilities))
    uniform = sum(abs(level - (count - 1) / 2) for level in range(count)) / count
    return max(0.0, 1 - distance / uniform)
