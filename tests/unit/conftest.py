"""Small data and experiments that the unit tests share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tunesmith import Experiment
from tunesmith.testing.fake import FAKE_MODEL

GOOD = ["lovely staff", "great haircut", "clean and friendly", "kind people", "we love it"]
BAD = ["rude staff", "a dirty room", "late again", "never again", "slow and poor"]


def rows(copies: int) -> list[dict[str, str]]:
    pairs = [(text, "1") for text in GOOD] + [(text, "0") for text in BAD]
    return [{"input": f"{t} {i}", "output": o} for i in range(copies) for t, o in pairs]


@pytest.fixture
def values(tmp_path: Path) -> dict[str, Any]:
    """An experiment as plain values, its files in ``tmp_path``."""
    (tmp_path / "train.json").write_text(json.dumps(rows(4)))
    (tmp_path / "test.json").write_text(json.dumps(rows(2)))
    return {
        "name": "demo",
        "base_model": FAKE_MODEL,
        "method": {"name": "prompt_tuning", "num_epochs": 2, "batch_size": 4},
        "data": {"train": str(tmp_path / "train.json"), "test": str(tmp_path / "test.json")},
        "labels": ["0", "1"],
    }


@pytest.fixture
def experiment(values: dict[str, Any]) -> Experiment:
    return Experiment.from_values(values)
