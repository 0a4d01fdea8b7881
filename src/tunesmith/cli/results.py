"""The result of a run as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tunesmith.cli import screen
from tunesmith.evaluation.comparison import correct
from tunesmith.evaluation.metrics import Evaluation
from tunesmith.records import LabelTokens
from tunesmith.runs.judgment import compared, judge
from tunesmith.runs.record import RunRecord
from tunesmith.runs.run import REPORT, RunDirectory

HEADERS = ("", "accuracy", "95 % interval", "macro F1", "unparsable")


def result_lines(run: RunDirectory) -> Iterator[str]:
    """Yield the headline, scores, comparisons, diagnosis and notes, and last the report's path."""
    record = run.record
    yield judge(record).headline
    yield _setting(record)
    yield ""
    yield from score_table(_named(record))
    yield ""
    found = compared(record)
    for comparison in correct(found) if len(found) > 1 else found:
        yield comparison.line
    for symptom in run.diagnosis():
        yield f"diagnosis: {symptom.line}"
        yield from (f"  {way.line}" for way in symptom.ways)
        if symptom.answers:
            yield f"  for example: {', '.join(f'{answer!r:.60}' for answer in symptom.answers)}"
    for note in record.notes:
        yield f"note: {note}"
    yield screen.relative(run.directory / REPORT)


def label_lines(labels: Mapping[str, LabelTokens]) -> Iterator[str]:
    """Yield a table of the tokens and probability of each label for the untuned model, if known."""
    if not labels:
        return
    yield from screen.table(
        ("label", "tokens", "probability"),
        ((name, " ".join(use.tokens), f"{use.mass:.2g}") for name, use in labels.items()),
    )
    yield ""


def score_table(named: dict[str, Evaluation]) -> list[str]:
    """Return a table with one line for each named evaluation."""
    rows = [
        (
            name,
            f"{one.accuracy:.3f}",
            "{:.3f} to {:.3f}".format(*one.accuracy_interval),
            f"{one.f1_macro:.3f}",
            f"{one.unparsable}/{one.rows}",
        )
        for name, one in named.items()
    ]
    return screen.table(HEADERS, rows, right=4)


def _named(record: RunRecord) -> dict[str, Evaluation]:
    other = record.other_reading
    named = {
        f"{role}, {found.answer}" if other else role: found.evaluations[role]
        for found in (record, other)
        if found is not None
        for role in sorted(found.evaluations, reverse=True)
    }
    return named | {b.method: b.evaluation for b in record.baselines}


def _setting(record: RunRecord) -> str:
    stand_in = f" ({record.stand_in} stands in)" if record.stand_in else ""
    emulated = " (emulated)" if record.emulated else ""
    return (
        f"{record.name}: {record.experiment['method']['name']} on {record.base_model}{stand_in}, "
        f"backend {record.backend}{emulated}, {record.data['test'].rows} test rows"
    )
