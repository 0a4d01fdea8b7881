"""Runs on the same test rows, compared: what ``tunesmith compare`` and ``tunesmith ui`` show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from tunesmith.errors import RunError
from tunesmith.evaluation.comparison import Comparison, compare_seeds, correct
from tunesmith.evaluation.readings import common_reading, held, read_as
from tunesmith.records import ModelRole, Prediction, Reading
from tunesmith.runs.record import DataRecord
from tunesmith.runs.run import RunDirectory

Group = list[RunDirectory]
"""Runs that differ only in the seed."""


class ComparedRuns(NamedTuple):
    """The comparisons of runs, in one reading of answers."""

    groups: tuple[Group, ...]
    """One group: its tuned models with its base models. Several: the first with each other one."""
    comparisons: tuple[Comparison, ...]
    """With Holm's correction, if there are several."""
    answer: Reading
    readings: tuple[Reading, ...]
    """All readings in which the runs can be compared."""
    notes: tuple[str, ...]


def compare_runs(runs: Sequence[RunDirectory], answer: Reading | None = None) -> ComparedRuns:
    """Compare the tuned model of one run with its base model, or runs with each other.

    Of three runs or more, those that differ only in the seed form a group.

    Args:
        runs: completed runs, at least one.
        answer: the reading of answers; by default that of the evaluation of the runs or, if the
            runs differ, one that all record.

    Raises:
        RunError: they cannot be compared; the message names the reason.
    """
    groups = _grouped(runs) if len(runs) > 2 else [[run] for run in runs]
    if len(groups) == 1:
        _require_both_models(runs[0])
    _refuse_other_data(runs)
    names, sides = _sides(groups)
    each = [answers for side in sides for answers in side]
    read = common_reading(each, answer)
    first, *others = ([read_as(answers, read) for answers in side] for side in sides)
    found = [
        compare_seeds(first, other, (names[0], name))
        for other, name in zip(others, names[1:], strict=True)
    ]
    return ComparedRuns(
        groups=tuple(groups),
        comparisons=tuple(correct(found) if len(found) > 1 else found),
        answer=read,
        readings=tuple(held([answer for answers in each for answer in answers])),
        notes=tuple(_group_notes(groups)),
    )


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
        return _group_names(groups), [[run.answers() for run in group] for group in groups]
    roles: tuple[ModelRole, ...] = ("tuned", "base")
    return roles, [[run.answers(role) for run in groups[0]] for role in roles]


def _grouped(runs: Sequence[RunDirectory]) -> list[Group]:
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


def _group_names(groups: Sequence[Group]) -> list[str]:
    """Return names that differ between the groups, from settings or from directories."""
    records = [group[0].record for group in groups]
    methods = [record.experiment["method"]["name"] for record in records]
    backends = [record.backend for record in records]
    both = [f"{method}@{backend}" for method, backend in zip(methods, backends, strict=True)]
    for names in (methods, backends, both, [record.name for record in records]):
        if len(set(names)) == len(groups):
            return names
    return [group[0].directory.name for group in groups]


def _refuse_other_data(runs: Sequence[RunDirectory]) -> None:
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


def _group_notes(groups: Sequence[Group]) -> list[str]:
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
