"""The trials of one ladder or benchmark in one directory. A killed process loses no result.

ladder.json or benchmark.json   the record, written when the work begins and when it ends
ladder.md or benchmark.md       its table, likewise
results.jsonl                   a line for each result, appended as it comes; the last one counts
report.html                     its page, written when the work ends or is interrupted
cells/                          a run directory for each trial, and the backends' stores
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from tunesmith.atomic import naming, write_atomically
from tunesmith.clock import now
from tunesmith.errors import RunError, first_problem
from tunesmith.progress import Progress
from tunesmith.records import json_lines
from tunesmith.run import Run
from tunesmith.runs.directory import RecordDirectory, new_name, read_record, slug_of
from tunesmith.runs.run import REPORT
from tunesmith.sweep.costs import PriceTable
from tunesmith.sweep.page import markdown, render
from tunesmith.sweep.records import S, SweepRecord, Trial, TrialResult, with_results
from tunesmith.sweep.trial import repriced

RESULTS = "results.jsonl"


class Sweep(RecordDirectory[S]):
    """The directory of a sweep and its record."""

    def __init__(self, directory: Path, record: S) -> None:
        super().__init__(directory, record)
        self.noun, self.file_name = record.kind, f"{record.kind}.json"
        self._results = {result.trial.directory: result for result in record.results}
        self._changed = False

    @property
    def record(self) -> S:
        """The record with all results so far."""
        if self._changed:
            self._record = with_results(self._record, tuple(self._results.values()))
            self._changed = False
        return self._record

    @classmethod
    def load(cls, directory: Path, kind: type[S]) -> Self:
        """Read a directory: the record, and the results that came after it was written.

        Raises:
            RunError: no record of ``kind`` there, unreadable, or of another version.
        """
        sweep = cls(directory, read_record(directory / f"{kind.kind}.json", kind, kind.kind))
        for result in _logged(directory / RESULTS):
            sweep._take(result)
        return sweep

    def write(self) -> None:
        """Write the record, and the table."""
        super().write()
        file = (self.directory / self.file_name).with_suffix(".md")
        write_atomically(file, markdown(self.record))

    def put(self, *results: TrialResult) -> bool:
        """Append results to the log, in a time that does not grow with it; the work goes on."""
        for result in results:
            self._take(result)
        if results:
            file = self.directory / RESULTS
            with naming(file), file.open("a", encoding="utf-8") as log:
                log.write(json_lines(results))
                log.flush()
                os.fsync(log.fileno())
        return True

    def _take(self, result: TrialResult) -> None:
        if result.trial.directory in self._results:
            self._results[result.trial.directory] = result
            self._changed = True

    def add_trials(self, planned: S) -> None:
        """Take the trials of ``planned`` in their order; those that are here keep their results."""
        kept = (result for result in self._results.values() if result.status != "skipped")
        ours = [(_unplaced(result), result) for result in kept]
        results = [
            next((found for trial, found in ours if trial == _unplaced(result)), result)
            for result in planned.results
        ]
        self._results = {result.trial.directory: result for result in results}
        self._changed = True

    def reprice(self, prices: PriceTable) -> None:
        """Change the cost of the trials that are done to the prices of today."""
        new = [repriced(r, self.directory, prices.get(r.trial.backend))
               for r in self._results.values()]  # fmt: skip
        self.put(*(r for r in new if r != self._results[r.trial.directory]))

    def write_page(self) -> None:
        """Write the page. Its charts take a second, so it is written once, at the end.

        Raises:
            RunError: the run of a trial that is done cannot be read.
            OSError: the directory cannot be written.
        """
        done = [result.trial for result in self.record.results if result.status == "done"]
        one_each = {trial.backend: trial.directory for trial in reversed(done)}
        runs = [Run.load(self.directory / folder).record for folder in reversed(one_each.values())]
        write_atomically(self.directory / REPORT, render(self.record, runs))

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Record how the work ended, and write the page.

        Raises:
            RunError: another process works in this directory; the record is not changed.
        """
        with self.locked():
            if (file := self.directory / RESULTS).exists():
                with file.open("r+b") as log:
                    log.truncate(log.read().rfind(b"\n") + 1)  # a line that was not completed
            self.update(status="running")
            try:
                yield
            except BaseException:
                # A full disk must not hide the error itself.
                with contextlib.suppress(OSError, RunError):
                    self.update(status="interrupted")
                    if self._any("done"):
                        self.write_page()
                raise
            status = "incomplete" if self._any("failed") else "completed"
            self.update(status=status, finished_at=now())
            self.write_page()

    def _any(self, status: str) -> bool:
        return any(result.status == status for result in self._results.values())


