"""Phrases: a template, its polarity and its role in a review.

Banks are plain text, one phrase a line. A mark comes first: ``+`` or ``-`` for
the polarity, then ``f`` for a terse fragment, ``m`` for a mild remark that may
contradict the verdict, nothing for a whole clause.
``@ name`` opens a section. Phrases start in lower case and carry no
full stop; an indented line continues the one above.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from recipe.grammar.review import DEPARTMENT_OF, VERDICTS

SLOT = re.compile(r"\{(\w+)\}")
_CONTINUED = re.compile(r"\n {4,}")
KINDS = {"": "clause", "f": "fragment", "m": "mild"}


@dataclass(frozen=True, slots=True)
class Phrase:
    """One template.

    Attributes:
        parts: Literal text at even positions, slot names at odd positions.
        aspect: Section of the phrase.
        positive: Polarity.
        kind: ``clause``, ``fragment`` or ``mild``.
    """

    parts: tuple[str, ...]
    aspect: str
    positive: bool
    kind: str


def split_slots(template: str) -> tuple[str, ...]:
    """Split ``a {b} c`` into ``("a ", "b", " c")``."""
    return tuple(SLOT.split(template))


def parse_phrase(line: str, aspect: str) -> Phrase:
    """Read one marked line; ``| aspect`` at its end overrides the section.

    Raises:
        ValueError: If the mark or the aspect is unknown.
    """
    mark, _, body = line.partition(" ")
    body, _, own_aspect = body.partition(" | ")
    kind = KINDS.get(mark[1:])
    aspect = own_aspect.strip() or aspect
    if mark[:1] not in {"+", "-"} or kind is None:
        raise ValueError(f"phrase bank: unknown mark {mark!r} in {line!r}; use + or -, then f or m")
    if own_aspect and aspect not in {*DEPARTMENT_OF, *VERDICTS}:
        raise ValueError(f"phrase bank: unknown aspect {aspect!r} in {line!r}")
    return Phrase(split_slots(body.strip()), aspect, mark[0] == "+", kind)


def sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each ``@ name`` section with its non-empty lines."""
    for block in re.split(r"^@ ", _CONTINUED.sub(" ", text), flags=re.MULTILINE)[1:]:
        name, *lines = block.splitlines()
        yield name.strip(), [line.strip() for line in lines if line.strip()]
