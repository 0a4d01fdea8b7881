"""The scikit-learn classifier agrees with a run of the same settings, for the embedded model."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunesmith import Experiment, connect
from tunesmith.sklearn import SoftPromptClassifier

ROOT = Path(__file__).parents[2]
ROWS = json.loads((ROOT / "data/grooming_reviews/train.json").read_text(encoding="utf-8"))
TRAIN, TEST = ROWS[:24], ROWS[24:40]
TEMPLATE = "Comment: {{input}}\nSatisfaction:\n"
SMALL = {"num_epochs": 1, "batch_size": 8, "accumulate_steps": 1, "verbalizer": TEMPLATE}
METHODS: dict[str, dict[str, Any]] = {
    "prompt_tuning": {**SMALL, "num_virtual_tokens": 4, "learning_rate": 0.01},
    "lora": {**SMALL, "rank": 2},
    "linear_probe": {"verbalizer": TEMPLATE},
}


@pytest.mark.parametrize("name", METHODS)
def test_the_classifier_gives_the_probabilities_of_a_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for part, rows in (("train", TRAIN), ("test", TEST)):
        (tmp_path / f"{part}.json").write_text(json.dumps(rows))
    method = {"name": name, **METHODS[name]}
    experiment = Experiment.from_values(
        {
            "method": method,
            "data": {"train": "train.json", "test": "test.json"},
            "labels": {"0": ["bad"], "1": ["good"]},
        }
    )
    with connect("local") as backend:
        answers = experiment.run(backend).answers()
    classifier = SoftPromptClassifier(method=method, label_words={0: "bad", 1: "good"})
    classifier.fit([row["input"] for row in TRAIN], [int(row["output"]) for row in TRAIN])
    found = classifier.predict_proba([row["input"] for row in TEST])
    expected = np.array([[p.probabilities[name] for name in "01"] for p in answers])
    assert found == pytest.approx(expected, abs=1e-6)
    assert found.sum(axis=1) == pytest.approx(np.ones(len(TEST)))
    assert classifier.adapter_.exists()


def test_the_tuning_stops_early_on_rows_that_were_held_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    method = {"name": "prompt_tuning", **METHODS["prompt_tuning"], "early_stopping_patience": 1}
    classifier = SoftPromptClassifier(method=method, validation_fraction=0.25)
    classifier.fit([row["input"] for row in TRAIN], [row["output"] for row in TRAIN])
    assert classifier.tuned_model_.curve.epochs[0].validation_loss is not None
    assert classifier.classes_.tolist() == ["0", "1"]


def test_the_code_of_the_page_runs(tmp_path: Path) -> None:
    page = ROOT / "docs/how-to/use-it-as-a-scikit-learn-classifier.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 3
    (tmp_path / "data").symlink_to(ROOT / "data")
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:tunesmith", "-c", "\n".join(blocks)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[0 1]\n")
    assert {path.name for path in (tmp_path / "runs/store").iterdir()} == {"local", "sklearn"}
