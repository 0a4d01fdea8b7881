"""How the result of a run looks on a screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tunesmith.cli import screen
from tunesmith.evaluation import Evaluation
from tunesmith.records import LabelTokens, ModelRole
from tunesmith.runs import REPORT, Run

HEADERS = ("", "accuracy", "95 % interval", "macro F1", "unparsable")


def result_lines(run: Run) -> Iterator[str]:
    """Yield the table, the verdict, the notes and, last, the path of the report."""
    record = run.record
    yield f"{record.name}: {record.experiment['method']['name']} on {_model(run)}, {_where(run)}"
    yield ""
    yield from score_table(_named(run))
    yield ""
    if record.comparison:
        yield record.comparison.line
    for baseline in record.baselines:
        yield baseline.comparison.line
    for note in record.notes:
        yield f"note: {note}"
    yield screen.relative(run.directory / REPORT)


def label_lines(labels: Mapping[str, LabelTokens]) -> Iterator[str]:
    """Yield a table of how the untuned model would write each label, if that is known."""
    if not labels:
        return
    yield from screen.table(
        ("label", "tokens", "probability"),
        ((name, " ".join(use.tokens), f"{use.mass:.2g}") for name, use in labels.items()),
    )
    yield ""


def score_table(named: dict[str, Evaluation]) -> list[str]:
    """Return one line for each named evaluation, under headers."""
    return screen.table(HEADERS, ((name, *scores(e)) for name, e in named.items()), right=4)


def scores(evaluation: Evaluation) -> tuple[str, str, str, str]:
    """Return accuracy, its interval, F1 and unparsable answers as texts."""
    low, high = evaluation.accuracy_interval
    return (
        f"{evaluation.accuracy:.3f}",
        f"{low:.3f} to {high:.3f}",
        f"{evaluation.f1_macro:.3f}",
        f"{evaluation.unparsable}/{evaluation.rows}",
    )


def _named(run: Run) -> dict[str, Evaluation]:
    evaluations = run.record.evaluations
    roles: tuple[ModelRole, ...] = ("tuned", "base")
    named: dict[str, Evaluation] = {r: evaluations[r] for r in roles if r in evaluations}
    return {**named, **{b.method: b.evaluation for b in run.record.baselines}}


def _model(run: Run) -> str:
    stand_in = run.record.stand_in
    return run.record.base_model + (f" ({stand_in} stands in)" if stand_in else "")


def _where(run: Run) -> str:
    emulated = " (emulated)" if run.record.emulated else ""
    return f"backend {run.record.backend}{emulated}, {run.record.data['test'].rows} test rows"
