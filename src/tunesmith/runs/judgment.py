"""The first line of a run: its own model against the strongest of its opponents.

Opponents are the untuned model beside a tuned one, and every baseline. The p of all comparisons
are corrected together by Holm's method. A pure function of the record: nothing is stored twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from tunesmith.audit.findings import counted
from tunesmith.evaluation.comparison import (
    Comparison,
    LabeledRows,
    Verdict,
    by_format,
    labeled_rows,
    verdict_of,
)
from tunesmith.evaluation.statistics import ALPHA, holm, rows_for_margins
from tunesmith.hookspecs import MethodKind
from tunesmith.labels import LabelSet
from tunesmith.records import Record

if TYPE_CHECKING:
    from tunesmith.runs.record import Baseline, RunRecord

Tone = Literal["good", "bad", "plain"]

UNTUNED, FEW_SHOT = "zero_shot", "few_shot"
NAMES = {UNTUNED: "the untuned model", FEW_SHOT: "few-shot prompting"}
"""The core's own methods in a sentence."""
_OF_EQUALS = (UNTUNED, FEW_SHOT, None)
"""Of equally accurate opponents the first of these is the strongest, then a classifier; None is
the base row."""


class Opponent(Record):
    """A model that a run's own one must beat, and whether it does."""

    name: str
    """In a sentence, e.g. ``TF-IDF`` or ``always saying 'no'``."""
    method: str | None
    """Of the baseline; None for the base row of the run."""
    kind: MethodKind | None = None
    """Of the baseline."""
    untuned: bool
    """Whether it is the untuned base model on the same rows."""
    rows: int
    correct: int
    unparsable: int
    accuracy: float
    difference: float
    """Accuracy of the own model less that of this one."""
    p_value: float
    """Two-sided, of the exact McNemar test."""
    corrected_p: float
    """After Holm, over all opponents."""
    verdict: Verdict
    """By the corrected p: ``established`` if the own model beats this one."""
    by_format: bool
    """Whether answers that are no label decide that: it would be another verdict without them, or
    by label scores."""


class Judgment(Record):
    """The verdict of a run in a line, with its grounds."""

    lead: str
    sentence: str
    tone: Tone
    own: str | None
    """The run's own model in words; None if it has no opponent."""
    own_correct: int = 0
    own_unparsable: int = 0
    about: int | None = None
    """Index in ``opponents`` of the one in the first line."""
    opponents: tuple[Opponent, ...] = ()
    """The most accurate first."""
    rows_needed: int | None = None
    """About how many rows would establish the difference that is not established."""

    @property
    def headline(self) -> str:
        """The first line."""
        return f"{self.lead} {self.sentence}"

    @property
    def opponent(self) -> Opponent | None:
        """The opponent that the first line is about."""
        return None if self.about is None else self.opponents[self.about]


def judge(record: RunRecord) -> Judgment:
    """Return the verdict of ``record``.

    "Established" needs McNemar's p < 0.05 against every opponent, Holm-corrected. "Beats" is
    never used for a difference of format.
    """
    found = _opponents(record)
    return _Verdicts(record, found).judgment() if found else _measured(record)


def compared(record: RunRecord) -> list[Comparison]:
    """Return the comparisons of a run's own model with its opponents, the most accurate first."""
    return [comparison for _, comparison in _sides(record)]


def majority_label(baseline: Baseline) -> str:
    """Return the one label of a constant baseline."""
    said = [sum(column) for column in zip(*baseline.evaluation.confusion, strict=True)]
    return [*baseline.evaluation.labels, ""][said.index(max(said))]


def _measured(record: RunRecord) -> Judgment:
    if not record.evaluations:
        sentence = f"the run is {record.status}."
        return Judgment(lead="Not evaluated:", sentence=sentence, tone="plain", own=None)
    own, evaluation = record.model_name(record.primary), record.evaluations[record.primary]
    rows = counted(evaluation.rows, "row")
    sentence = f"the {own} is right on {evaluation.correct} of {rows}."
    return Judgment(lead="Measured, not compared:", sentence=sentence, tone="plain", own=None)