@contextmanager
def opened(
    runs_dir: Path, planned: S, prices: PriceTable, progress: Progress, **changes: Any
) -> Iterator[Sweep[S]]:
    """Find or make the directory of ``planned`` and hold it while trials are run.

    Args:
        runs_dir: the folder of the sweep's directory.
        planned: the record of a sweep that has not begun.
        prices: of today.
        progress: gets what was found, and which trials are skipped.
        **changes: fields of the record that this call sets.

    Raises:
        RunError: another process works in the directory.
        OSError: the folder cannot be written.
    """
    sweep, found = _found_or_made(runs_dir, planned)
    if found:
        progress.remark(found)
    for result in planned.results:
        if result.status == "skipped":
            progress.trial_ended(str(result.trial), result.outcome)
    with sweep.guarded():
        sweep.reprice(prices)
        sweep.update(**changes)
        yield sweep


def _found_or_made(runs_dir: Path, record: S) -> tuple[Sweep[S], str]:
    """Return the newest directory with the same setup and trials, else a new one.

    The second value is a sentence about it.
    """
    middle, others = f"{slug_of(record.name) or 'unnamed'}-{record.kind}", []
    for file in sorted(runs_dir.glob(f"*-{middle}-*/{record.kind}.json"), reverse=True):
        with contextlib.suppress(RunError):
            sweep = Sweep.load(file.parent, type(record))
            why = _difference(sweep.record, record)
            if not why:
                sweep.add_trials(record)
                done = sum(result.status == "done" for result in sweep.record.results)
                return sweep, f"resuming {sweep.directory}; finished trials: {done}"
            others.append(f"{sweep.directory} is not resumed: {why}")
    made = Sweep.at(runs_dir / new_name(record.created_at, middle), record)
    return made, others[0] if others else ""


def _difference(one: SweepRecord, other: SweepRecord) -> str:
    """Return the first thing in which a sweep differs from its plan; empty if it can go on.

    The plan of a ladder may have more steps: a plugin with a further method was installed.
    """
    for key in {**one.setup, **other.setup}:
        if one.setup.get(key) != other.setup.get(key):
            return f"{key} changed"
    ours, theirs = (list(map(_unplaced, record.results)) for record in (one, other))
    for mine, its in zip_longest(ours, theirs):
        if mine is not None and mine not in theirs:
            return f"the trial {its or mine} changed"
    grown = len(ours) != len(theirs) and not one.grows
    return f"{len(ours)} trials then, {len(theirs)} now" if grown else ""


def _unplaced(result: TrialResult) -> Trial:
    """Return the trial without its directory, whose name has the place in the order.

    Parameters of generation that are not set are left out: an older version had fewer of them.
    """
    experiment = dict(result.trial.experiment)
    generation = experiment.get("generation") or {}
    experiment["generation"] = {k: v for k, v in generation.items() if v is not None}
    return result.trial.model_copy(update={"directory": "", "experiment": experiment})


def _logged(file: Path) -> Iterator[TrialResult]:
    """Yield the results of a log. A last line without line end is incomplete and is left out.

    Raises:
        RunError: a line is no result.
    """
    text = file.read_bytes() if file.exists() else b""
    for number, line in enumerate(text.split(b"\n")[:-1], 1):
        try:
            yield TrialResult.model_validate_json(line)
        except ValidationError as error:
            raise RunError(f"{file}, line {number}: not a result: {first_problem(error)}") from None
