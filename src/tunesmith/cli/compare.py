"""``tunesmith compare``: tuned against base, or one run against another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.comparison import Comparison, p_text
from tunesmith.comparison import compare as compare_predictions
from tunesmith.errors import RunError
from tunesmith.runs import Run

SHOWN_ROWS = 20


@command("compare", example="tunesmith compare runs/RUN\ntunesmith compare runs/ONE runs/OTHER")
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path), required=False)
@screen.json_option
def compare(first: Path, second: Path | None, as_json: bool) -> None:
    """Say whether the tuned model of a run beats its base model, or one run the other.

    The exact McNemar test over the rows that only one of the two gets right decides.
    """
    one = Run.load(first)
    found = _within(one) if second is None else _between(one, Run.load(second))
    document = {**found.model_dump(mode="json"), "line": found.line}
    screen.emit(as_json, document, lambda: _lines(found))


def _within(run: Run) -> Comparison:
    missing = {"tuned", "base"} - set(run.record.evaluations)
    if missing:
        raise RunError(
            f"{run.directory}: the run has no {' and no '.join(sorted(missing))} model; "
            "compare it with another run: tunesmith compare RUN OTHER"
        )
    return compare_predictions(run.answers("tuned"), run.answers("base"))


def _between(one: Run, other: Run) -> Comparison:
    _refuse_different_tests(one, other)
    _refuse_different_labels(one, other)
    return compare_predictions(one.answers(), other.answers(), _names(one, other))


def _names(one: Run, other: Run) -> tuple[str, str]:
    """Return names that tell the runs apart: what differs between them, else the directories."""
    for parts in (("method",), ("backend",), ("method", "backend"), ("name",)):
        a, b = _named(one, parts), _named(other, parts)
        if a != b:
            return a, b
    return one.directory.name, other.directory.name


def _named(run: Run, parts: tuple[str, ...]) -> str:
    known = {
        "method": run.record.experiment["method"]["name"],
        "backend": run.record.backend,
        "name": run.record.name,
    }
    return "@".join(known[part] for part in parts)


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


def _lines(found: Comparison) -> Iterator[str]:
    both = found.first_correct - found.first_only
    wrong = found.rows - both - found.first_only - found.second_only
    yield from screen.table(
        ("", f"{found.second} right", f"{found.second} wrong"),
        (
            (f"{found.first} right", str(both), str(found.first_only)),
            (f"{found.first} wrong", str(found.second_only), str(wrong)),
        ),
        right=2,
    )
    yield ""
    yield (
        f"difference in accuracy {found.difference:+.3f}, "
        f"exact McNemar {p_text(found.p_value)}, {found.rows} rows"
    )
    yield ""
    yield from _disagreement_lines(found)
    yield found.line


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
        yield f"and {len(found.disagreements) - SHOWN_ROWS} rows more; see --json"
    yield ""
