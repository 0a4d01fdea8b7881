"""The cells of one ladder or benchmark in one directory, written cell by cell.

ladder.json or benchmark.json   the record
ladder.md or benchmark.md       its table
report.html                     its page, written when the work ends or is interrupted
cells/                          a run directory for each cell, and the backends' stores
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import Field, ValidationError

from tunesmith.atomic import file_lock, write_atomically
from tunesmith.errors import RunError, first_problem
from tunesmith.records import Reading, Record, now
from tunesmith.runs.record import RunRecord
from tunesmith.runs.run import LOCK, REPORT, Run, slug_of
from tunesmith.sweep.costs import PriceTable
from tunesmith.sweep.trial import CellResult, in_common, reading_note, repriced

SCHEMA_VERSION = 1

GridStatus = Literal["running", "interrupted", "incomplete", "completed"]
"""``incomplete``: it went to its end, and a cell failed."""


class GridRecord(Record):
    """Everything that a ladder or a benchmark knows about itself."""

    kind: ClassVar[str]

    schema_version: int = SCHEMA_VERSION
    name: str
    status: GridStatus = "running"
    created_at: datetime = Field(default_factory=now)
    finished_at: datetime | None = None
    setup: dict[str, Any]
    """What decides the results beside the cells: backends with options (secrets redacted) and
    fingerprints of the data."""
    results: tuple[CellResult, ...]
    notes: tuple[str, ...] = ()

    def common(self) -> tuple[list[CellResult], Reading | None]:
        """Return the results in the reading of answers that all hold; see ``cells.in_common``."""
        return in_common(self.results)

    @property
    def reading(self) -> tuple[str, ...]:
        """How answers are read in the table, in words; nothing if nothing is done."""
        return reading_note(self.common()[1])

    def table(self) -> tuple[Sequence[str], list[Sequence[str]]]:
        """Return headers and rows of the table, as texts."""
        raise NotImplementedError

    def remarks(self) -> list[str]:
        """Return what stands below the table."""
        raise NotImplementedError

    def page(self, runs: Sequence[RunRecord]) -> str:
        """Return the page; ``runs`` has one run of each backend that finished a cell."""
        raise NotImplementedError


G = TypeVar("G", bound=GridRecord)


class Grid(Generic[G]):
    """A directory of cells and its record."""

    def __init__(self, directory: Path, record: G) -> None:
        self.directory = directory
        self.record = record

    @classmethod
    def create(cls, runs_dir: Path, record: G) -> Self:
        """Make a new directory under ``runs_dir`` and write the first record.

        Raises:
            OSError: the folder cannot be written, or the disk is full.
        """
        stamp = record.created_at.strftime("%Y%m%d-%H%M%S")
        named = f"{stamp}-{_middle(record)}-{secrets.token_hex(2)}"
        grid = cls(runs_dir / named, record)
        grid.update()
        return grid

    @classmethod
    def load(cls, directory: Path, kind: type[G]) -> Self:
        """Read a directory.

        Raises:
            RunError: no record of ``kind`` there, unreadable, or of another version.
        """
        file = directory / f"{kind.kind}.json"
        try:
            record = kind.from_json(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise RunError(f"{file}: cannot be read: {error}") from None
        except ValidationError as error:
            raise RunError(
                f"{file}: not a {kind.kind} of this version: {first_problem(error)}"
            ) from None
        return cls(directory, record)

    @classmethod
    def find_or_create(cls, runs_dir: Path, record: G) -> tuple[Grid[G], str]:
        """Return the newest directory with the same setup and cells, else a new one.

        The second value says in words what was found.
        """
        found = list(_of_name(cls, runs_dir, record))
        for grid in found:
            if not difference(grid.record, record):
                done = sum(result.status == "done" for result in grid.record.results)
                return grid, f"going on in {grid.directory}; cells that are done: {done}"
        if not found:
            return cls.create(runs_dir, record), ""
        why = difference(found[0].record, record)
        return cls.create(runs_dir, record), f"{found[0].directory} is another one: {why}"

    def update(self, **changes: Any) -> None:
        """Change fields of the record and write it, and the table."""
        self.record = self.record.model_copy(update=changes)
        file = self.directory / f"{self.record.kind}.json"
        write_atomically(file, self.record.to_json() + "\n")
        write_atomically(file.with_suffix(".md"), markdown(self.record))

    def put(self, result: CellResult) -> None:
        """Write what became of a cell."""
        place = [r.cell for r in self.record.results].index(result.cell)
        before, after = self.record.results[:place], self.record.results[place + 1 :]
        self.update(results=(*before, result, *after))

    def reprice(self, prices: PriceTable) -> None:
        """Say what the cells that are done cost by the prices of today."""
        self.update(
            results=tuple(
                repriced(result, self.directory, prices.get(result.cell.backend))
                for result in self.record.results
            )
        )

    def write_page(self) -> None:
        """Write the page. Its charts take a second, so it is not written after every cell.

        Raises:
            RunError: the run of a cell that is done cannot be read.
            OSError: the directory cannot be written.
        """
        done = [result.cell for result in self.record.results if result.status == "done"]
        one_each = {cell.backend: cell.directory for cell in reversed(done)}
        runs = [Run.load(self.directory / folder).record for folder in reversed(one_each.values())]
        write_atomically(self.directory / REPORT, self.record.page(runs))

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Record how the work ended, and write the page.

        Raises:
            RunError: another process works in this directory; the record is left alone.
        """
        busy = RunError(f"{self.directory}: another process works on it; wait for it")
        with file_lock(self.directory / LOCK, busy):
            self.update(status="running")
            try:
                yield
            except BaseException:
                # A full disk must not hide what went wrong.
                with contextlib.suppress(OSError, RunError):
                    self.update(status="interrupted")
                    if any(result.status == "done" for result in self.record.results):
                        self.write_page()
                raise
            failed = any(result.status == "failed" for result in self.record.results)
            self.update(status="incomplete" if failed else "completed", finished_at=now())
            self.write_page()


