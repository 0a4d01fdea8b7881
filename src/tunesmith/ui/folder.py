"""The folder of the runs: what is in it, read once for as long as it does not change."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tunesmith.errors import RunError, near_misses
from tunesmith.runs.run import RECORD, REPORT, RunDirectory
from tunesmith.sweep.records import SWEEPS
from tunesmith.sweep.sweep import RESULTS, Sweep
from tunesmith.sweep.trial import TRIALS
from tunesmith.ui.entries import Entry, Kind, of_run, of_sweep

_PATTERNS: dict[str, Kind] = {
    f"*/{RECORD}": "run",
    f"*/{TRIALS}/*/{RECORD}": "trial",
    "*/ladder.json": "ladder",
    "*/benchmark.json": "benchmark",
}
_LOCKS_DECIDE = ("running", "interrupted")
"""A process may begin or end without a trace in the record."""
_Stamp = tuple[tuple[int, int, int], ...]


class Place(NamedTuple):
    """A record file in the folder."""

    id: str
    """Of its directory, as in :class:`Entry`."""
    kind: Kind
    file: Path


class RunsFolder:
    """A folder of runs, ladders and benchmarks. Threads may share it. It writes nothing.

    Args:
        folder: need not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._one_at_a_time = threading.Lock()
        self._read: dict[str, tuple[_Stamp, Entry]] = {}

    def entries(self) -> list[Entry]:
        """Return a line for each run, trial, ladder and benchmark, in the order of the names.

        A record that cannot be read has a line with the reason. One that did not change since the
        last call is not read again.
        """
        with self._one_at_a_time:
            self._read = {place.id: self._entry(place) for place in self._places()}
            return [entry for _, entry in self._read.values()]

    def run(self, id_: str) -> RunDirectory:
        """Return a completed run.

        Raises:
            LookupError: there is no such run in the folder.
            RunError: it is not completed, or its record cannot be read.
        """
        return RunDirectory.load(self._place(id_, "run", "trial").file.parent)

    def report(self, id_: str) -> Path:
        """Return the file of the report of a run or a sweep.

        Raises:
            LookupError: there is no such run in the folder, or it has no report.
        """
        file = self._place(id_).file.with_name(REPORT)
        if not file.is_file() or not self._holds(file):
            raise LookupError(f"{id_} has no report")
        return file

    def has_report(self, id_: str) -> bool:
        """Return whether a run or a sweep has a report."""
        return (self.folder / id_ / REPORT).is_file()

    def _place(self, id_: str, *kinds: Kind) -> Place:
        # Names from outside are compared with those in the folder, and never made to a path.
        places = [place for place in self._places() if not kinds or place.kind in kinds]
        for place in places:
            if place.id == id_ and self._holds(place.file):
                return place
        near = near_misses(id_, [place.id for place in places])
        raise LookupError(f"no run {id_!r:.200} in {self.folder}.{near}")

    def _places(self) -> Iterator[Place]:
        for pattern, kind in _PATTERNS.items():
            for file in sorted(self.folder.glob(pattern)):
                yield Place(file.parent.relative_to(self.folder).as_posix(), kind, file)

    def _holds(self, file: Path) -> bool:
        """Return whether ``file`` is in the folder, links followed."""
        return file.resolve().is_relative_to(self.folder.resolve())

    def _entry(self, place: Place) -> tuple[_Stamp, Entry]:
        stamp = tuple(self._stamps(place))
        before = self._read.get(place.id)
        if before is not None and before[0] == stamp and before[1].status not in _LOCKS_DECIDE:
            return before
        return stamp, self._made(place)

    def _stamps(self, place: Place) -> Iterator[tuple[int, int, int]]:
        for file in (place.file, place.file.with_name(RESULTS)):
            try:
                found = file.stat()
            except OSError:
                yield (0, 0, 0)
            else:
                yield found.st_mtime_ns, found.st_size, found.st_ino

    def _made(self, place: Place) -> Entry:
        try:
            if not self._holds(place.file):
                raise RunError(f"{place.file}: a link out of the folder of the runs; not read")
            if place.kind in SWEEPS:
                record = Sweep.load(place.file.parent, SWEEPS[place.kind]).record
                return of_sweep(place.id, record)
            run = RunDirectory.load(place.file.parent, finished=False)
            return of_run(place.id, place.kind, run.record)
        except RunError as error:
            problem = str(error)
        except Exception as error:  # noqa: BLE001  # a damaged record must not hide the others
            problem = f"{place.file}: {type(error).__name__}: {error}"
        return Entry(id=place.id, kind=place.kind, status="unreadable", problem=problem)
