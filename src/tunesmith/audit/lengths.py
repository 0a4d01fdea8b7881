"""Lengths of the rows, in characters, words and tokens of a base model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunesmith.audit.findings import Finding, Part, finding, rows_that
from tunesmith.methods import PLACEHOLDER, render
from tunesmith.records import Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Counts = Sequence[int] | NDArray[np.int32]

BATCH = 1000
"""Texts whose tokens are in memory at one time."""


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

    def lengths(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """Return the number of tokens of each text, with the template."""
        import numpy as np

        found = np.empty(len(texts), dtype=np.int32)
        for start in range(0, len(texts), BATCH):
            part = [render(self.template, text) for text in texts[start : start + BATCH]]
            found[start : start + BATCH] = [len(tokens) for tokens in self.tokenize(part)]
        return found


def lengths_of(counts: Counts) -> Lengths | None:
    """Return the summary of ``counts``; None if there are no rows."""
    import numpy as np

    if not len(counts):
        return None
    least, most = int(np.min(counts)), int(np.max(counts))
    return Lengths(minimum=least, median=float(np.median(counts)), maximum=most)


def token_counts(counts: Counts, limit: int | None) -> TokenCounts | None:
    """Return the summary of the token counts of rows; None if there are no rows."""
    import numpy as np

    found = lengths_of(counts)
    if found is None:
        return None
    over = None if limit is None else int((np.asarray(counts) > limit).sum())
    return TokenCounts(**found.model_dump(), truncated=over)


def length_findings(counts: Counts, limit: int | None, part: Part) -> Iterator[Finding]:
    """Yield a finding if rows of ``part`` are cut."""
    import numpy as np

    if limit is None:
        return
    cut = np.flatnonzero(np.asarray(counts) > limit)
    if not len(cut):
        return
    what = (
        f"{rows_that(len(cut), len(counts), part, 'has', 'have')} more than {limit} tokens and "
        "will be cut from the left"
    )
    remedy = f"Set method.max_input_tokens={max(counts)}, the longest row, or shorten the rows"
    yield finding("warning", f"truncated_{part}_rows", what, remedy, part, cut)
