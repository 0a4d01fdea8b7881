"""Full fine-tuning: every weight of a copy of the base model is trained."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from transformers import PreTrainedModel

from tunesmith.errors import ExperimentError
from tunesmith_local.engine.scoring import row_losses
from tunesmith_local.methods.tunable import RowLosses, Tunable
from tunesmith_local.model.loading import BaseLM, free_bytes, quiet_bar

_BYTES_PER_PARAMETER = 4 * 4
"""Weights, gradients and the optimizer's two moments, float32. Activations come on top."""
_COPIED_BYTES = 2 * 4
"""The last and the best weights, which are kept in the memory of the CPU."""


class FineTunable(Tunable):
    """All weights, float32; they are saved in the type of the base model's."""

    def __init__(self, base: BaseLM) -> None:
        """Copy the model.

        Raises:
            ExperimentError: it does not fit into memory.
        """
        check_memory(base)
        model = _copied(base.model, torch.float32).requires_grad_(True)
        self.base = replace(base, model=model)
        self.parameters = dict(model.named_parameters())
        self.facts = {}
        self._dtype = base.dtype

    @contextmanager
    def reading(self, seed: int) -> Iterator[RowLosses]:
        """Run the copy; nothing is random, because dropout stays off as it is in inference."""
        del seed
        yield lambda rows: row_losses(self.base, None, rows)

    def save(self, directory: Path) -> None:
        """Write a model directory as transformers does, tokenizer included."""
        kept = _copied(self.base.model, self._dtype)
        with quiet_bar():
            kept.save_pretrained(directory, max_shard_size="1TB")
        self.base.tokenizer.save_pretrained(directory)


def check_memory(base: BaseLM) -> None:
    """Refuse a model that is too large to be fine-tuned on its device.

    Raises:
        ExperimentError: names what is needed and what there is.
    """
    each = _BYTES_PER_PARAMETER + (_COPIED_BYTES if base.device.type == "cpu" else 0)
    needed = each * sum(p.numel() for p in base.model.parameters())
    free = free_bytes(base.device)
    if needed > free:
        raise ExperimentError(
            f"method.name: fine_tuning of {base.name!r} needs {needed / 2**30:.1f} GiB for "
            f"weights, gradients and optimizer, and {base.device} has {free / 2**30:.1f} GiB "
            "free; use lora or prompt_tuning"
        )


def _copied(model: PreTrainedModel, dtype: torch.dtype) -> PreTrainedModel:
    copied = copy.deepcopy(model)
    copied.to(dtype=dtype)  # type: ignore[call-arg]  # transformers wraps it without its self
    return copied
