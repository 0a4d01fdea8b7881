"""The common arguments of the stages of one run."""

from __future__ import annotations

from dataclasses import dataclass

from tunesmith.backend import Backend
from tunesmith.dataset import ExperimentData
from tunesmith.progress import SILENT, Progress
from tunesmith.runs.run import Run
from tunesmith.spec import TuningSpec


@dataclass
class Context:
    """One run: its settings, its directory, its backend and its rows."""

    spec: TuningSpec
    run: Run
    backend: Backend
    data: ExperimentData
    progress: Progress = SILENT
    prepared: object | None = None
    """The return value of ``Tuner.check``; None if this process did not check."""
