"""Whether one model is better than another on the same rows, by an exact paired test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Literal

from tunesmith.errors import RunError
from tunesmith.evaluation import statistics
from tunesmith.evaluation.metrics import cohen_kappa, is_right
from tunesmith.evaluation.statistics import ALPHA
from tunesmith.records import Prediction, Record

Verdict = Literal["established", "not established", "wrong direction"]
Answers = Sequence[Prediction]


class Disagreement(Record):
    """A row on which one model is right more often than the other."""

    row: int
    input: str
    expected: str
    first: str
    """The answer of the first model: the label of a decision, else the text; with several seeds,
    the answer of each."""
    second: str
    first_is_right: bool
    """Whether the first is right, or right on more seeds."""
    lead: int = 1
    """The number of seeds more."""


class LabeledRows(Record):
    """A comparison on only those rows to which both models gave a label on every seed."""

    rows: int
    first_only: int
    """As in :class:`Comparison`."""
    second_only: int
    p_value: float
    """Two-sided, of the same test, not corrected."""
    verdict: Verdict
    """From that p."""


class Comparison(Record):
    """Whether ``first`` beats ``second``.

    Records of tunesmith 0.1.0 lack the fields that have a default here.
    """

    first: str
    second: str
    rows: int
    seeds: int = 1
    """The number of seeds of each model."""
    first_correct: int
    """Right answers of the first, of ``rows * seeds``."""
    second_correct: int
    first_unparsable: int | None = None
    """Answers of the first that are no label; they are among the wrong ones."""
    second_unparsable: int | None = None
    first_only: int
    """Rows that only the first gets right, or gets right on more seeds."""
    second_only: int
    difference: float
    """Accuracy of the first less that of the second."""
    interval: tuple[float, float] | None = None
    """Of the difference, at 95 %, or at the higher level that Holm's correction requires. It leaves
    out 0 unless the verdict is ``not established``."""
    p_value: float
    """Two-sided, of the exact McNemar test; for several seeds, see ``statistics.paired_p``."""
    corrected_p: float | None = None
    """Holm's, if this is one of several comparisons; then it decides."""
    verdict: Verdict
    rows_needed: int | None = None
    """If the first is ahead and that is not established: about how many rows would establish such
    a difference with 80 % power."""
    agreement: float | None = None
    """Share of answers that are the same label; two unparsable ones are the same. With several
    seeds, over every pair of a seed of the first and a seed of the second."""
    kappa: float | None = None
    """Cohen's kappa over the same answers; None if all answers are the same."""
    labeled: LabeledRows | None = None
    """The comparison without the rows on which an answer is no label. None if there is no such row,
    and in older records."""
    disagreements: tuple[Disagreement, ...]

    @property
    def line(self) -> str:
        """The verdict in one line, with a remark if answers that are no label decide it."""
        seeds = f" ({self.seeds} seeds, {self.rows} rows)" if self.seeds > 1 else ""
        interval = ", interval {:+.3f} to {:+.3f}".format(*self.interval) if self.interval else ""
        test = "exact McNemar" if self.seeds == 1 else "exact sign-flip and score test"
        corrected = "" if self.corrected_p is None else f", Holm {p_text(self.corrected_p)}"
        said = (
            f"{self.verdict}: {self._side(self.first, self.first_correct, self.first_unparsable)} "
            f"against {self._side(self.second, self.second_correct, self.second_unparsable)}{seeds}"
            f"; difference {self.difference:+.3f}{interval}; only {self.first} right "
            f"{self.first_only}, only {self.second} right {self.second_only}; "
            f"{test} {p_text(self.p_value)}{corrected}"
        )
        if self.rows_needed is not None:
            said += (
                f"; about {self.rows_needed} rows would show a difference of this size "
                "with 80 % power"
            )
        if not self.by_format or self.labeled is None:
            return said
        return (
            f"a difference of format, {self.labeled.verdict} on the {self.labeled.rows} rows "
            f"to which both gave a label; all rows: {said}"
        )

    @property
    def by_format(self) -> bool:
        """Whether answers that are no label decide the verdict; see :func:`by_format`."""
        p_value = self.p_value if self.corrected_p is None else self.corrected_p
        times = p_value / self.p_value if self.p_value else 1.0
        return self.labeled is not None and by_format(
            self.labeled, self.verdict, self.difference, times
        )

    @property
    def margins(self) -> Counter[int]:
        """Rows by margin, the number of seeds on which the first is right more; without 0."""
        return Counter(d.lead if d.first_is_right else -d.lead for d in self.disagreements)

    def _side(self, name: str, correct: int, unparsable: int | None) -> str:
        answers = self.rows * self.seeds
        apart = f" ({unparsable} unparsable)" if unparsable else ""
        return f"{name} {correct}/{answers} = {correct / answers:.3f}{apart}"


