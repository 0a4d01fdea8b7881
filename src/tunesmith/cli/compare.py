"""``tunesmith compare``: the tuned model against the base model, or run against run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.cli.evaluate import answer_option
from tunesmith.errors import RunError
from tunesmith.evaluation.comparison import Comparison, compare_seeds, correct, p_text
from tunesmith.evaluation.readings import common_reading, read_as
from tunesmith.records import ModelRole, Prediction, Reading
from tunesmith.runs.record import DataRecord
from tunesmith.runs.run import Run

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
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@answer_option
@screen.json_option
def compare(runs: tuple[Path, ...], answer: Reading | None, as_json: bool) -> None:
    """Test whether the tuned model of a RUN beats its base model, or one run another.

    An exact paired test decides, over the rows that only one of the two models gets right. Of
    three runs or more, those that differ only in the seed form a group. The first group is compared
    with each of the others, and the verdicts include Holm's correction for several comparisons.

    Answers are read as in the evaluation of the runs. If the runs differ, they are read in a way
    that all runs record.
    """
    loaded = [Run.load(path) for path in runs]
    groups = grouped(loaded) if len(loaded) > 2 else [[run] for run in loaded]
    if len(groups) == 1:
        one, read = _within(groups[0], answer)
        found = [one]
    else:
        found, read = _between(groups, answer)
    notes = group_notes(groups)
    screen.emit(as_json, _document(found, read, notes), lambda: _lines(found, read, notes))


def _within(runs: Sequence[Run], asked: Reading | None) -> tuple[Comparison, Reading]:
    missing = {"tuned", "base"} - set(runs[0].record.evaluations)
    if missing:
        raise RunError(
            f"{runs[0].directory}: the run has no {' and no '.join(sorted(missing))} model; "
            "compare it with another run: tunesmith compare RUN OTHER"
        )
    refuse_other_data(runs)
    roles: tuple[ModelRole, ...] = ("tuned", "base")
    (tuned, base), read = _in_common([[r.answers(role) for r in runs] for role in roles], asked)
    return compare_seeds(tuned, base), read


def _between(groups: Sequence[Group], asked: Reading | None) -> tuple[list[Comparison], Reading]:
    refuse_other_data([run for group in groups for run in group])
    names = group_names(groups)
    answers, read = _in_common([[run.answers() for run in group] for group in groups], asked)
    found = [
        compare_seeds(answers[0], others, (names[0], name))
        for others, name in zip(answers[1:], names[1:], strict=True)
    ]
    return (correct(found) if len(found) > 1 else found), read


_Sides = list[list[list[Prediction]]]
"""The answers of each model, for each seed."""


def _in_common(sides: _Sides, asked: Reading | None) -> tuple[_Sides, Reading]:
    read = common_reading([answers for side in sides for answers in side], asked)
    return [[read_as(answers, read) for answers in side] for side in sides], read


def _document(
    found: Sequence[Comparison], read: Reading, notes: Sequence[str]
) -> dict[str, object]:
    each = [{**one.model_dump(mode="json"), "line": one.line} for one in found]
    body: dict[str, object] = each[0] if len(each) == 1 else {"comparisons": each}
    return {**body, "answer": read, "notes": list(notes)}


def _lines(found: Sequence[Comparison], read: Reading, notes: Sequence[str]) -> Iterator[str]:
    yield READ_AS[read]
    yield ""
    for one in found:
        yield from screen.table(HEADERS, _sides(one), right=5)
        yield ""
        yield (
            f"difference in accuracy {one.difference:+.3f}, {p_text(one.p_value)}, {one.rows} rows"
        )
        yield _agreement(one)
        yield ""
        yield from _disagreement_lines(one)
    for note in notes:
        yield f"note: {note}"
    for one in found:
        yield one.line


def _sides(found: Comparison) -> Iterator[tuple[str, ...]]:
    answers = found.rows * found.seeds
    for name, right, unparsable, only in (
        (found.first, found.first_correct, found.first_unparsable or 0, found.first_only),
        (found.second, found.second_correct, found.second_unparsable or 0, found.second_only),
    ):
        counts = (right, answers - right - unparsable, unparsable)
        yield name, *map(str, counts), f"{right / answers:.3f}", str(only)


def _agreement(found: Comparison) -> str:
    kappa = "undefined" if found.kappa is None else f"{found.kappa:.2f}"
    return f"the same answer to {found.agreement:.1%} of the rows, Cohen's kappa {kappa}"


def _disagreement_lines(found: Comparison) -> Iterator[str]:
    if not found.disagreements:
        return
    yield from screen.table(
        ("row", "expected", found.first, found.second, "input"),
        (
            (
                str(row.row),
                row.expected,
                f"{row.first!r:.30}",
                f"{row.second!r:.30}",
                screen.shortened(row.input, 50),
            )
            for row in found.disagreements[:SHOWN_ROWS]
        ),
    )
    if len(found.disagreements) > SHOWN_ROWS:
        yield f"and {len(found.disagreements) - SHOWN_ROWS} more rows; --json shows all"
    yield ""


Group = list[Run]
"""Runs that differ only in the seed."""


def grouped(runs: Sequence[Run]) -> list[Group]:
    """Return the runs in groups that differ only in the seed, in the order given.

    Raises:
        RunError: a run is given twice, which would count its rows twice.
    """
    groups: dict[str, Group] = {}
    for run in runs:
        group = groups.setdefault(_key_without_seed(run), [])
        _refuse_twice(run, group)
        group.append(run)
    return list(groups.values())


def _key_without_seed(run: Run) -> str:
    record = run.record
    experiment = {k: v for k, v in record.experiment.items() if k != "seed"}
    return json.dumps([experiment, record.backend, record.stand_in, record.emulated])


def _refuse_twice(run: Run, group: Group) -> None:
    for other in group:
        seed = run.record.experiment["seed"]
        same = other.record.seed_honored and other.record.experiment["seed"] == seed
        if same or other.directory.resolve() == run.directory.resolve():
            raise RunError(
                f"cannot compare: {other.directory} and {run.directory} are the same experiment "
                f"with the same seed {seed}; give each seed once"
            )


def group_names(groups: Sequence[Group]) -> list[str]:
    """Return names that differ between the groups, from settings or from directories."""
    for parts in (("method",), ("backend",), ("method", "backend"), ("name",)):
        found = [_named(group[0], parts) for group in groups]
        if len(set(found)) == len(groups):
            return found
    return [group[0].directory.name for group in groups]


def _named(run: Run, parts: tuple[str, ...]) -> str:
    known = {
        "method": run.record.experiment["method"]["name"],
        "backend": run.record.backend,
        "name": run.record.name,
    }
    return "@".join(known[part] for part in parts)


def refuse_other_data(runs: Sequence[Run]) -> None:
    """Refuse runs with other test rows or other labels than the first.

    Raises:
        RunError: a run differs; the message names the difference.
    """
    for other in runs[1:]:
        ours, theirs = runs[0].record.data["test"], other.record.data["test"]
        if ours.fingerprint != theirs.fingerprint:
            raise RunError(
                f"cannot compare: the test rows differ: {_rows_text(ours)} and "
                f"{_rows_text(theirs)}; run both on the same test file"
            )
        _refuse_other_labels(runs[0], other)


def _rows_text(rows: DataRecord) -> str:
    return f"{rows.source} ({rows.rows} rows, fingerprint {rows.fingerprint[:12]})"


def _refuse_other_labels(one: Run, other: Run) -> None:
    a, b = set(one.record.experiment["labels"]), set(other.record.experiment["labels"])
    if a != b:
        only = "; ".join(
            f"only {run.directory.name} has {', '.join(map(repr, sorted(extra)))}"
            for run, extra in ((one, a - b), (other, b - a))
            if extra
        )
        raise RunError(f"cannot compare: the labels differ: {only}; run both with the same labels")


def group_notes(groups: Sequence[Group]) -> list[str]:
    """Return a note for each group with other training rows than the first."""
    first = groups[0]
    return [
        f"the training rows differ: {_trained(first[0])}, {_trained(other[0])}"
        for other in groups[1:]
        if _training(first) != _training(other)
    ]


def _trained(run: Run) -> str:
    return f"{run.directory.name} has {_rows_text(run.record.data['train'])}"


def _training(group: Group) -> set[str]:
    return {run.record.data["train"].fingerprint for run in group}
