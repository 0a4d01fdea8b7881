"""The tutorial's own files, read in place: the preset and the tutorial's hyper-parameters.

The files are IBM's and no part of the project; without them these tests are skipped.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith import Experiment, Run, connect

ROOT = Path(__file__).parents[2]
FILES = ROOT.parent / "shared" / "data" / "tutorial"

pytestmark = pytest.mark.skipif(
    not FILES.is_dir(), reason="the tutorial's files are not in ../shared/data/tutorial"
)


def run(name: str, folder: Path) -> Run:
    experiment = Experiment.from_file(
        ROOT / "data" / "grooming_reviews" / name,
        {
            "data.train": str(FILES / "dog_grooming_reviews_train_data.json"),
            "data.test": str(FILES / "dog_grooming_reviews_test_data.json"),
        },
    )
    with connect("local", store=folder / "store", device="cpu") as backend:
        return experiment.run(backend, runs_dir=folder / "runs")


def test_the_preset(tmp_path: Path) -> None:
    summary = run("experiment.yaml", tmp_path).summary()
    assert summary["test"]["rows"] == 116
    assert summary["base"]["accuracy"] >= 0.70
    assert summary["tuned"]["accuracy"] >= 0.86
    assert summary["tuned"]["unparsable"] == summary["base"]["unparsable"] == 0


def test_the_tutorials_own_hyper_parameters(tmp_path: Path) -> None:
    summary = run("tutorial.yaml", tmp_path).summary()
    assert summary["steps"] == 36
    assert summary["tuned"]["accuracy"] > summary["base"]["accuracy"]
