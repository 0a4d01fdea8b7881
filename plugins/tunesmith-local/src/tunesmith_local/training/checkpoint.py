"""Checkpoints of a training: complete or absent, whenever the process dies."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tunesmith.records import LearningCurve
from tunesmith_local.errors import CheckpointError

_PREFIX = "step-"
_SCRATCH = ".scratch-"


@dataclass
class TrainingState:
    """Everything that a training needs to go on as if it had never stopped.

    Epoch and position follow from ``step``, and the row order of an epoch from the seed and its
    number, so no state of a random generator is needed.
    """

    weights: dict[str, torch.Tensor]
    """The parameters by name."""
    step: int = 0
    """Optimizer steps done."""
    optimizer: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The optimizer's state by parameter: tensors and numbers by name."""
    best: dict[str, torch.Tensor] | None = None
    """The parameters with the best validation loss."""
    best_loss: float | None = None
    stale_epochs: int = 0
    """Epochs since the best validation loss."""
    curve: LearningCurve = field(default_factory=LearningCurve)


class CheckpointStore:
    """Keeps the newest checkpoint of one training in a directory of its own."""

    def __init__(self, directory: Path, signature: str) -> None:
        """Use ``directory``.

        Args:
            directory: made when first needed.
            signature: names the training; a checkpoint of another one is refused.
        """
        self._directory = directory
        self._signature = signature

    def save(self, state: TrainingState) -> None:
        """Write a checkpoint beside the last one, rename it into place, then drop the others."""
        self._directory.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=self._directory))
        tensors, numbers = _split(state.optimizer)
        groups = {"weights": state.weights, "best": state.best or {}, "optimizer": tensors}
        tensors = {f"{group}/{k}": v for group, held in groups.items() for k, v in held.items()}
        save_file(
            {k: v.detach().cpu().contiguous() for k, v in tensors.items()},
            scratch / "tensors.safetensors",
        )
        facts = {
            "signature": self._signature,
            "step": state.step,
            "optimizer": numbers,
            "best_loss": state.best_loss,
            "stale_epochs": state.stale_epochs,
            "curve": state.curve.model_dump(mode="json"),
        }
        (scratch / "state.json").write_text(json.dumps(facts), "utf-8")
        _flush(scratch)
        target = self._directory / f"{_PREFIX}{state.step:08d}"
        if target.exists():
            shutil.rmtree(target)
        scratch.replace(target)
        self._remove_all_but(target)

    def latest(self) -> TrainingState | None:
        """Return the newest checkpoint; None where there is none.

        Raises:
            CheckpointError: it is damaged, or belongs to another training.
        """
        found = sorted(self._directory.glob(f"{_PREFIX}*"))
        return self._read(found[-1]) if found else None

    @staticmethod
    def reached(directory: Path) -> int:
        """Return the optimizer step of the newest checkpoint in ``directory``, 0 without one."""
        steps = [int(path.name.removeprefix(_PREFIX)) for path in directory.glob(f"{_PREFIX}*")]
        return max(steps, default=0)

    def _read(self, path: Path) -> TrainingState:
        try:
            facts = json.loads((path / "state.json").read_text("utf-8"))
            tensors = load_file(path / "tensors.safetensors")
        except (OSError, ValueError, SafetensorError) as error:
            raise CheckpointError(f"{path}: damaged ({error}); delete it to start over") from error
        if facts["signature"] != self._signature:
            raise CheckpointError(
                f"{path}: belongs to another training (other data, settings or base model); "
                "delete it to start over"
            )
        return TrainingState(
            weights=_group(tensors, "weights"),
            step=facts["step"],
            optimizer=_joined(_group(tensors, "optimizer"), facts["optimizer"]),
            best=_group(tensors, "best") or None,
            best_loss=facts["best_loss"],
            stale_epochs=facts["stale_epochs"],
            curve=LearningCurve.model_validate(facts["curve"]),
        )

    def _remove_all_but(self, kept: Path) -> None:
        for path in self._directory.iterdir():
            if path != kept and path.name.startswith((_PREFIX, _SCRATCH)):
                shutil.rmtree(path, ignore_errors=True)


def _split(
    optimizer: dict[str, dict[str, Any]],
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    flat = {f"{name}/{key}": v for name, held in optimizer.items() for key, v in held.items()}
    tensors = {key: value for key, value in flat.items() if isinstance(value, torch.Tensor)}
    return tensors, {key: value for key, value in flat.items() if key not in tensors}


def _joined(tensors: dict[str, torch.Tensor], numbers: dict[str, Any]) -> dict[str, dict[str, Any]]:
    optimizer: dict[str, dict[str, Any]] = {}
    for key, value in (tensors | numbers).items():
        name, _, moment = key.rpartition("/")
        optimizer.setdefault(name, {})[moment] = value
    return optimizer


def _group(tensors: dict[str, torch.Tensor], group: str) -> dict[str, torch.Tensor]:
    start = f"{group}/"
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}


def _flush(directory: Path) -> None:
    # The rename must not reach the disk before what it names.
    for path in directory.iterdir():
        with path.open("rb") as handle:
            os.fsync(handle.fileno())
