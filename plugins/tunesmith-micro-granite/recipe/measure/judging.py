"""Runs one problem through tunesmith, with one model folder."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipe.measure.held_out import Problem, Row
from tunesmith import Experiment, Run, connect

__all__ = ["Figures", "judge"]

TUNING = {
    "name": "prompt_tuning",
    "num_virtual_tokens": 60,
    "init_method": "sample_vocab",
    "learning_rate": 0.02,
    "num_epochs": 20,
    "batch_size": 8,
    "accumulate_steps": 1,
    "max_input_tokens": 256,
    "max_output_tokens": 16,
    "early_stopping_patience": 5,
}


@dataclass(frozen=True)
class Figures:
    """Shares of right answers on the test rows."""

    zero_shot: float
    few_shot: float
    prompt_tuning: float
    tfidf: float
    seconds: float
    """Of the tuning."""


def judge(folder: Path, problem: Problem, seed: int, epochs: int | None = None) -> Figures:
    """Measure one model on one problem.

    Args:
        folder: The model. Its parent must hold no other file named `config.json` that matters.
        problem: Rows and labels.
        seed: Of tuning, few-shot examples and validation rows.
        epochs: Instead of the usual number.

    Returns:
        The figures. The untuned model and few-shot get the instruction.
    """
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        methods = _methods(problem, epochs)
        zero, few, tuned = (_run(place, folder, problem, method, seed) for method in methods)
    return Figures(
        zero["base"]["accuracy"],
        few["base"]["accuracy"],
        tuned["tuned"]["accuracy"],
        tuned["baselines"]["tfidf_logreg"]["accuracy"],
        float(tuned["seconds"]["tune"]),
    )


def _methods(problem: Problem, epochs: int | None) -> tuple[dict[str, Any], ...]:
    told = f"{problem.told}\n{problem.template}"
    tuning = TUNING | {"verbalizer": problem.template}
    if epochs:
        tuning["num_epochs"] = epochs
    return {"name": "zero_shot", "template": told}, {"name": "few_shot", "template": told}, tuning


def _run(
    place: Path, folder: Path, problem: Problem, method: dict[str, Any], seed: int
) -> dict[str, Any]:
    experiment = Experiment.model_validate(
        {
            "name": problem.name,
            "base_model": folder.name,
            "method": method,
            "labels": list(problem.labels),
            "data": {
                "train": _write(place / "train.json", problem.train),
                "test": _write(place / "test.json", problem.test),
                "validation": 0.15,
            },
            "seed": seed,
        }
    )
    with connect("local", store=place / "store", device="cpu", models=folder.parent) as backend:
        run: Run = experiment.run(backend, runs_dir=place / "runs")
    return run.summary()


def _write(file: Path, rows: Sequence[Row]) -> str:
    file.write_text(json.dumps(list(rows)), encoding="utf-8")
    return str(file)
