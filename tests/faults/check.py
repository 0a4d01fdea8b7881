"""Checks one command: each of its points with each fault."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults.emulated import ACKNOWLEDGED, COMPLAINT
from tests.faults.outcome import debris, differences, half_written, outcome
from tests.faults.points import KILL, Point
from tests.faults.process import Ended, Place, tunesmith, warm
from tests.faults.subjects import Subject, placed, prepare

_ATTEMPTS = 3
_REMEDY = re.compile(
    r"(?:resume|continue|again) with|run again|check the path|tr(?:y|ies) (?:it |them )?again|"
    r"tune again|(?:give|choose) another"
)


class Checker:
    """One subject in one folder."""

    def __init__(self, subject: Subject, root: Path) -> None:
        self.subject = subject
        self._base = root / "base"
        self._place = Place(root / "work", root / "logs", subject.charts)
        warm(subject.imports)
        self._place.logs.mkdir(parents=True)
        self._place.work.mkdir()
        prepare(self._place.work)
        for command in subject.before:
            self._through(command)
        shutil.copytree(self._place.work, self._base)
        # Once to import, and once more with the hooks of what is imported.
        warm(self._run(subject.command).modules)
        runs = [self._recorded() for _ in range(_ATTEMPTS)]
        # How many threads need a connection of SQLite at once differs between runs.
        common = set(runs[0].points).intersection(*(run.points for run in runs))
        self.points = [p for p in runs[0].points if p in common and subject.only in p.path]
        self._said = runs[-1].out if subject.call else ""
        self._finish()
        self.clean = outcome(self._place.work)

    def check(self, point: Point, fault: str) -> list[str]:
        """Return what is wrong after ``fault`` at ``point``."""
        ended = self._reached(point, fault)
        if ended is None:
            return ["the point was not reached"]
        found = list(self._after_fault(ended, fault))
        try:
            for _ in range(_ATTEMPTS):
                command = self.subject.next_command(ended, fault, self._place.work)
                if command is None:
                    break
                ended = self._run(command)
                found += self._complaints(ended)
            self._require(ended)
            if self.subject.call and ended.out != self._said:
                found.append(f"answers {ended.out!r}, without the fault {self._said!r}")
            self._finish()
        except AssertionError as error:
            return [*found, str(error)]
        found += differences(self.clean, outcome(self._place.work))
        if fault != KILL and (left := debris(self._place.work)):
            found.append(f"left over: {', '.join(left)}")
        return found

    def _recorded(self) -> Ended:
        """Return a run without a fault, which has its points."""
        self._renew()
        ended = self._run(self.subject.command)
        self._require(ended)
        return ended

    def _reached(self, point: Point, fault: str) -> Ended | None:
        """Return the end of a run that came to ``point``, or None if no run did."""
        for _ in range(_ATTEMPTS):
            self._renew()
            ended = self._run(self.subject.command, point, fault)
            if ended.fired:
                return ended
        return None

    def _after_fault(self, ended: Ended, fault: str) -> Iterator[str]:
        yield from (f"half written: {one}" for one in half_written(self._place.work))
        yield from self._complaints(ended)
        if fault == KILL or ended.code == 0:
            return
        shown = f"exit {ended.code}: {ended.err.strip()[-600:] or '(no error output)'}"
        message = ended.err.rpartition("error: ")[2]
        if ended.code in (1, 70) or ended.code < 0 or "error: " not in ended.err:
            yield f"no error of the product: {shown}"
        elif "Traceback" in ended.err or "this is a bug" in ended.err:
            yield f"called a bug: {shown}"
        elif not re.search(r"\w/\w|^\S+: ", message):
            yield f"the error names no path: {shown}"
        elif not _REMEDY.search(message):
            yield f"the error names no remedy: {shown}"
        elif "run again" in message and re.search("(?:resume|continue) with", message):
            yield f"the error names two remedies: {shown}"

    def _complaints(self, ended: Ended) -> list[str]:
        return [line for line in ended.err.splitlines() if line.startswith(COMPLAINT)]

    def _finish(self) -> None:
        for command in self.subject.after:
            self._through(command)

    def _through(self, command: tuple[str, ...]) -> None:
        self._require(self._run(command))

    def _require(self, ended: Ended) -> None:
        assert ended.code == 0, f"does not go on: exit {ended.code}: {ended.err.strip()[-600:]}"

    def _run(
        self, command: tuple[str, ...], point: Point | None = None, fault: str = KILL
    ) -> Ended:
        call: Callable[[], object] = tunesmith(*placed(command, self._place.work))
        if self.subject.call is not None and command == self.subject.command:
            call = self.subject.call
        return self._place.run(call, point, fault)

    def _renew(self) -> None:
        (self._place.work / ACKNOWLEDGED).unlink(missing_ok=True)
        shutil.rmtree(self._place.work)
        shutil.copytree(self._base, self._place.work)
