"""The progress of long work. The base class shows nothing; a screen subclasses it."""

from __future__ import annotations

from pathlib import Path

from tunesmith.records import TuningEvent


class Progress:
    """Receives the progress of a run. Every method may be overridden; all do nothing here."""

    def started(self, directory: Path) -> None:
        """The run directory was made; a stopped run can be resumed from it."""

    def stage(self, name: str) -> None:
        """Stage ``name`` begins: ``tune``, ``deploy``, ``predict tuned``, ``baselines``."""

    def tuning(self, event: TuningEvent) -> None:
        """Something happened in the tuning job."""

    def predicted(self, done: int, total: int) -> None:
        """``done`` of ``total`` rows of the stage are answered."""

    def remark(self, text: str) -> None:
        """A remark for the user."""

    def trial(self, name: str, number: int, total: int) -> None:
        """Trial ``name`` of a ladder or a benchmark begins, the ``number``-th of ``total``."""

    def trial_ended(self, name: str, outcome: str) -> None:
        """Trial ``name`` ended; ``outcome`` is its result in words."""

    def ended(self) -> None:
        """All stages of the run ended."""


SILENT = Progress()
