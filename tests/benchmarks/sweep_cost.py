"""Prints the overhead of a sweep for each trial. It must not grow with the number of trials.

The trials do nothing: the executor gets a stand-in for ``run_trial`` that returns a ready result.
Everything else is real: the log with its fsync, the record, the table and the page. No assertion.
Run it with ``python tests/benchmarks/sweep_cost.py [TRIALS ...]``.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tunesmith.evaluation.metrics import evaluate
from tunesmith.labels import LabelSet
from tunesmith.progress import SILENT
from tunesmith.records import Prediction
from tunesmith.run import Run
from tunesmith.runs.record import RunRecord
from tunesmith.sweep.costs import FREE
from tunesmith.sweep.executor import Work
from tunesmith.sweep.latency import SAMPLE, percentiles
from tunesmith.sweep.records import BenchmarkRecord, Trial, TrialResult, with_results
from tunesmith.sweep.sweep import opened
from tunesmith.sweep.trial import BackendRef, DataCache

COUNTS = (100, 1_000, 10_000)
MODEL = "tunesmith/none"
ANSWERS = [
    Prediction(row=i, model="tuned", input="x", prompt="x", text=label, label=label, expected="1")
    for i, label in enumerate("0111")
]
EVALUATION = evaluate(ANSWERS, LabelSet.model_validate(["0", "1"]))
LATENCY = percentiles([0.001] * SAMPLE)
RUN = RunRecord(
    name="no-op", status="completed", experiment={}, backend="none", options={}, base_model=MODEL,
    seed_honored=True, data={},
)  # fmt: skip


def no_op(trial: Trial, *_: Any) -> TrialResult:
    """Return a result at once."""
    return TrialResult(trial=trial, status="done", evaluation=EVALUATION, seconds={"tune": 1.0},
                       cost=FREE, latency=LATENCY)  # fmt: skip


def planned(count: int) -> BenchmarkRecord:
    """Return the record of a benchmark of ``count`` trials, which differ in their seed."""
    trials = [
        Trial(name="no-op", backend="none", base_model=MODEL, seed=seed, experiment={},
              directory=f"cells/{seed:02d}", trains_base_model=False)
        for seed in range(count)
    ]  # fmt: skip
    record = BenchmarkRecord(name="cost", setup={}, results=())
    return with_results(record, tuple(TrialResult(trial=trial) for trial in trials))


def measure(count: int) -> tuple[float, float]:
    """Return the seconds of ``count`` trials, and those of the whole sweep."""
    with tempfile.TemporaryDirectory() as folder:
        record, start = planned(count), time.perf_counter()
        with opened(Path(folder), record, {}, SILENT) as sweep:
            Run.at(sweep.directory / record.results[0].trial.directory, RUN)  # the page reads it
            trials = [result.trial for result in record.results]
            refs = {"none": BackendRef(name="none")}
            begun = time.perf_counter()
            Work(trials, refs, sweep.directory, DataCache(), {}, run=no_op).do(sweep.put)
            seconds = time.perf_counter() - begun
        return seconds, time.perf_counter() - start


def main() -> None:
    """Print a line for each number of trials."""
    for count in map(int, sys.argv[1:]) if sys.argv[1:] else COUNTS:
        seconds, whole = measure(count)
        print(
            f"{count:>6,} trials: {1000 * seconds / count:.3f} ms a trial; "
            f"the whole sweep, begin and end included: {whole:.1f} s"
        )


if __name__ == "__main__":
    main()
