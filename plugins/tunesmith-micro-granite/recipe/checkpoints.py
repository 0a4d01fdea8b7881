"""Checkpoints in safetensors: weights, the optimizers' tensors, and the step in the name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

__all__ = ["load", "save"]

KEPT = 3
WEIGHT = "weight"


def save(
    work: Path, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer], step: int
) -> None:
    """Write `step-NNNNNN.safetensors` atomically and delete the oldest files.

    Args:
        work: Directory; made if it does not exist.
        model: Its parameters, tied ones once.
        optimizers: Each over its own share of those parameters.
        step: Steps that are done.
    """
    work.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name, parameter in model.named_parameters():
        tensors[f"{WEIGHT}/{name}"] = parameter.detach().contiguous()
        for key, value in _owner(optimizers, parameter).state[parameter].items():
            tensors[f"{key}/{name}"] = value.contiguous()
    target = work / f"step-{step:06d}.safetensors"
    partial = target.with_suffix(".partial")
    save_file(tensors, partial)
    partial.replace(target)
    for old in sorted(work.glob("step-*.safetensors"))[:-KEPT]:
        old.unlink()


def load(work: Path, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer]) -> int:
    """Read the newest checkpoint into the model and the optimizers.

    Args:
        work: Directory; may be absent.
        model: Of the same shape as the saved one.
        optimizers: As when it was saved.

    Returns:
        The steps that are done; 0 if there is no checkpoint.
    """
    files = sorted(work.glob("step-*.safetensors"))
    if not files:
        return 0
    parameters = dict(model.named_parameters())
    for full_name, tensor in load_file(files[-1]).items():
        key, _, name = full_name.partition("/")
        parameter = parameters[name]
        if key == WEIGHT:
            parameter.data.copy_(tensor)
        else:
            _owner(optimizers, parameter).state[parameter][key] = tensor.clone()
    return int(files[-1].stem.removeprefix("step-"))


def _owner(
    optimizers: Sequence[torch.optim.Optimizer], parameter: nn.Parameter
) -> torch.optim.Optimizer:
    """The optimizer that updates a parameter; there is exactly one."""
    return next(
        optimizer
        for optimizer in optimizers
        if any(parameter is owned for group in optimizer.param_groups for owned in group["params"])
    )
