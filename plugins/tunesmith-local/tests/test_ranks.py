"""Two processes tune like one: the same losses, the same prompt, the same answers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tunesmith import connect
from tunesmith.dataset import load_dataset
from tunesmith.errors import ExperimentError, TuningError
from tunesmith.plugins import DEFAULT_BASE_MODEL
from tunesmith.spec import TuningSpec
from tunesmith_local.training import team

DATA = Path(__file__).parents[3] / "data" / "grooming_reviews"
ROWS = load_dataset(str(DATA / "train.json")).rows[:41]
TEXTS = load_dataset(str(DATA / "test.json")).inputs[:20]
LABELS = ["0", "1"]
METHODS: Mapping[str, Mapping[str, Any]] = {
    "prompt_tuning": {"num_virtual_tokens": 10, "init_method": "text", "init_text": "Satisfied?"},
    "lora": {},
    "prefix_tuning": {"num_virtual_tokens": 10},
}


@dataclass(frozen=True)
class Tuned:
    """The result of a tuning."""

    losses: list[float]
    weights: dict[str, torch.Tensor]
    answers: list[str]


def spec(method: str, **settings: Any) -> TuningSpec:
    """Twenty optimizer steps; the last of an epoch has one row, so one process has none."""
    plan = {"num_epochs": 5, "batch_size": 10, "accumulate_steps": 1}
    given = {"name": method, **plan, **METHODS.get(method, {}), **settings}
    values = {"name": "ranks", "base_model": DEFAULT_BASE_MODEL, "labels": LABELS, "method": given}
    return TuningSpec.from_values(values)


def tuned(store: Path, devices: int, asked: TuningSpec) -> Tuned:
    with connect("local", store=store, devices=devices) as backend:
        model = backend.tuner.tune(asked, ROWS[:31], ROWS[31:])
        deployment = backend.deployer.deploy(model, "ranks")
        found = backend.predictor.generate(deployment, TEXTS)
    (weights,) = (store / "models" / model.id).glob("*.safetensors")
    losses = [step.loss for step in model.curve.steps]
    return Tuned(losses, load_file(weights), [one.text for one in found])


@pytest.fixture(autouse=True, scope="module")
def _ended() -> Iterator[None]:
    yield
    while team._teams:
        team._teams.pop().end()


@pytest.mark.parametrize(
    "method",
    [name if name == "prompt_tuning" else pytest.param(name, marks=pytest.mark.slow)
     for name in METHODS],
)  # fmt: skip
def test_two_processes_tune_as_one_does(tmp_path: Path, method: str) -> None:
    one = tuned(tmp_path / "one", 1, spec(method))
    two = tuned(tmp_path / "two", 2, spec(method))
    assert len(one.losses) == 20
    assert two.losses == pytest.approx(one.losses, rel=1e-5)
    largest = max(float(value.abs().max()) for value in one.weights.values())
    for name, value in one.weights.items():
        assert (two.weights[name] - value).abs().max() <= 1e-3 * largest
    assert two.answers == one.answers


@pytest.mark.slow
def test_equal_numbers_of_processes_give_equal_bits(tmp_path: Path) -> None:
    first, second = (tuned(tmp_path / name, 2, spec("prompt_tuning")) for name in "ab")
    assert first.losses == second.losses
    assert all(torch.equal(first.weights[name], second.weights[name]) for name in first.weights)


@pytest.mark.slow
def test_two_processes_search_as_one_does(tmp_path: Path) -> None:
    asked = spec("prompt_tuning", learning_rate="auto", num_epochs=8, batch_size=2)
    chosen = []
    for devices in (1, 2):
        with connect("local", store=tmp_path / str(devices), devices=devices) as backend:
            model = backend.tuner.tune(asked, ROWS[:31], ROWS[31:])
        chosen.append((model.method["learning_rate"], [t.value for t in model.choices[-1].tried]))
    assert chosen[0] == chosen[1]


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2)])
def test_a_tuning_is_resumed_with_another_number_of_processes(
    tmp_path: Path, before: int, after: int
) -> None:
    whole = tuned(tmp_path / "whole", 1, spec("prompt_tuning"))
    store = tmp_path / "parts"
    with connect("local", store=store, devices=before, checkpoint_seconds=0) as backend:
        job = backend.tuner.submit(spec("prompt_tuning"), ROWS[:31], ROWS[31:])
        while not any(event.kind == "step" and event.step == 7 for event in job.events()):
            pass
    with connect("local", store=store, devices=after) as backend:
        resumed = backend.tuner.resume(job.id)
        model = resumed.wait()
        assert any("resumed after step" in event.message for event in resumed.events())
    losses = [step.loss for step in model.curve.steps]
    assert losses == pytest.approx(whole.losses, rel=1e-5)


def test_a_process_that_dies_ends_the_tuning_and_the_next_one_goes_on(tmp_path: Path) -> None:
    with connect("local", store=tmp_path, devices=2, checkpoint_seconds=0) as backend:
        job = backend.tuner.submit(spec("prompt_tuning", num_epochs=500), ROWS)
        while not any(event.kind == "step" for event in job.events()):
            pass
        (other,) = team._teams[0]._started
        other.send_signal(signal.SIGKILL)
        with pytest.raises(TuningError, match="one of the processes that tune together has ended"):
            job.wait()
        resumed = backend.tuner.resume(job.id)
        while not any("resumed after step" in event.message for event in resumed.events()):
            pass
        resumed.cancel()
        assert resumed.status() == "cancelled"


def test_more_devices_than_there_are_are_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    asked = (os.cpu_count() or 1) + 1
    with (
        connect("local", store=tmp_path / "store", device="cpu", devices=asked) as backend,
        pytest.raises(ExperimentError, match=rf"option devices: {asked}, but this machine has"),
    ):
        backend.tuner.submit(spec("prompt_tuning"), ROWS)
    assert not (tmp_path / "store").exists()


def test_a_method_without_a_gradient_needs_no_other_process(tmp_path: Path) -> None:
    with connect("local", store=tmp_path, devices=2) as backend:
        asked = TuningSpec.from_values(
            {
                "name": "probe",
                "base_model": DEFAULT_BASE_MODEL,
                "labels": LABELS,
                "method": {"name": "linear_probe"},
            }
        )
        assert backend.tuner.tune(asked, ROWS).method["name"] == "linear_probe"


@pytest.mark.slow
def test_torchrun_starts_one_run(tmp_path: Path) -> None:
    for part, count in (("train", 24), ("test", 8)):
        rows = json.loads((DATA / f"{part}.json").read_text("utf-8"))[:count]
        (tmp_path / f"{part}.json").write_text(json.dumps(rows), "utf-8")
    asked = spec("prompt_tuning", num_epochs=2)
    experiment = {
        "base_model": asked.base_model,
        "labels": LABELS,
        "data": {"train": "train.json", "test": "test.json"},
        "method": {"name": "prompt_tuning", **asked.method.model_dump(mode="json")},
    }
    (tmp_path / "e.yaml").write_text(json.dumps(experiment), "utf-8")
    subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2",
         "-m", "tunesmith", "run", "e.yaml", "--backend", "local"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    (record,) = tmp_path.glob("runs/*/run.json")
    assert json.loads(record.read_text("utf-8"))["status"] == "completed"
