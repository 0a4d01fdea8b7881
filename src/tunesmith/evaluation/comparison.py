"""Whether one model is better than another on the same rows, by an exact paired test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from tunesmith.errors import RunError
from tunesmith.evaluation.metrics import cohen_kappa
from tunesmith.evaluation.statistics import ALPHA, holm, paired_interval, paired_p, rows_for_margins
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
        interval = ", interval {:+.3f} to {:+.3f}".format(*self.interval) if self.interval else ""
        needed = (
            f"about {self.rows_needed} rows would show a difference of this size with 80 % power"
        )
        parts = [
            f"{self._side(self.first, self.first_correct, self.first_unparsable)} against "
            f"{self._side(self.second, self.second_correct, self.second_unparsable)}{self._seeds}",
            f"difference {self.difference:+.3f}{interval}",
            f"only {self.first} right {self.first_only}, only {self.second} right "
            f"{self.second_only}",
            self._tested,
            *([] if self.rows_needed is None else [needed]),
        ]
        apart = ""
        if self.by_format and self.labeled:
            apart = (
                f"a difference of format, {self.labeled.verdict} on the {self.labeled.rows} rows "
                "to which both gave a label; all rows: "
            )
        return f"{apart}{self.verdict}: {'; '.join(parts)}"

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

    @property
    def _tested(self) -> str:
        test = "exact McNemar" if self.seeds == 1 else "exact sign-flip and score test"
        corrected = "" if self.corrected_p is None else f", Holm {p_text(self.corrected_p)}"
        return f"{test} {p_text(self.p_value)}{corrected}"

    @property
    def _seeds(self) -> str:
        return f" ({self.seeds} seeds, {self.rows} rows)" if self.seeds > 1 else ""

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

    Args:
        firsts: the answers of the first model, for each seed.
        seconds: those of the second, for as many seeds.
        names: of the two models.

    Raises:
        RunError: not the same rows, or not as many seeds.
    """
    by_row = _by_row(firsts, seconds, names)
    found = [d for first, second in by_row if (d := _disagreement(first, second))]
    first_correct, second_correct = (
        sum(_right(p) for answers in side for p in answers) for side in (firsts, seconds)
    )
    first_unparsable, second_unparsable = (
        sum(p.label is None for answers in side for p in answers) for side in (firsts, seconds)
    )
    agreement, kappa = _agreement(by_row)
    measured = Comparison(
        first=names[0],
        second=names[1],
        rows=len(by_row),
        seeds=len(firsts),
        first_correct=first_correct,
        second_correct=second_correct,
        first_unparsable=first_unparsable,
        second_unparsable=second_unparsable,
        first_only=sum(d.first_is_right for d in found),
        second_only=sum(not d.first_is_right for d in found),
        difference=(first_correct - second_correct) / (len(by_row) * len(firsts)),
        p_value=1.0,
        verdict="not established",
        agreement=agreement,
        kappa=kappa,
        labeled=_labeled(by_row),
        disagreements=tuple(found),
    )
    p_value = paired_p(measured.margins, measured.rows, measured.seeds)
    return _judged(measured.model_copy(update={"p_value": p_value}), p_value, ALPHA)


def correct(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons with Holm's correction for their number; the verdicts follow it.

    Each interval widens to the level at which Holm tests that comparison, so that it leaves out 0
    exactly if the verdict is a difference.
    """
    corrected = holm([c.p_value for c in comparisons])
    return [
        # A p that is too small for a float is 0, and stays 0 when it is corrected.
        _judged(c.model_copy(update={"corrected_p": p}), p, ALPHA * c.p_value / p if p else ALPHA)
        for c, p in zip(comparisons, corrected, strict=True)
    ]


def _judged(found: Comparison, p_value: float, alpha: float) -> Comparison:
    verdict = verdict_of(p_value, found.difference)
    margins, rows, seeds = found.margins, found.rows, found.seeds
    needed = None
    if verdict == "not established" and found.difference > 0:
        needed = rows_for_margins(margins, rows, seeds, alpha=alpha)
    interval = paired_interval(margins, rows, seeds, alpha)
    return found.model_copy(
        update={"verdict": verdict, "interval": interval, "rows_needed": needed}
    )


def verdict_of(p_value: float, difference: float) -> Verdict:
    """Return the verdict of a two-sided p and the sign of a difference."""
    if p_value >= ALPHA:
        return "not established"
    return "established" if difference > 0 else "wrong direction"


def by_format(kept: LabeledRows, verdict: Verdict, difference: float, times: float = 1.0) -> bool:
    """Return whether ``verdict`` would differ on the rows to which both gave a label.

    Args:
        kept: the comparison on those rows.
        verdict: on all rows.
        difference: in accuracy, on all rows.
        times: the factor by which Holm's correction raised p.
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


def _right(prediction: Prediction) -> bool:
    return prediction.label is not None and prediction.label == prediction.expected


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
    one, other = ([sorted(answers, key=_row) for answers in side] for side in (firsts, seconds))
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


def _row(prediction: Prediction) -> int:
    return prediction.row


def _agreement(by_row: Sequence[_Row]) -> tuple[float, float | None]:
    pairs = [(repr(a.label), repr(b.label)) for one, other in by_row for a in one for b in other]
    agreement = sum(a == b for a, b in pairs) / len(pairs)
    said = {label for pair in pairs for label in pair}
    if len(said) == 1:  # chance alone agrees on everything: kappa is 0 / 0
        return agreement, None
    return agreement, cohen_kappa(*zip(*pairs, strict=True))


def labeled_rows(margins: Counter[int], rows: int, seeds: int = 1) -> LabeledRows:
    """Return the comparison on ``rows`` rows with these margins."""
    p_value = paired_p(margins, rows, seeds) if rows else 1.0
    return LabeledRows(
        rows=rows,
        first_only=sum(number for margin, number in margins.items() if margin > 0),
        second_only=sum(number for margin, number in margins.items() if margin < 0),
        p_value=p_value,
        verdict=verdict_of(p_value, sum(m * number for m, number in margins.items())),
    )


def _labeled(by_row: Sequence[_Row]) -> LabeledRows | None:
    kept = [row for row in by_row if all(p.label is not None for side in row for p in side)]
    if len(kept) == len(by_row):
        return None
    margins = Counter(_margin(*row) for row in kept)
    del margins[0]
    return labeled_rows(margins, len(kept), len(by_row[0][0]))


def _margin(first: Sequence[Prediction], second: Sequence[Prediction]) -> int:
    return sum(map(_right, first)) - sum(map(_right, second))


def _disagreement(
    first: tuple[Prediction, ...], second: tuple[Prediction, ...]
) -> Disagreement | None:
    margin = _margin(first, second)
    if not margin:
        return None
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
    return str(prediction.label) if decided else prediction.text