def _sides(record: RunRecord) -> list[tuple[Baseline | None, Comparison]]:
    found: list[tuple[Baseline | None, Comparison]] = [(b, b.comparison) for b in record.baselines]
    if record.comparison is not None:
        found.append((None, record.comparison))
    return sorted(found, key=lambda side: (-side[1].second_correct, _place(side[0])))


def _place(baseline: Baseline | None) -> int:
    method = baseline.method if baseline else None
    if method in _OF_EQUALS:
        return _OF_EQUALS.index(method)
    classifier = baseline is not None and baseline.kind == "classifier"
    return len(_OF_EQUALS) + (not classifier)


def _opponents(record: RunRecord) -> tuple[Opponent, ...]:
    sides = _sides(record)
    corrected = holm([comparison.p_value for _, comparison in sides])
    return tuple(
        _opponent(record, baseline, comparison, p)
        for (baseline, comparison), p in zip(sides, corrected, strict=True)
    )


def _opponent(
    record: RunRecord, baseline: Baseline | None, found: Comparison, p_value: float
) -> Opponent:
    method = baseline.method if baseline else None
    verdict = verdict_of(p_value, found.difference)
    times = p_value / found.p_value if found.p_value else 1.0
    return Opponent(
        name=_name(record, baseline), method=method, kind=baseline.kind if baseline else None,
        untuned=method in (None, UNTUNED), rows=found.rows, correct=found.second_correct,
        unparsable=found.second_unparsable or 0, accuracy=found.second_correct / found.rows,
        difference=found.difference, p_value=found.p_value, corrected_p=p_value, verdict=verdict,
        by_format=record.answer == "text"
        and (_by_format(record, found, verdict, times) or _by_scores(record, found, verdict)),
    )  # fmt: skip


def _name(record: RunRecord, baseline: Baseline | None) -> str:
    if baseline is None:
        return "the untuned model" + (" on the bare input" if record.base_input == "bare" else "")
    if baseline.kind == "constant":
        return f"always saying {majority_label(baseline)!r:.42}"
    return NAMES.get(baseline.method, baseline.title)


def _by_format(record: RunRecord, found: Comparison, verdict: Verdict, times: float) -> bool:
    kept = found.labeled or _recounted(record, found)
    return kept is not None and by_format(kept, verdict, found.difference, times)


def _recounted(record: RunRecord, found: Comparison) -> LabeledRows | None:
    """Count the rows of an old record by the texts in it, on which the two differ."""
    wrong = (found.first_unparsable, found.second_unparsable)
    if not any(number is None or number for number in wrong):
        return None
    labels = LabelSet.model_validate(record.experiment["labels"])
    kept = [
        d for d in found.disagreements
        if labels.parse(d.second if d.first_is_right else d.first) is not None
    ]  # fmt: skip
    margins = Counter(1 if d.first_is_right else -1 for d in kept)
    # How many rows there are changes nothing for the exact test of one seed.
    return labeled_rows(margins, found.rows)


def _by_scores(record: RunRecord, found: Comparison, verdict: Verdict) -> bool:
    """Return whether the own model is behind as text and, by its label scores, ahead."""
    other = record.other_reading
    if verdict == "established" or found.difference > 0 or other is None:
        return False
    own = other.evaluations.get(record.primary)
    return own is not None and own.correct > found.second_correct


