"""One experiment, two ways: straight to ``local``, and through IBM's SDK to an emulator over it.

Same seed, same rows, 100 virtual tokens from a text: the two must give the same prediction for
every row and the same mean loss for every epoch, or something between them changes the data.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tunesmith import Experiment, compare, connect
from tunesmith.run import Run
from tunesmith_emulator import Emulator

DATA = Path(__file__).parents[2] / "data" / "grooming_reviews"
SEED = 7

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return Experiment.from_file(
        DATA / "tutorial.yaml",
        {"seed": SEED, "method.num_epochs": 2, "method.accumulate_steps": 4, "answer": "text"},
    )


@pytest.fixture(scope="module")
def local(experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("local")
    with connect("local", store=folder / "store") as backend:
        yield experiment.run(backend, runs_dir=folder)


@pytest.fixture(scope="module")
def watsonx(experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("watsonx")
    with Emulator("local", seed=SEED) as emulator:
        options = {**emulator.credentials, "project_id": emulator.project_id}
        with connect("watsonx", store=folder / "store", **options) as backend:
            yield experiment.run(backend, runs_dir=folder)


def test_every_row_gets_the_same_prediction(local: Run, watsonx: Run) -> None:
    for model in ("tuned", "base"):
        here, there = (
            [(p.row, p.text, p.label) for p in run.answers(model)] for run in (local, watsonx)
        )
        assert len(here) == 320
        assert here == there


def test_every_epoch_has_the_same_mean_loss(local: Run, watsonx: Run) -> None:
    here, there = (run.record.model.curve.epochs for run in (local, watsonx))
    assert [e.epoch for e in here] == [e.epoch for e in there] == [1, 2]
    assert [e.loss for e in there] == pytest.approx([e.loss for e in here], abs=1e-6, rel=0)
    assert here[-1].loss < here[0].loss


def test_the_record_names_the_answering_model(local: Run, watsonx: Run) -> None:
    assert not local.record.emulated
    assert watsonx.record.emulated
    assert watsonx.record.backend == "watsonx"
    report = (watsonx.directory / "report.html").read_text(encoding="utf-8")
    assert "emulat" in report.lower()


def test_the_two_runs_can_be_compared(local: Run, watsonx: Run) -> None:
    comparison = compare(local.answers(), watsonx.answers(), ("local", "watsonx"))
    assert comparison.difference == 0
