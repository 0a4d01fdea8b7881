"""A ladder in Python, on rows in memory."""

from __future__ import annotations

from pathlib import Path

from tunesmith import Experiment
from tunesmith.sweep.ladder import run_ladder
from tunesmith.sweep.trial import BackendRef

TEXTS = [f"{text} {number}" for number in range(8) for text in ("lovely staff", "rude staff")]


def test_the_second_call_resumes_the_ladder_of_the_same_rows(tmp_path: Path) -> None:
    data = {"train": (TEXTS, ["good", "bad"] * 8), "test": (TEXTS, ["good", "bad"] * 8)}
    experiment = Experiment(method="tfidf_logreg", data=data)
    ref, steps = BackendRef(name="sklearn"), ["majority", "tfidf_logreg"]
    first, second = (run_ladder(experiment, ref, runs_dir=tmp_path, only=steps) for _ in range(2))
    assert [one.evaluation.accuracy for one in first.record.results if one.evaluation] == [0.5, 1]
    assert second.directory == first.directory
    assert second.record.results == first.record.results
