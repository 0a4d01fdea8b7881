"""The first line of a run: its own model against the strongest of its opponents.

Opponents are the untuned model beside a tuned one, and every baseline. The p of all comparisons
are corrected together by Holm's method. A pure function of the record: nothing is stored twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from tunesmith.audit.findings import counted
from tunesmith.evaluation.comparison import (
    Comparison,
    LabeledRows,
    Verdict,
    by_format,
    labeled_rows,
    verdict_of,
)
from tunesmith.evaluation.metrics import Evaluation
from tunesmith.evaluation.statistics import ALPHA, holm, rows_for_margins
from tunesmith.hookspecs import MethodKind
from tunesmith.labels import LabelSet
from tunesmith.records import Record
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
    sides = _sides(record)
    corrected = holm([comparison.p_value for _, comparison in sides])
    found = tuple(_opponent(record, *side, p) for side, p in zip(sides, corrected, strict=True))
    return _Verdicts(record, found).judgment() if found else _measured(record)


def compared(record: RunRecord) -> list[Comparison]:
    """Return the comparisons of a run's own model with its opponents, the most accurate first."""
    return [comparison for _, comparison in _sides(record)]


def majority_label(baseline: Baseline) -> str:
    """Return the one label of a constant baseline."""
    said = [sum(column) for column in zip(*baseline.evaluation.confusion, strict=True)]
    return [*baseline.evaluation.labels, ""][said.index(max(said))]


def _measured(record: RunRecord) -> Judgment:
    lead, sentence = "Not evaluated:", f"the run is {record.status}."
    if record.evaluations:
        own, found = record.model_name(record.primary), record.evaluations[record.primary]
        lead = "Measured, not compared:"
        sentence = f"the {own} is right on {found.correct} of {counted(found.rows, 'row')}."
    return Judgment(lead=lead, sentence=sentence, tone="plain", own=None)


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


def _opponent(
    record: RunRecord, baseline: Baseline | None, found: Comparison, p_value: float
) -> Opponent:
    method = baseline.method if baseline else None
    verdict = verdict_of(p_value, found.difference)
    return Opponent(
        name=_name(record, baseline), method=method, kind=baseline.kind if baseline else None,
        untuned=method in (None, UNTUNED), rows=found.rows, correct=found.second_correct,
        unparsable=found.second_unparsable or 0, accuracy=found.second_correct / found.rows,
        difference=found.difference, p_value=found.p_value, corrected_p=p_value, verdict=verdict,
        by_format=record.answer == "text" and _by_format(record, found, verdict, p_value),
    )  # fmt: skip


def _name(record: RunRecord, baseline: Baseline | None) -> str:
    if baseline is None:
        return "the untuned model" + (" on the bare input" if record.base_input == "bare" else "")
    if baseline.kind == "constant":
        return f"always saying {majority_label(baseline)!r:.42}"
    return NAMES.get(baseline.method, baseline.title)


def _by_format(record: RunRecord, found: Comparison, verdict: Verdict, p_value: float) -> bool:
    times = p_value / found.p_value if found.p_value else 1.0
    kept = found.labeled or _recounted(record, found)
    if kept is not None and by_format(kept, verdict, found.difference, times):
        return True
    # The own model may be behind as text and, by its label scores, ahead.
    own = _by_scores(record)
    behind = verdict != "established" and found.difference <= 0
    return behind and own is not None and own.correct > found.second_correct


def _by_scores(record: RunRecord) -> Evaluation | None:
    return record.other_reading.evaluations.get(record.primary) if record.other_reading else None


def _recounted(record: RunRecord, found: Comparison) -> LabeledRows | None:
    """Count the rows of an old record by the texts in it, on which the two differ."""
    wrong = (found.first_unparsable, found.second_unparsable)
    if not any(number is None or number for number in wrong):
        return None
    labels = LabelSet.model_validate(record.experiment["labels"])
    margins = Counter(
        1 if d.first_is_right else -1
        for d in found.disagreements
        if labels.parse(d.second if d.first_is_right else d.first) is not None
    )
    # How many rows there are changes nothing for the exact test of one seed.
    return labeled_rows(margins, found.rows)


