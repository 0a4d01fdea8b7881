"""Lengths of the rows, in characters, words and tokens of a base model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from tunesmith.audit.findings import Finding, Part, finding, rows_that
from tunesmith.methods import PLACEHOLDER, render
from tunesmith.records import Record


class Lengths(Record):
    """Lengths of the rows of one part."""

    minimum: int
    median: float
    maximum: int


class TokenCounts(Lengths):
    """Input tokens of the rows of one part, after the template."""

    truncated: int | None
    """Rows over ``max_input_tokens``, which are cut; None if the method has no limit."""


@dataclass(frozen=True, slots=True)
class Reader:
    """The way in which a model will read the rows."""

    tokenize: Callable[[Sequence[str]], list[tuple[str, ...]]]
    template: str = PLACEHOLDER
    limit: int | None = None
    """``max_input_tokens``."""

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, with the template."""
        return [len(t) for t in self.tokenize([render(self.template, text) for text in texts])]


def lengths_of(counts: Sequence[int]) -> Lengths | None:
    """Return the summary of ``counts``; None if there are no rows."""
    if not counts:
        return None
    return Lengths(minimum=min(counts), median=median(counts), maximum=max(counts))


def token_counts(counts: Sequence[int], limit: int | None) -> TokenCounts:
    """Return the summary of the token counts of one row or more."""
    return TokenCounts(
        minimum=min(counts),
        median=median(counts),
        maximum=max(counts),
        truncated=None if limit is None else sum(count > limit for count in counts),
    )


def length_findings(counts: Sequence[int], limit: int | None, part: Part) -> Iterator[Finding]:
    """Yield a finding if rows of ``part`` are cut."""
    cut = [row for row, count in enumerate(counts) if limit is not None and count > limit]
    if not cut:
        return
    what = (
        f"{rows_that(len(cut), len(counts), part, 'has', 'have')} more than {limit} tokens and "
        "will be cut from the left"
    )
    remedy = f"Set method.max_input_tokens={max(counts)}, the longest row, or shorten the rows"
    yield finding("warning", f"truncated_{part}_rows", what, remedy, part, cut)
