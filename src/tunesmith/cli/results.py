"""The result of a run as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tunesmith.cli import screen
from tunesmith.evaluation.comparison import correct
from tunesmith.evaluation.metrics import Evaluation
from tunesmith.records import LabelTokens, ModelRole, Reading
from tunesmith.runs.judgment import compared, judge
from tunesmith.runs.run import REPORT, Run

HEADERS = ("", "accuracy", "95 % interval", "macro F1", "unparsable")


def result_lines(run: Run) -> Iterator[str]:
    """Yield the headline, scores, comparisons, diagnosis and notes, and last the report's path."""
    record = run.record
    yield judge(record).headline
    yield f"{record.name}: {record.experiment['method']['name']} on {_model(run)}, {_where(run)}"
    yield ""
    yield from score_table(_named(run))
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
    return screen.table(HEADERS, ((name, *_scores(e)) for name, e in named.items()), right=4)


def _scores(evaluation: Evaluation) -> tuple[str, str, str, str]:
    low, high = evaluation.accuracy_interval
    return (
        f"{evaluation.accuracy:.3f}",
        f"{low:.3f} to {high:.3f}",
        f"{evaluation.f1_macro:.3f}",
        f"{evaluation.unparsable}/{evaluation.rows}",
    )


def _named(run: Run) -> dict[str, Evaluation]:
    record, other = run.record, run.record.other_reading
    named = dict(_own(record.evaluations, record.answer if other else None))
    if other is not None:
        named |= _own(other.evaluations, other.answer)
    return {**named, **{b.method: b.evaluation for b in record.baselines}}


def _own(
    evaluations: dict[ModelRole, Evaluation], answer: Reading | None
) -> Iterator[tuple[str, Evaluation]]:
    for role in sorted(evaluations, reverse=True):
        yield f"{role}, {answer}" if answer else role, evaluations[role]


def _model(run: Run) -> str:
    stand_in = run.record.stand_in
    return run.record.base_model + (f" ({stand_in} stands in)" if stand_in else "")


def _where(run: Run) -> str:
    emulated = " (emulated)" if run.record.emulated else ""
    return f"backend {run.record.backend}{emulated}, {run.record.data['test'].rows} test rows"
