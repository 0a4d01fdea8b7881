"""The findings of an audit, each with a message for people and a code for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from tunesmith.records import Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Places = Sequence[int] | NDArray[np.int64]
    """Numbers of rows, from 0."""

Severity = Literal["problem", "warning", "note"]
Part = Literal["train", "test"]

SEVERITIES: tuple[Severity, ...] = ("problem", "warning", "note")
"""The most serious first. A problem makes the results of a run less meaningful than they look."""

SHOWN_ROWS = 5
SHOWN_CHARACTERS = 160


class Finding(Record):
    """One thing that was found."""

    severity: Severity
    code: str
    """The kind of finding. Codes are stable, for programs."""
    message: str
    """A finding with its number, its rows and the remedy."""
    part: Part | None = None
    """The part that ``rows`` belong to."""
    rows: tuple[int, ...] = ()
    """Examples, as indices from 0."""


def finding(
    severity: Severity,
    code: str,
    what: str,
    remedy: str = "",
    part: Part | None = None,
    rows: Places = (),
) -> Finding:
    """Return a finding whose message names the first few of ``rows``."""
    shown = tuple(int(row) for row in rows[:SHOWN_ROWS])
    if shown:
        more = ", …" if len(rows) > len(shown) else ""
        listed = f"{verb(len(rows), 'row', 'rows')} {', '.join(map(str, shown))}{more}"
        what = f"{what} ({part} {listed})"
    message = f"{what}. {remedy}" if remedy else what
    return Finding(severity=severity, code=code, message=message, part=part, rows=shown)


def counted(number: int, noun: str) -> str:
    """Return ``1 row`` or ``2 rows``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def verb(number: int, one: str, many: str) -> str:
    """Return ``one`` for the number 1, else ``many``."""
    return one if number == 1 else many


def rows_that(number: int, total: int, part: Part, one: str, many: str) -> str:
    """Return ``2 of 9 test rows have`` or the like, with the verb ``one`` or ``many``."""
    noun = "training row" if part == "train" else "test row"
    return f"{number:,} of {counted(total, noun)} {verb(number, one, many)}"


def quoted(text: str) -> str:
    """Return ``text`` in quotes, on one line, shortened if it is long."""
    shown = repr(text)
    return shown if len(shown) <= SHOWN_CHARACTERS else f"{shown[: SHOWN_CHARACTERS - 2]}…'"