def compare(
    first: Answers, second: Answers, names: tuple[str, str] = ("tuned", "base")
) -> Comparison:
    """Compare two models row by row. An unparsable answer is wrong, and counted separately.

    Raises:
        RunError: the two did not answer the same rows.
    """
    return compare_seeds([first], [second], names)


def compare_seeds(
    firsts: Sequence[Answers],
    seconds: Sequence[Answers],
    names: tuple[str, str] = ("tuned", "base"),
) -> Comparison:
    """Compare two models, each of which answered the same rows once for every seed.

    The unit stays the row: more seeds are not more rows.

    Raises:
        RunError: not the same rows, or not as many seeds.
    """
    by_row = _by_row(firsts, seconds, names)
    rows, seeds = len(by_row), len(firsts)
    first_correct, second_correct = _count(is_right, firsts), _count(is_right, seconds)
    agreement, kappa = _agreement(by_row)
    tested = labeled_rows(_margins(by_row), rows, seeds)
    measured = Comparison(
        first=names[0],
        second=names[1],
        rows=rows,
        seeds=seeds,
        first_correct=first_correct,
        second_correct=second_correct,
        first_unparsable=_count(_unparsable, firsts),
        second_unparsable=_count(_unparsable, seconds),
        first_only=tested.first_only,
        second_only=tested.second_only,
        difference=(first_correct - second_correct) / (rows * seeds),
        p_value=tested.p_value,
        verdict=tested.verdict,
        agreement=agreement,
        kappa=kappa,
        labeled=_labeled(by_row),
        disagreements=tuple(_disagreement(*row) for row in by_row if _margin(*row)),
    )
    return _judged(measured, measured.p_value, ALPHA)


