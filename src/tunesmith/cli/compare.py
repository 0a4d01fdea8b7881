"""``tunesmith compare``: the tuned model against the base model, or run against run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from tunesmith.cli import screen
from tunesmith.cli.command import PATH, command
from tunesmith.cli.evaluate import answer_option
from tunesmith.errors import RunError
from tunesmith.evaluation.comparison import Comparison, compare_seeds, correct, p_text
from tunesmith.evaluation.readings import common_reading, read_as
from tunesmith.records import ModelRole, Prediction, Reading
from tunesmith.runs.record import DataRecord
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
    loaded = [RunDirectory.load(path) for path in runs]
    groups = grouped(loaded) if len(loaded) > 2 else [[run] for run in loaded]
    if len(groups) == 1:
        _require_both_models(loaded[0])
    refuse_other_data(loaded)
    names, sides = _sides(groups)
    read = common_reading([answers for side in sides for answers in side], answer)
    first, *others = ([read_as(answers, read) for answers in side] for side in sides)
    found = [
        compare_seeds(first, other, (names[0], name))
        for other, name in zip(others, names[1:], strict=True)
    ]
    if len(found) > 1:
        found = correct(found)
    notes = group_notes(groups)
    screen.emit(_document(found, read, notes), _lines(found, read, notes))


def _require_both_models(run: RunDirectory) -> None:
    missing = {"tuned", "base"} - set(run.record.evaluations)
    if missing:
        raise RunError(
            f"{run.directory}: the run has no {' and no '.join(sorted(missing))} model; "
            "compare it with another run: tunesmith compare RUN OTHER"
        )


def _sides(groups: Sequence[Group]) -> tuple[Sequence[str], list[list[list[Prediction]]]]:
    """Return the names of the models, and their answers for each seed."""
    if len(groups) > 1:
        return group_names(groups), [[run.answers() for run in group] for group in groups]
    roles: tuple[ModelRole, ...] = ("tuned", "base")
    return roles, [[run.answers(role) for run in groups[0]] for role in roles]


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
        yield from screen.table(HEADERS, _counts(one), right=5)
        yield ""
        yield (
            f"difference in accuracy {one.difference:+.3f}, {p_text(one.p_value)}, {one.rows} rows"
        )
        kappa = "undefined" if one.kappa is None else f"{one.kappa:.2f}"
        yield f"the same answer to {one.agreement:.1%} of the rows, Cohen's kappa {kappa}"
        yield ""
        yield from _disagreement_lines(one)
    for note in notes:
        yield f"note: {note}"
    for one in found:
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


Group = list[RunDirectory]
"""Runs that differ only in the seed."""


def grouped(runs: Sequence[RunDirectory]) -> list[Group]:
    """Return the runs in groups that differ only in the seed, in the order given.

    Raises:
        RunError: a run is given twice, which would count its rows twice.
    """
    groups: dict[str, Group] = {}
    for run in runs:
        record = run.record
        experiment = {k: v for k, v in record.experiment.items() if k != "seed"}
        key = json.dumps([experiment, record.backend, record.stand_in, record.emulated])
        group = groups.setdefault(key, [])
        _refuse_twice(run, group)
        group.append(run)
    return list(groups.values())


def _refuse_twice(run: RunDirectory, group: Group) -> None:
    seed = run.record.experiment["seed"]
    for other in group:
        same = other.record.seed_honored and other.record.experiment["seed"] == seed
        if same or other.directory.resolve() == run.directory.resolve():
            raise RunError(
                f"cannot compare: {other.directory} and {run.directory} are the same experiment "
                f"with the same seed {seed}; give each seed once"
            )


def group_names(groups: Sequence[Group]) -> list[str]:
    """Return names that differ between the groups, from settings or from directories."""
    records = [group[0].record for group in groups]
    methods = [record.experiment["method"]["name"] for record in records]
    backends = [record.backend for record in records]
    both = [f"{method}@{backend}" for method, backend in zip(methods, backends, strict=True)]
    for names in (methods, backends, both, [record.name for record in records]):
        if len(set(names)) == len(groups):
            return names
    return [group[0].directory.name for group in groups]


def refuse_other_data(runs: Sequence[RunDirectory]) -> None:
    """Refuse runs with other test rows or other labels than the first.

    Raises:
        RunError: a run differs; the message names the difference.
    """
    one = runs[0]
    for other in runs[1:]:
        ours, theirs = one.record.data["test"], other.record.data["test"]
        if ours.fingerprint != theirs.fingerprint:
            raise RunError(
                f"cannot compare: the test rows differ: {_rows_text(ours)} and "
                f"{_rows_text(theirs)}; run both on the same test file"
            )
        a, b = set(one.record.experiment["labels"]), set(other.record.experiment["labels"])
        if a != b:
            only = "; ".join(
                f"only {run.directory.name} has {', '.join(map(repr, sorted(extra)))}"
                for run, extra in ((one, a - b), (other, b - a))
                if extra
            )
            raise RunError(
                f"cannot compare: the labels differ: {only}; run both with the same labels"
            )


def _rows_text(rows: DataRecord) -> str:
    return f"{rows.source} ({rows.rows} rows, fingerprint {rows.fingerprint[:12]})"


def group_notes(groups: Sequence[Group]) -> list[str]:
    """Return a note for each group with other training rows than the first."""
    train = [[run.record.data["train"] for run in group] for group in groups]
    prints = [{rows.fingerprint for rows in group} for group in train]
    texts = [
        f"{group[0].directory.name} has {_rows_text(rows[0])}"
        for group, rows in zip(groups, train, strict=True)
    ]
    return [
        f"the training rows differ: {texts[0]}, {text}"
        for text, found in zip(texts, prints, strict=True)
        if found != prints[0]
    ]