def difference(one: GridRecord, other: GridRecord) -> str:
    """Name the first thing that makes two records different ones; empty where nothing does."""
    for key in {**one.setup, **other.setup}:
        if one.setup.get(key) != other.setup.get(key):
            return f"{key} changed"
    ours, theirs = ([r.cell for r in record.results] for record in (one, other))
    changed = [str(b) for a, b in zip(ours, theirs, strict=False) if a != b]
    if changed:
        return f"the cell {changed[0]} changed"
    return "" if len(ours) == len(theirs) else f"{len(ours)} cells then, {len(theirs)} now"


def markdown(record: GridRecord) -> str:
    """Return the table and what stands below it as Markdown."""
    headers, rows = record.table()
    lines = [headers, ["---"] * len(headers), *rows]
    table = [f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines]
    remarks = [f"- {' '.join(text.split())}" for text in record.remarks()]
    return "\n".join([f"# {record.name}", "", *table, "", *remarks]).rstrip() + "\n"


def setup_of(
    places: Mapping[str, Mapping[str, Any]], fingerprints: Mapping[str, str]
) -> dict[str, Any]:
    """Return what decides the results beside the cells, as plain values."""
    return {"backends": dict(places), "data": dict(fingerprints)}


def _middle(record: GridRecord) -> str:
    return f"{slug_of(record.name) or 'unnamed'}-{record.kind}"


def _of_name(cls: type[Grid[G]], runs_dir: Path, record: G) -> Iterator[Grid[G]]:
    pattern = f"*-{_middle(record)}-*/{record.kind}.json"
    for file in sorted(runs_dir.glob(pattern), reverse=True):
        with contextlib.suppress(RunError):
            yield cls.load(file.parent, type(record))