def correct(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons with Holm's correction for their number; the verdicts follow it.

    Each interval widens to the level at which Holm tests that comparison, so that it leaves out 0
    exactly if the verdict is a difference.
    """
    corrected = statistics.holm([c.p_value for c in comparisons])
    return [
        # A p that is too small for a float is 0, and stays 0 when it is corrected.
        _judged(c.model_copy(update={"corrected_p": p}), p, ALPHA * c.p_value / p if p else ALPHA)
        for c, p in zip(comparisons, corrected, strict=True)
    ]


def _judged(found: Comparison, p_value: float, alpha: float) -> Comparison:
    verdict = verdict_of(p_value, found.difference)
    paired = found.margins, found.rows, found.seeds, alpha
    lacking = verdict == "not established" and found.difference > 0
    needed = statistics.rows_for_margins(*paired) if lacking else None
    update = {
        "verdict": verdict,
        "interval": statistics.paired_interval(*paired),
        "rows_needed": needed,
    }
    return found.model_copy(update=update)


def verdict_of(p_value: float, difference: float) -> Verdict:
    """Return the verdict of a two-sided p and the sign of a difference."""
    if p_value >= ALPHA:
        return "not established"
    return "established" if difference > 0 else "wrong direction"


def by_format(kept: LabeledRows, verdict: Verdict, difference: float, times: float = 1.0) -> bool:
    """Return whether ``verdict`` would differ on the rows to which both gave a label.

    ``verdict`` and ``difference`` are those of all rows; Holm's correction raised p ``times``.
    """
    without = verdict_of(min(1.0, kept.p_value * times), kept.first_only - kept.second_only)
    if verdict == "not established":
        # "Does as well" would be wrong of a model that lost rows only because of their format.
        return difference <= 0 and without == "established"
    return without != verdict


def p_text(p_value: float) -> str:
    """Return ``p = 0.031`` or ``p < 0.0001``."""
    shown = format_p(p_value)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"


def format_p(p_value: float) -> str:
    """Return p with two significant digits, or ``< 0.0001``."""
    return "< 0.0001" if p_value < 0.0001 else f"{p_value:.2g}"


def _unparsable(prediction: Prediction) -> bool:
    return prediction.label is None


def _count(counted: Callable[[Prediction], bool], side: Sequence[Answers]) -> int:
    return sum(map(counted, chain.from_iterable(side)))


_Row = tuple[tuple[Prediction, ...], tuple[Prediction, ...]]
"""The answers of each seed of the first and of the second model to one row."""


def _by_row(
    firsts: Sequence[Answers], seconds: Sequence[Answers], names: tuple[str, str]
) -> list[_Row]:
    if not firsts or len(firsts) != len(seconds):
        raise RunError(
            f"cannot compare: {names[0]} has {len(firsts)} seeds and {names[1]} {len(seconds)}; "
            "run both with the same seeds"
        )
    one, other = (
        [sorted(answers, key=attrgetter("row")) for answers in side] for side in (firsts, seconds)
    )
    for answers in one:
        _refuse_other_rows(one[0], answers, (names[0], f"another seed of {names[0]}"))
    for answers in other:
        _refuse_other_rows(one[0], answers, names)
    return list(zip(zip(*one, strict=True), zip(*other, strict=True), strict=True))


def _refuse_other_rows(first: Answers, second: Answers, names: tuple[str, str]) -> None:
    if not first or len(first) != len(second):
        raise RunError(
            f"cannot compare: {names[0]} has {len(first)} rows and {names[1]} {len(second)}; "
            "run both on the same test file"
        )
    for a, b in zip(first, second, strict=True):
        for field in ("row", "input", "expected"):
            here, there = getattr(a, field), getattr(b, field)
            if here != there:
                raise RunError(
                    f"cannot compare: row {a.row} of {names[0]} and row {b.row} of {names[1]} are "
                    f"different rows: {field} {here!r:.60} and {there!r:.60}; "
                    "run both on the same test file"
                )


def _agreement(by_row: Sequence[_Row]) -> tuple[float, float | None]:
    pairs = [(repr(a.label), repr(b.label)) for one, other in by_row for a in one for b in other]
    agreement = sum(a == b for a, b in pairs) / len(pairs)
    said = {label for pair in pairs for label in pair}
    if len(said) == 1:  # chance alone agrees on everything: kappa is 0 / 0
        return agreement, None
    return agreement, cohen_kappa(*zip(*pairs, strict=True))


def labeled_rows(margins: Counter[int], rows: int, seeds: int = 1) -> LabeledRows:
    """Return the comparison on ``rows`` rows with these margins."""
    p_value = statistics.paired_p(margins, rows, seeds) if rows else 1.0
    return LabeledRows(
        rows=rows,
        first_only=sum(number for margin, number in margins.items() if margin > 0),
        second_only=sum(number for margin, number in margins.items() if margin < 0),
        p_value=p_value,
        verdict=verdict_of(p_value, statistics.total(margins)),
    )


def _labeled(by_row: Sequence[_Row]) -> LabeledRows | None:
    kept = [row for row in by_row if not any(map(_unparsable, chain(*row)))]
    if len(kept) == len(by_row):
        return None
    return labeled_rows(_margins(kept), len(kept), len(by_row[0][0]))


def _margins(by_row: Sequence[_Row]) -> Counter[int]:
    return Counter(margin for row in by_row if (margin := _margin(*row)))


def _margin(first: Sequence[Prediction], second: Sequence[Prediction]) -> int:
    return sum(map(is_right, first)) - sum(map(is_right, second))


def _disagreement(first: Sequence[Prediction], second: Sequence[Prediction]) -> Disagreement:
    margin = _margin(first, second)
    return Disagreement(
        row=first[0].row,
        input=first[0].input,
        expected=first[0].expected or "",
        first=" | ".join(map(_said, first)),
        second=" | ".join(map(_said, second)),
        first_is_right=margin > 0,
        lead=abs(margin),
    )


def _said(prediction: Prediction) -> str:
    decided = prediction.answer == "decision" and prediction.label is not None
    return str(prediction.label) if decided else prediction.text or ""
