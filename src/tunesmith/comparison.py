"""Is one model better than another on the same rows? The paired exact McNemar test decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tunesmith.errors import RunError
from tunesmith.records import Prediction, Record

ALPHA = 0.05

Verdict = Literal["established", "not established", "wrong direction"]


class Disagreement(Record):
    """A row that one model gets right and the other wrong."""

    row: int
    input: str
    expected: str
    first: str
    """What the first model said."""
    second: str
    first_is_right: bool


class Comparison(Record):
    """Whether ``first`` beats ``second``."""

    first: str
    second: str
    rows: int
    first_correct: int
    second_correct: int
    first_only: int
    """Rows that only the first gets right."""
    second_only: int
    difference: float
    """Accuracy of the first less that of the second."""
    p_value: float
    """Two-sided, of the exact McNemar test."""
    verdict: Verdict
    disagreements: tuple[Disagreement, ...]

    @property
    def line(self) -> str:
        """The verdict in one line."""
        return (
            f"{self.verdict}: {self.first} {self.first_correct}/{self.rows} against "
            f"{self.second} {self.second_correct}/{self.rows} "
            f"({self.difference:+.3f}; only {self.first} right {self.first_only}, "
            f"only {self.second} right {self.second_only}; "
            f"exact McNemar {p_text(self.p_value)})"
        )


def compare(
    first: Sequence[Prediction],
    second: Sequence[Prediction],
    names: tuple[str, str] = ("tuned", "base"),
) -> Comparison:
    """Compare two models row by row. An unparsable answer is a wrong one.

    Raises:
        RunError: the two did not answer the same rows.
    """
    pairs = _paired(first, second, names)
    differing = [(a, b) for a, b in pairs if _right(a) != _right(b)]
    first_only = sum(_right(a) for a, _ in differing)
    second_only = len(differing) - first_only
    p_value = mcnemar_exact(first_only, second_only)
    return Comparison(
        first=names[0],
        second=names[1],
        rows=len(pairs),
        first_correct=sum(_right(a) for a, _ in pairs),
        second_correct=sum(_right(b) for _, b in pairs),
        first_only=first_only,
        second_only=second_only,
        difference=(first_only - second_only) / len(pairs),
        p_value=p_value,
        verdict=_verdict(p_value, first_only - second_only),
        disagreements=tuple(_disagreement(a, b) for a, b in differing),
    )


def mcnemar_exact(first_only: int, second_only: int) -> float:
    """Return the two-sided p of the exact McNemar test: a fair coin over the discordant rows."""
    from scipy.stats import binomtest

    discordant = first_only + second_only
    return float(binomtest(first_only, discordant).pvalue) if discordant else 1.0


def p_text(p_value: float) -> str:
    """Return ``p = 0.031`` or ``p < 0.0001``."""
    shown = format_p(p_value)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"


def format_p(p_value: float) -> str:
    """Return p with two significant digits, or ``< 0.0001``."""
    return "< 0.0001" if p_value < 0.0001 else f"{p_value:.2g}"


def _verdict(p_value: float, direction: int) -> Verdict:
    if p_value >= ALPHA:
        return "not established"
    return "established" if direction > 0 else "wrong direction"


def _right(prediction: Prediction) -> bool:
    return prediction.label is not None and prediction.label == prediction.expected


def _paired(
    first: Sequence[Prediction], second: Sequence[Prediction], names: tuple[str, str]
) -> list[tuple[Prediction, Prediction]]:
    if not first or len(first) != len(second):
        raise RunError(
            f"cannot compare: {names[0]} has {len(first)} rows and {names[1]} {len(second)}; "
            "run both on the same test file"
        )
    pairs = list(zip(sorted(first, key=_row), sorted(second, key=_row), strict=True))
    for a, b in pairs:
        if (a.row, a.input, a.expected) != (b.row, b.input, b.expected):
            raise RunError(
                f"cannot compare: row {a.row} of {names[0]} and row {b.row} of {names[1]} are "
                "different rows; run both on the same test file"
            )
    return pairs


def _row(prediction: Prediction) -> int:
    return prediction.row


def _disagreement(a: Prediction, b: Prediction) -> Disagreement:
    return Disagreement(
        row=a.row,
        input=a.input,
        expected=a.expected or "",
        first=a.text,
        second=b.text,
        first_is_right=_right(a),
    )
