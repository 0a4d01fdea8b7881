"""What ``ladder`` and ``benchmark`` share: how a table looks, and how to go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tunesmith.cli import screen
from tunesmith.cli.failures import InterruptedWorkError
from tunesmith.grid import Grid, GridRecord
from tunesmith.runs import REPORT


def grid_document(grid: Grid[Any]) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    places = {"directory": str(grid.directory), "report": str(grid.directory / REPORT)}
    return {**places, **grid.record.model_dump(mode="json")}


def grid_lines(grid: Grid[Any]) -> Iterator[str]:
    """Yield the table, what is to be said about it and, last, the path of its page."""
    record: GridRecord = grid.record
    headers, rows = record.table()
    yield f"{record.name}: {record.kind} of {len(record.results)} cells, {record.status}"
    yield ""
    yield from screen.table(headers, rows)
    yield ""
    yield from record.remarks()
    failed = sum(result.status == "failed" for result in record.results)
    if failed:
        yield f"{failed} failed; the same command tries them again"
    yield screen.relative(grid.directory / REPORT)


@contextmanager
def repeatable(what: str) -> Iterator[None]:
    """Say that the same command goes on, when it is interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedWorkError(
            f"interrupted\ngo on with the same command: the {what} that are done are kept"
        ) from None
