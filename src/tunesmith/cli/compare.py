"""``tunesmith compare``: the tuned model against the base model, or run against run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from tunesmith.cli import screen
from tunesmith.cli.command import PATH, command
from tunesmith.cli.evaluate import answer_option
from tunesmith.evaluation.comparison import Comparison, p_text
from tunesmith.records import Reading
from tunesmith.runs.comparing import ComparedRuns, compare_runs
from tunesmith.runs.run import RunDirectory

SHOWN_ROWS = 20
HEADERS = ("", "right", "wrong", "unparsable", "accuracy", "right alone")
READ_AS = {
    "decision": "answers are read as decisions: the most probable label",
    "text": "answers are read as text: the label that the model wrote",
}


@command(
    "compare",
    example="tunesmith compare runs/RUN\n"
    "tunesmith compare runs/ONE runs/OTHER\n"
    "tunesmith compare runs/A-SEED-0 runs/A-SEED-1 runs/B-SEED-0 runs/B-SEED-1",
)
@click.argument("runs", nargs=-1, required=True, type=PATH, metavar="RUN...")
@answer_option
def compare(runs: tuple[Path, ...], answer: Reading | None) -> None:
    """Test whether the tuned model of a RUN beats its base model, or one run another.

    An exact paired test decides, over the rows that only one of the two models gets right. Of
    three runs or more, those that differ only in the seed form a group. The first group is compared
    with each of the others, and the verdicts include Holm's correction for several comparisons.

    Answers are read as in the evaluation of the runs. If the runs differ, they are read in a way
    that all runs record.
    """
    compared = compare_runs([RunDirectory.load(path) for path in runs], answer)
    screen.emit(_document(compared), _lines(compared))


def _document(compared: ComparedRuns) -> dict[str, object]:
    each = [{**one.model_dump(mode="json"), "line": one.line} for one in compared.comparisons]
    body: dict[str, object] = each[0] if len(each) == 1 else {"comparisons": each}
    return {**body, "answer": compared.answer, "notes": list(compared.notes)}


def _lines(compared: ComparedRuns) -> Iterator[str]:
    yield READ_AS[compared.answer]
    yield ""
    for one in compared.comparisons:
        yield from screen.table(HEADERS, _counts(one), right=5)
        yield ""
        yield (
            f"difference in accuracy {one.difference:+.3f}, {p_text(one.p_value)}, {one.rows} rows"
        )
        kappa = "undefined" if one.kappa is None else f"{one.kappa:.2f}"
        yield f"the same answer to {one.agreement:.1%} of the rows, Cohen's kappa {kappa}"
        yield ""
        yield from _disagreement_lines(one)
    for note in compared.notes:
        yield f"note: {note}"
    for one in compared.comparisons:
        yield one.line


def _counts(found: Comparison) -> Iterator[tuple[str, ...]]:
    answers = found.rows * found.seeds
    for name, right, unparsable, only in (
        (found.first, found.first_correct, found.first_unparsable or 0, found.first_only),
        (found.second, found.second_correct, found.second_unparsable or 0, found.second_only),
    ):
        counts = (right, answers - right - unparsable, unparsable)
        yield name, *map(str, counts), f"{right / answers:.3f}", str(only)


def _disagreement_lines(found: Comparison) -> Iterator[str]:
    if not found.disagreements:
        return
    rows = (
        (
            str(row.row),
            row.expected,
            f"{row.first!r:.30}",
            f"{row.second!r:.30}",
            screen.shortened(row.input, 50),
        )
        for row in found.disagreements[:SHOWN_ROWS]
    )
    yield from screen.table(("row", "expected", found.first, found.second, "input"), rows)
    if len(found.disagreements) > SHOWN_ROWS:
        yield f"and {len(found.disagreements) - SHOWN_ROWS} more rows; --json shows all"
    yield ""
