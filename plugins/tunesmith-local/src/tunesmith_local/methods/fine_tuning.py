"""Full fine-tuning: every weight of a copy of the base model is trained."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from tunesmith.errors import ExperimentError, NotFoundError, UnsupportedError
from tunesmith.methods import GradientTuning
from tunesmith_local.errors import AdapterError
from tunesmith_local.methods.gradient import GradientMethod
from tunesmith_local.methods.tunable import Tunable

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from tunesmith_local.engine.scoring import RowLosses
    from tunesmith_local.engine.text_states import TextCache
    from tunesmith_local.methods.tuned import AdapterFiles, TunedLM
    from tunesmith_local.model.loading import BaseLM

_BYTES_PER_PARAMETER = 4 * 4
"""Weights, gradients and the optimizer's two moments, float32. Activations come on top."""
_COPIED_BYTES = 2 * 4
"""The last and the best weights, which are kept in the memory of the CPU."""


class FineTuning(GradientTuning):
    """All weights of the base model are trained; the result is a complete model."""

    name: ClassVar[str] = "fine_tuning"

    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.00005
    accumulate_steps: Annotated[int, Field(ge=1, le=1024)] = 1


class FineTunable(Tunable):
    """All weights, float32; they are saved in the type of the base model's."""

    def __init__(self, base: BaseLM) -> None:
        """Copy the model.

        Raises:
            ExperimentError: it does not fit into memory.
        """
        import torch

        check_memory(base)
        model = _copied(base.model, torch.float32).requires_grad_(True)
        self.base = replace(base, model=model)
        self.parameters = dict(model.named_parameters())
        self.facts = {}
        self._dtype = base.dtype

    @contextmanager
    def reading(self, seed: int) -> Iterator[RowLosses]:
        """Run the copy; nothing is random, because dropout stays off as it is in inference."""
        from tunesmith_local.engine.scoring import row_losses

        del seed
        yield lambda rows: row_losses(self.base, None, rows)

    def save(self, directory: Path) -> None:
        """Write a model directory as transformers does, tokenizer included."""
        from tunesmith_local.model.loading import quiet_bar

        kept = _copied(self.base.model, self._dtype)
        with quiet_bar():
            kept.save_pretrained(directory, max_shard_size="1TB")
        self.base.tokenizer.save_pretrained(directory)


class FineTuningMethod(GradientMethod[FineTuning]):
    """All weights of a copy."""

    settings = FineTuning
    weights_file = "model.safetensors"

    def check(self, base: BaseLM, settings: FineTuning) -> None:
        """Refuse a model that is too large or quantized."""
        del settings
        if base.quantization != "none":
            raise UnsupportedError(
                f"method 'fine_tuning' changes all weights, which quantization={base.quantization} "
                "freezes; use lora or prompt_tuning, or leave the option out"
            )
        check_memory(base)

    def start(
        self, base: BaseLM, settings: FineTuning, seed: int, texts: TextCache | None = None
    ) -> FineTunable:
        """Return the copy before its first step."""
        del settings, seed, texts
        return FineTunable(base)

    def reads(self, files: AdapterFiles) -> bool:
        """Return whether it is a whole model and no adapter."""
        return files.has("config.json") and not files.has("adapter_config.json")

    def load(self, base: BaseLM, files: AdapterFiles) -> TunedLM:
        """Load the model as a language model without a soft prompt."""
        from tunesmith_local.methods.peft_files import misfit
        from tunesmith_local.methods.tuned import TunedLM
        from tunesmith_local.model.loading import load_base_model

        kind, place = str(base.dtype).removeprefix("torch."), files.directory
        try:
            own = load_base_model(
                base.name, place, device=str(base.device), dtype=kind, offline=True
            )
        except NotFoundError as error:
            raise AdapterError(f"{place}: cannot be read ({error}); tune again") from error
        if _shapes(own) != _shapes(base):
            raise AdapterError(misfit(place, base))
        return TunedLM(replace(base, model=own.model), files.card)


def check_memory(base: BaseLM) -> None:
    """Refuse a model that is too large to be fine-tuned on its device.

    Raises:
        ExperimentError: names the memory that is needed and the memory that is free.
    """
    from tunesmith_local.model.loading import free_bytes

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


def _shapes(base: BaseLM) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in base.model.named_parameters()}


METHOD = FineTuningMethod()