class _Verdicts:
    """A record and its opponents, the most accurate first."""

    def __init__(self, record: RunRecord, opponents: tuple[Opponent, ...]) -> None:
        self.record = record
        self.opponents = opponents
        self.evaluation = record.evaluations[record.primary]
        self.name = record.model_name(record.primary)
        self.accuracy = f"{self.evaluation.accuracy:.3f}"
        self.own = f"the {self.name} ({self.accuracy})"

    def judgment(self) -> Judgment:
        behind = [o for o in self.opponents if o.verdict == "wrong direction"]
        beaten = next((o for o in behind if not o.by_format), None)
        if beaten is not None:
            sentence = f"{beaten.name} ({beaten.accuracy:.3f}) beats {self.own}."
            return self._said("Not worth it:", sentence, "bad", beaten)
        if behind:
            return self._own_format(behind[0])
        # The decision of the untuned model answers for its text.
        decides = any(o.method == UNTUNED for o in self.opponents)
        claimed = [o for o in self.opponents if not (decides and o.by_format and o.method is None)]
        still_open = next((o for o in claimed if o.verdict != "established"), None)
        if still_open is not None:
            return self._own_format(still_open) if still_open.by_format else self._open(still_open)
        formal = next((o for o in claimed if o.by_format), None)
        return self._format(formal) if formal is not None else self._established(claimed)

    def _said(self, lead: str, sentence: str, tone: Tone, about: Opponent) -> Judgment:
        return Judgment(
            lead=lead, sentence=sentence, tone=tone, own=self.name,
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

    def _open(self, by: Opponent) -> Judgment:
        other = f"{by.name} ({by.accuracy:.3f})"
        if by.difference > 0:
            sentence = f"{self.own} is not shown to beat {other}."
            if by.untuned:
                on = " on the bare input" if by.method is None and by.name.endswith("input") else ""
                sentence = (
                    f"these {by.rows} rows do not show that tuning added anything (tuned "
                    f"{self.accuracy}, untuned{on} {by.accuracy:.3f})."
                )
            return self._said("Not established:", sentence, "plain", by)
        if by.untuned:
            does = "answers" if by.method is None and self.record.answer == "text" else "decides"
            sentence = f"{by.name} {does} as well ({by.accuracy:.3f} against {self.accuracy})."
            return self._said("Tuning added nothing:", sentence, "bad", by)
        sentence = f"{other} does as well as {self.own}."
        if by.kind == "constant":
            sentence = f"{self.own} does no better than {other}."
        return self._said("Not worth it:", sentence, "bad", by)

    def _own_format(self, by: Opponent) -> Judgment:
        own = self.evaluation
        sentence = (
            f"{own.unparsable} of {own.rows} answers of the {self.name} are no label; as text it "
            f"is right on {self.accuracy}, {by.name} on {by.accuracy:.3f}."
        )
        scores = _by_scores(self.record)
        if scores is not None and by.method is not None:
            sentence += f" By label scores it is right on {scores.accuracy:.3f}."
        return self._said("A difference of format:", sentence, "bad", by)

    def _format(self, by: Opponent) -> Judgment:
        left = (
            f"the rows that are left do not show that the {self.name} is better"
            if by.unparsable < by.rows
            else "nothing here shows what tuning added to the task"
        )
        sentence = f"{by.name} answers with no label {by.unparsable} of {by.rows} times; {left}."
        return self._said("A difference of format:", sentence, "plain", by)

    def _established(self, claimed: Sequence[Opponent]) -> Judgment:
        methods = {o.method for o in claimed}
        # Some opponents are not named, because others imply them.
        *most, last = (
            one.name
            for one in sorted(claimed, key=lambda o: (not o.untuned, o.kind == "classifier"))
            if not (one.kind == "constant" and len(methods) > 1)
            and not (one.method is None and UNTUNED in methods)
        )
        listed = f"{', '.join(most)} and {last}" if most else last
        return self._said("Established", f"over {listed}.", "good", claimed[0])
