"""Which runs ``tunesmith compare`` takes together, what it calls them, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tunesmith.errors import RunError
from tunesmith.runs import Run

Group = list[Run]
"""Runs that differ in nothing but the seed."""


def grouped(runs: Sequence[Run]) -> list[Group]:
    """Return the runs by what they have in common but the seed, in the order given.

    Raises:
        RunError: a run is there twice: counted twice, it would say more than it knows.
    """
    groups: dict[str, Group] = {}
    for run in runs:
        group = groups.setdefault(_but_the_seed(run), [])
        _refuse_twice(run, group)
        group.append(run)
    return list(groups.values())


def _but_the_seed(run: Run) -> str:
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


def names(groups: Sequence[Group]) -> list[str]:
    """Return names that tell the groups apart: what differs, else the first directories."""
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
    """Refuse runs that were not asked the same.

    Raises:
        RunError: other test rows, or other labels; the message names the difference.
    """
    for other in runs[1:]:
        _refuse_different_tests(runs[0], other)
        _refuse_different_labels(runs[0], other)


def _refuse_different_tests(one: Run, other: Run) -> None:
    a, b = one.record.data["test"], other.record.data["test"]
    if a.fingerprint != b.fingerprint:
        raise RunError(
            f"cannot compare: the test rows differ: {a.source} ({a.rows} rows, fingerprint "
            f"{a.fingerprint[:12]}) and {b.source} ({b.rows} rows, fingerprint "
            f"{b.fingerprint[:12]}); run both on the same test file"
        )


def _refuse_different_labels(one: Run, other: Run) -> None:
    a, b = set(one.record.experiment["labels"]), set(other.record.experiment["labels"])
    if a != b:
        only = "; ".join(
            f"only {run.directory.name} has {', '.join(map(repr, sorted(extra)))}"
            for run, extra in ((one, a - b), (other, b - a))
            if extra
        )
        raise RunError(f"cannot compare: the labels differ: {only}; run both with the same labels")


def notes(groups: Sequence[Group]) -> list[str]:
    """Return what a reader of the comparisons must know: other training rows are not refused."""
    first = groups[0]
    return [
        f"the training rows differ: {_trained(first[0])}, {_trained(other[0])}"
        for other in groups[1:]
        if _training(first) != _training(other)
    ]


def _trained(run: Run) -> str:
    rows = run.record.data["train"]
    return (
        f"{run.directory.name} has {rows.source} ({rows.rows} rows, fingerprint "
        f"{rows.fingerprint[:12]})"
    )


def _training(group: Group) -> set[str]:
    return {run.record.data["train"].fingerprint for run in group}