class _Verdicts:
    """A record and its opponents, the most accurate first."""

    def __init__(self, record: RunRecord, opponents: tuple[Opponent, ...]) -> None:
        self.record = record
        self.opponents = opponents
        self.own = record.model_name(record.primary)
        self.evaluation = record.evaluations[record.primary]

    def judgment(self) -> Judgment:
        behind = [o for o in self.opponents if o.verdict == "wrong direction"]
        beaten = next((o for o in behind if not o.by_format), None)
        if beaten is not None:
            return self._beaten(beaten)
        if behind:
            return self._own_format(behind[0])
        claimed = [o for o in self.opponents if not self._excused(o)]
        still_open = next((o for o in claimed if o.verdict != "established"), None)
        if still_open is not None:
            return self._own_format(still_open) if still_open.by_format else self._open(still_open)
        formal = next((o for o in claimed if o.by_format), None)
        return self._format(formal) if formal is not None else self._established(claimed)

    def _excused(self, opponent: Opponent) -> bool:
        """Return whether the untuned model is judged by its decision in place of its text."""
        decides = any(o.method == UNTUNED for o in self.opponents)
        return opponent.method is None and opponent.by_format and decides

    def _said(self, lead: str, sentence: str, tone: Tone, about: Opponent) -> Judgment:
        return Judgment(
            lead=lead, sentence=sentence, tone=tone, own=self.own,
            own_correct=self.evaluation.correct, own_unparsable=self.evaluation.unparsable,
            about=self.opponents.index(about), opponents=self.opponents,
            rows_needed=self._rows_needed(about) if lead == "Not established:" else None,
        )  # fmt: skip

    def _rows_needed(self, about: Opponent) -> int | None:
        found = compared(self.record)[self.opponents.index(about)]
        if found.difference <= 0:
            return None
        alpha = ALPHA * about.p_value / about.corrected_p if about.corrected_p else ALPHA
        return rows_for_margins(found.margins, found.rows, alpha=alpha)

    def _beaten(self, by: Opponent) -> Judgment:
        sentence = f"{by.name} ({by.accuracy:.3f}) beats the {self.own} ({self._accuracy})."
        return self._said("Not worth it:", sentence, "bad", by)

    @property
    def _accuracy(self) -> str:
        return f"{self.evaluation.accuracy:.3f}"

    def _open(self, by: Opponent) -> Judgment:
        if by.difference > 0:
            return self._said("Not established:", self._not_shown(by), "plain", by)
        if by.untuned:
            does = "answers" if by.method is None and self.record.answer == "text" else "decides"
            sentence = f"{by.name} {does} as well ({by.accuracy:.3f} against {self._accuracy})."
            return self._said("Tuning added nothing:", sentence, "bad", by)
        own, other = f"the {self.own} ({self._accuracy})", f"{by.name} ({by.accuracy:.3f})"
        if by.kind == "constant":
            return self._said("Not worth it:", f"{own} does no better than {other}.", "bad", by)
        return self._said("Not worth it:", f"{other} does as well as {own}.", "bad", by)

    def _not_shown(self, by: Opponent) -> str:
        if by.untuned:
            on = " on the bare input" if by.method is None and by.name.endswith("input") else ""
            rows = f"these {by.rows} rows do not show that tuning added anything"
            return f"{rows} (tuned {self._accuracy}, untuned{on} {by.accuracy:.3f})."
        own, other = f"the {self.own} ({self._accuracy})", f"{by.name} ({by.accuracy:.3f})"
        return f"{own} is not shown to beat {other}."

    def _own_format(self, by: Opponent) -> Judgment:
        own = self.evaluation
        sentence = (
            f"{own.unparsable} of {own.rows} answers of the {self.own} are no label; as text it "
            f"is right on {self._accuracy}, {by.name} on {by.accuracy:.3f}."
        )
        return self._said("A difference of format:", sentence + self._scores(by), "bad", by)

    def _scores(self, by: Opponent) -> str:
        other = self.record.other_reading
        own = other.evaluations.get(self.record.primary) if other else None
        if own is None or by.method is None:
            return ""
        return f" By label scores it is right on {own.accuracy:.3f}."

    def _format(self, by: Opponent) -> Judgment:
        left = (
            f"the rows that are left do not show that the {self.own} is better"
            if by.unparsable < by.rows
            else "nothing here shows what tuning added to the task"
        )
        sentence = f"{by.name} answers with no label {by.unparsable} of {by.rows} times; {left}."
        return self._said("A difference of format:", sentence, "plain", by)

    def _established(self, claimed: Sequence[Opponent]) -> Judgment:
        sentence = f"over {_listed(list(self._named(claimed)))}."
        return self._said("Established", sentence, "good", claimed[0])

    def _named(self, claimed: Sequence[Opponent]) -> Iterator[str]:
        """Yield the names of the beaten opponents; those that others imply are left out."""
        methods = {o.method for o in claimed}
        ranked = sorted(claimed, key=lambda o: (not o.untuned, o.kind == "classifier"))
        for one in ranked:
            implied = one.kind == "constant" and len(methods) > 1
            implied |= one.method is None and UNTUNED in methods
            if not implied:
                yield one.name


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
