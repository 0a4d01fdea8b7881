"""Checkpoints of a training: complete or absent, whenever the process dies.

    DIRECTORY/step-00000042/  state.json  tensors.safetensors  losses.jsonl

The losses are lines that are appended. A checkpoint links the file of the one before it, appends
the new lines and records the length that it counts: the cost does not grow with the steps.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tunesmith.records import EpochLoss, LearningCurve, StepLoss
from tunesmith_local.errors import CheckpointError, writing
from tunesmith_local.training.losses import Losses

_PREFIX = "step-"
_SCRATCH = ".scratch-"
_LOSSES = "losses.jsonl"


@dataclass
class TrainingState:
    """All that a training needs to continue as if it had never stopped.

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
    losses: Losses = field(default_factory=Losses)


@dataclass(frozen=True)
class _Kept:
    """The losses of a checkpoint: the file, and how much of it is valid."""

    path: Path
    steps: int
    epochs: int
    size: int

    @classmethod
    def of(cls, checkpoint: Path, facts: dict[str, int]) -> Self:
        path = checkpoint / _LOSSES
        return cls(path, facts["steps"], facts["epochs"], facts["bytes"])


class CheckpointStore:
    """Keeps the newest checkpoint of one training in a separate directory."""

    def __init__(self, directory: Path, signature: str) -> None:
        """Use ``directory``.

        Args:
            directory: made when first needed.
            signature: names the training; a checkpoint of another one is refused.
        """
        self._directory = directory
        self._signature = signature
        self._kept: _Kept | None = None

    def save(self, state: TrainingState) -> None:
        """Write a checkpoint beside the last one, rename it into place, then drop the others.

        Raises:
            OSError: the disk is full, or the folder is not writable.
        """
        with writing(self._directory):
            self._save(state)

    def _save(self, state: TrainingState) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=self._directory))
        tensors, numbers = _split(state.optimizer)
        groups = {"weights": state.weights, "best": state.best or {}, "optimizer": tensors}
        tensors = {f"{group}/{k}": v for group, held in groups.items() for k, v in held.items()}
        save_file(
            {k: v.detach().cpu().contiguous() for k, v in tensors.items()},
            scratch / "tensors.safetensors",
        )
        counts = self._append_losses(state.losses, scratch / _LOSSES)
        facts = {
            "signature": self._signature,
            "step": state.step,
            "optimizer": numbers,
            "best_loss": state.best_loss,
            "stale_epochs": state.stale_epochs,
            "best_epoch": state.losses.best_epoch,
            "losses": counts,
        }
        (scratch / "state.json").write_text(json.dumps(facts), "utf-8")
        _flush(scratch)
        target = self._directory / f"{_PREFIX}{state.step:08d}"
        if target.exists():
            shutil.rmtree(target)
        scratch.replace(target)
        self._kept = _Kept.of(target, counts)
        self._remove_all_but(target)

    def _append_losses(self, losses: Losses, path: Path) -> dict[str, int]:
        """Append the losses since the last checkpoint; return the lengths that are valid."""
        kept = self._kept if self._kept is not None and self._kept.path.exists() else None
        if kept is not None:
            _link(kept.path, path)
        steps, epochs, size = (0, 0, 0) if kept is None else (kept.steps, kept.epochs, kept.size)
        lines = [*losses.steps[steps:], *losses.epochs[epochs:]]
        with path.open("ab") as file:
            file.truncate(size)  # of a process that died before its checkpoint was complete
            file.write("".join(f"{line.model_dump_json()}\n" for line in lines).encode())
            size = file.seek(0, os.SEEK_END)
        return {"steps": len(losses.steps), "epochs": len(losses.epochs), "bytes": size}

    def latest(self) -> TrainingState | None:
        """Return the newest checkpoint; None if there is none.

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
            losses = self._read_losses(path, facts)
        except (OSError, ValueError, KeyError, SafetensorError) as error:
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
            losses=losses,
        )

    def _read_losses(self, path: Path, facts: dict[str, Any]) -> Losses:
        if "curve" in facts:  # checkpoints of before held the whole curve
            return Losses.of(LearningCurve.model_validate(facts["curve"]))
        self._kept = kept = _Kept.of(path, facts["losses"])
        lines = kept.path.read_bytes()[: kept.size].decode().split("\n")[:-1]
        if len(lines) != kept.steps + kept.epochs:
            raise ValueError(f"{_LOSSES} has {len(lines)} lines")
        losses = Losses(best_epoch=facts["best_epoch"])
        for line in lines:
            if '"step":' in line:
                losses.steps.append(StepLoss.from_json(line))
            else:
                losses.epochs.append(EpochLoss.from_json(line))
        return losses

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


def _link(old: Path, new: Path) -> None:
    try:
        os.link(old, new)
    except OSError:  # a file system without hard links
        shutil.copyfile(old, new)


def _flush(directory: Path) -> None:
    # The rename must not reach the disk before the files of the folder.
    for path in directory.iterdir():
        with path.open("rb") as handle:
            os.fsync(handle.fileno())
