"""The tutorial's own files, read in place: the preset and the tutorial's hyper-parameters.

The files are IBM's and no part of the project; without them these tests are skipped.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith import Experiment, Run, connect, load_dataset
from tunesmith.audit import audit_data

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


@pytest.mark.slow
def test_the_tutorials_own_hyper_parameters(tmp_path: Path) -> None:
    summary = run("tutorial.yaml", tmp_path).summary()
    assert summary["steps"] == 36
    assert summary["tuned"]["accuracy"] > summary["base"]["accuracy"]


def test_the_audit() -> None:
    train, test = (
        load_dataset(str(FILES / f"dog_grooming_reviews_{part}_data.json"))
        for part in ("train", "test")
    )
    found = audit_data(train, test)
    assert found.leaked_test_rows == 5
    assert found.duplicate_train_rows == 49
    assert found.label_conflicts == 0
    assert [one.code for one in found.problems] == ["leaked_test_rows", "format_start"]
    # The instruction, and not the affixes that both files share.
    assert "test rows start with 'Extract the satisfaction" in found.problems[1].message
    assert "Comment" not in found.problems[1].message
    assert found.test is not None
    assert found.train.frame.prefix == "Comment: "
    assert found.train.frame.suffix == found.test.frame.suffix == "\nSatisfaction:\n"
