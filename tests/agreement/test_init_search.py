"""``tunesmith init`` asks the embedded model itself, and writes an experiment that it can run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tunesmith.cli.app import cli
from tunesmith.cli.init import STEADY
from tunesmith.experiment import Experiment

TRAIN = Path(__file__).parents[2] / "data" / "grooming_reviews" / "train.json"


def written(name: str) -> dict[str, Any]:
    arguments = ["init", str(TRAIN), "--test", str(TRAIN), "-o", name, "--rows", "12", "--json"]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_the_choice_is_the_same_each_time_and_can_be_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = written("first.yaml"), written("second.yaml")
    assert first["wording"] == second["wording"]
    best = max(first["wording"]["tried"], key=lambda one: one["correct"])
    experiment = Experiment.from_file("first.yaml")
    assert experiment.method_named("zero_shot").input_template == best["wording"]["template"]
    assert experiment.method.input_template.endswith("\n")
    assert STEADY.items() <= experiment.method.model_dump().items()
    assert [experiment.labels.surface(name) for name in experiment.labels] == list(
        best["wording"]["words"].values()
    )
    dry = CliRunner().invoke(cli, ["run", "first.yaml", "--dry-run"])
    assert dry.exit_code == 0, dry.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"first.yaml", "second.yaml"}
