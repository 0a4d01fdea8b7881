"""A training killed at any moment ends as if it had not been."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from killable import train
from safetensors import SafetensorError
from safetensors.torch import load_file
from test_training import PLAN, but, examples, prompt_of, start

from tunesmith.backends.jobs import JobStopped
from tunesmith.records import EpochLoss, LearningCurve, StepLoss
from tunesmith_local.errors import CheckpointError
from tunesmith_local.model.loading import BaseLM
from tunesmith_local.training.checkpoint import CheckpointStore, TrainingState
from tunesmith_local.training.losses import Losses
from tunesmith_local.training.training import Training

GetBase = Callable[[str], BaseLM]


def state(step: int = 3) -> TrainingState:
    """A checkpoint with everything in it."""
    return TrainingState(
        weights={"a.b": torch.randn(4, 8), "c": torch.randn(2)},
        step=step,
        optimizer={
            "a.b": {"step": torch.tensor(3.0), "exp_avg": torch.randn(4, 8), "count": 3},
            "c": {"step": torch.tensor(3.0)},
        },
        best={"a.b": torch.randn(4, 8), "c": torch.randn(2)},
        best_loss=0.1 + 0.2,
        stale_epochs=1,
        losses=Losses([StepLoss(step=1, epoch=1, loss=1 / 3)], best_epoch=1),
    )


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "c", "x")
    assert store.latest() is None
    store.save(state(2))
    saved = state(3)
    store.save(saved)
    back = store.latest()
    assert back is not None
    torch.testing.assert_close(back.weights, saved.weights, rtol=0, atol=0)
    torch.testing.assert_close(back.best, saved.best, rtol=0, atol=0)
    torch.testing.assert_close(back.optimizer, saved.optimizer, rtol=0, atol=0)
    assert (back.step, back.best_loss, back.stale_epochs, back.losses.curve()) == (
        3, saved.best_loss, 1, saved.losses.curve(),
    )  # fmt: skip
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["step-00000003"]


def grown(step: int) -> TrainingState:
    """A checkpoint after ``step`` steps, two to an epoch."""
    saved = state(step)
    saved.losses = Losses(
        [StepLoss(step=i, epoch=(i + 1) // 2, loss=1 / i) for i in range(1, step + 1)],
        [EpochLoss(epoch=i, loss=1 / i) for i in range(1, step // 2 + 1)],
        best_epoch=1,
    )
    return saved


@pytest.mark.skipif(os.name == "nt", reason="no limit of a file's size on Windows")
def test_a_full_disk_is_an_error_that_names_the_folder(tmp_path: Path) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            CheckpointStore(tmp_path / "c", "x").save(state())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.filename == str(tmp_path / "c")


def test_losses_are_appended_also_by_a_new_store(tmp_path: Path) -> None:
    for step in range(1, 6):
        store = CheckpointStore(tmp_path, "x")
        store.latest()
        store.save(grown(step))
    lines = (tmp_path / "step-00000005" / "losses.jsonl").read_text().splitlines()
    assert len(lines) == 5 + 2
    back = CheckpointStore(tmp_path, "x").latest()
    assert back is not None
    assert back.losses.curve() == grown(5).losses.curve()


def test_losses_that_a_dying_process_appended_are_not_counted(tmp_path: Path) -> None:
    CheckpointStore(tmp_path, "x").save(grown(2))
    with (tmp_path / "step-00000002" / "losses.jsonl").open("a") as file:
        file.write('{"step": 3, "epoch": 2, "loss": 7.0}\n{"step": 4, "ep')
    store = CheckpointStore(tmp_path, "x")
    back = store.latest()
    assert back is not None
    assert back.losses.curve() == grown(2).losses.curve()
    store.save(grown(4))
    again = CheckpointStore(tmp_path, "x").latest()
    assert again is not None
    assert again.losses.curve() == grown(4).losses.curve()


def test_a_file_system_without_hard_links_gets_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError("no links")

    monkeypatch.setattr(os, "link", refused)
    store = CheckpointStore(tmp_path, "x")
    for step in (1, 2, 5):
        store.save(grown(step))
    back = CheckpointStore(tmp_path, "x").latest()
    assert back is not None
    assert back.losses.curve() == grown(5).losses.curve()


def test_an_old_checkpoint_with_the_whole_curve_is_read(tmp_path: Path) -> None:
    CheckpointStore(tmp_path, "x").save(grown(3))
    folder = tmp_path / "step-00000003"
    facts = json.loads((folder / "state.json").read_text())
    del facts["losses"], facts["best_epoch"]
    facts["curve"] = grown(3).losses.curve().model_dump(mode="json")
    (folder / "state.json").write_text(json.dumps(facts))
    (folder / "losses.jsonl").unlink()
    store = CheckpointStore(tmp_path, "x")
    back = store.latest()
    assert back is not None
    assert back.losses.curve() == grown(3).losses.curve()
    store.save(grown(4))
    again = CheckpointStore(tmp_path, "x").latest()
    assert again is not None
    assert again.losses.curve() == grown(4).losses.curve()


def test_an_incomplete_file_of_a_killed_process_is_not_a_checkpoint(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path, "x")
    store.save(state(3))
    scratch = tmp_path / ".scratch-dead"
    scratch.mkdir()
    (scratch / "tensors.safetensors").write_bytes(b"half")
    back = store.latest()
    assert back is not None
    assert back.step == 3
    store.save(state(4))
    assert not scratch.exists()


def test_a_full_disk_is_an_error_of_the_disk_that_names_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:  # what safetensors raises
        raise SafetensorError(
            "Error while serializing: I/O error: No space left on device (os error 28) at path x"
        )

    monkeypatch.setattr("tunesmith_local.training.checkpoint.save_file", full)
    with pytest.raises(OSError, match=f"No space left on device: '{tmp_path}'"):
        CheckpointStore(tmp_path, "x").save(state())


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    CheckpointStore(tmp_path, "x").save(state())
    with pytest.raises(CheckpointError, match="another training"):
        CheckpointStore(tmp_path, "y").latest()


@pytest.mark.parametrize("name", ["state.json", "tensors.safetensors", "losses.jsonl"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, name: str) -> None:
    store = CheckpointStore(tmp_path, "x")
    store.save(state())
    path = tmp_path / "step-00000003" / name
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(CheckpointError, match="damaged"):
        store.latest()


@pytest.mark.slow
@pytest.mark.parametrize("position", ["prefix", "suffix"])
def test_a_training_killed_at_a_random_step_resumes_bit_for_bit(
    tmp_path: Path, position: str
) -> None:
    expected, prompt = train(None, position)
    kill_after = [random.randint(1, 18), random.randint(1, 8)]
    for steps in kill_after:
        _run_and_kill(tmp_path, position, steps)
    assert not (tmp_path / "prompt").exists()
    _process(tmp_path, position).communicate(timeout=300)
    assert torch.equal(load_file(tmp_path / "prompt")["prompt"], prompt), kill_after
    curve = LearningCurve.model_validate_json((tmp_path / "prompt.json").read_text())
    assert curve == expected.curve


def _run_and_kill(folder: Path, position: str, steps: int) -> None:
    with _process(folder, position) as process:
        assert process.stdout is not None
        seen = 0
        while seen < steps:
            line = process.stdout.readline()
            assert line, "the process ended before it could be killed"
            seen += line.startswith("step")
        process.send_signal(signal.SIGKILL)
        assert process.wait(timeout=300) == -signal.SIGKILL


def _process(folder: Path, position: str) -> subprocess.Popen[str]:
    script = Path(__file__).with_name("killable.py")
    return subprocess.Popen(
        [sys.executable, str(script), str(folder / "c"), str(folder / "prompt"), position],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_a_stopped_training_resumes_in_another_object(
    tmp_path: Path, base_lm: GetBase, optimizer: str
) -> None:
    base = base_lm("granite")
    rows, plan = examples(base), but(PLAN, optimizer=optimizer)
    whole, resumed = start(base), start(base)
    expected = Training(whole, rows, plan).run()
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked == 8  # in the middle of an accumulation

    store = CheckpointStore(tmp_path, "x")
    with pytest.raises(JobStopped):
        Training(
            start(base), rows, plan, checkpoints=store, checkpoint_seconds=60,
            should_stop=stop,
        ).run()  # fmt: skip
    reached = store.latest()
    assert reached is not None
    assert 0 < reached.step < expected.steps
    result = Training(resumed, rows, plan, checkpoints=store).run()
    assert torch.equal(prompt_of(resumed), prompt_of(whole))
    assert result.curve == expected.curve
