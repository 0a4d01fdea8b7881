"""Stand-ins for ``run_trial``, which workers import by name."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from tunesmith.sweep.records import Trial, TrialResult
from tunesmith.sweep.trial import run_trial

SECONDS = 0.25
LOG = "TUNESMITH_SCALE_LOG"
"""Environment variable: the file that workers write to."""


def sleeping(trial: Trial, *_: Any) -> TrialResult:
    """Take a quarter of a second."""
    time.sleep(SECONDS)
    return TrialResult(trial=trial, status="failed", reason="it only slept")


def counted(trial: Trial, *arguments: Any) -> TrialResult:
    """Run a trial that takes a moment, and write down that it was run."""
    _write(trial.directory)
    time.sleep(0.5)
    return run_trial(trial, *arguments)


def loading(trial: Trial, *arguments: Any) -> TrialResult:
    """Run a trial, and write down each loading of a base model with its seconds."""
    from tunesmith_local import catalog

    if not hasattr(catalog, "plain_load"):
        plain = catalog.plain_load = catalog.load_base_model  # type: ignore[attr-defined]

        def timed(*given: Any, **named: Any) -> Any:
            begun = time.perf_counter()
            made = plain(*given, **named)
            _write(f"{time.perf_counter() - begun}")
            return made

        catalog.load_base_model = timed
    return run_trial(trial, *arguments)


def poisoned(trial: Trial, *arguments: Any) -> TrialResult:
    """End the process if the trial has the seed 3."""
    if trial.seed == 3:
        os._exit(1)
    return run_trial(trial, *arguments)


def _write(line: str) -> None:
    with Path(os.environ[LOG]).open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")  # in one call
