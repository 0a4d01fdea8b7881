"""Label scores from the log-probabilities of a chat answer.

A chat gives, for each token that it wrote, the most probable tokens of that position. A label's
score is followed along what was written until a token separates it from the other labels. The
score of a label is the probability of its beginning up to there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile

from tunesmith.errors import UnsupportedError
from tunesmith.records import Classification


@dataclass(frozen=True, slots=True)
class Position:
    """One token of an answer."""

    chosen: str
    candidates: Mapping[str, float]
    """Text to probability of the most probable tokens, the chosen one included."""


def check_labels(labels: Sequence[str]) -> None:
    """Refuse labels of which one begins another: the end of an answer has no log-probability.

    Raises:
        UnsupportedError: names the two labels.
    """
    for short, long in pairwise(sorted(labels)):
        if long.startswith(short):
            raise UnsupportedError(
                f"labels: {short!r} begins {long!r}, so that a chat gives no separate score of "
                "the shorter one; take other label texts, or --option reading=text"
            )


def tokens_needed(labels: Sequence[str]) -> int:
    """Return the number of tokens that separate ``labels``, however they are tokenized."""
    # Sorted neighbors share the most. A token has a byte at least; white space may come first.
    return max(map(_shared_bytes, pairwise(sorted(labels))), default=0) + 2


def read_scores(positions: Sequence[Position], labels: Sequence[str]) -> Classification:
    """Return the probability of each label; ``mass`` is what they have together.

    A label that is not among the candidates gets the probability of the least of them at most. If
    no label is, all have the same.
    """
    walk = _Walk(labels)
    for position in positions:
        if not walk.read(position):
            break
    return walk.result(positions)


@dataclass(slots=True)
class _Walk:
    labels: Sequence[str]
    rest: dict[str, str] = field(init=False)
    """The labels that the answer may still become, each with what is left of it."""
    found: dict[str, float] = field(init=False, default_factory=dict)
    scale: float = 1.0
    """Probability of what was written so far."""

    def __post_init__(self) -> None:
        self.rest = {label: label for label in self.labels}

    def read(self, position: Position) -> bool:
        """Take the candidates of a position; return whether the next one is needed."""
        # Only the first token of an answer may begin with white space that is no part of a label.
        begun = len(self.rest) < len(self.labels) or any(r != x for x, r in self.rest.items())
        chosen = position.chosen if begun else position.chosen.lstrip()
        if not begun and not chosen:
            self.scale *= position.candidates[position.chosen]
            return True
        followed = list(_matching(self.rest, chosen))
        for token, probability in position.candidates.items():
            text = token if begun else token.lstrip()
            matching = list(_matching(self.rest, text))
            if token == position.chosen and len(followed) > 1:
                continue  # the next position separates them
            for label in matching:
                share = self.scale * probability / len(matching)
                self.found[label] = self.found.get(label, 0.0) + share
        self.scale *= position.candidates[position.chosen]
        self.rest = {label: self.rest[label][len(chosen) :] for label in followed}
        return len(followed) > 1

    def result(self, positions: Sequence[Position]) -> Classification:
        known = math.fsum(self.found.values())
        if left := [label for label in self.labels if label not in self.found]:
            first = positions[0].candidates.values() if positions else ()
            unseen = max(0.0, min(min(first, default=0.0), 1 - math.fsum(first)))
            self.found |= dict.fromkeys(left, unseen / len(left))
        total = math.fsum(self.found.values())
        even = 1 / len(self.labels)
        return Classification(
            probabilities={
                label: self.found[label] / total if total else even for label in self.labels
            },
            mass=min(known, 1.0),
        )


def _shared_bytes(pair: tuple[str, str]) -> int:
    equal = takewhile(lambda both: both[0] == both[1], zip(*pair, strict=False))
    return sum(len(character.encode()) for character, _ in equal)


def _matching(rest: Mapping[str, str], text: str) -> Iterator[str]:
    """Yield the labels that continue with ``text``. White space may follow a whole label."""
    for label, left in rest.items():
        if text and (left.startswith(text) or left == text.rstrip()):
            yield label
