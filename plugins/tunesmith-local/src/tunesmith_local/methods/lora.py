"""LoRA: low-rank changes of weight matrices, on a copy of the model that shares its weights."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from tunesmith.errors import ExperimentError
from tunesmith_local.engine.scoring import row_losses
from tunesmith_local.methods.peft_models import drawn_by, lora_model, save_peft
from tunesmith_local.methods.settings import Lora
from tunesmith_local.methods.tunable import RowLosses, Tunable
from tunesmith_local.model.loading import BaseLM

if TYPE_CHECKING:
    from peft import PeftModel


class LoraTunable(Tunable):
    """The low-rank matrices of all changed layers."""

    def __init__(self, base: BaseLM, method: Lora, seed: int) -> None:
        """Put the matrices into a copy of the model; ``seed`` draws them.

        Raises:
            ExperimentError: the model lacks one of the ``target_modules``, or PEFT has no change
                for it.
        """
        check_modules(base, method)
        copied = sharing(base)
        try:
            with drawn_by(seed):
                self.model = lora_model(copied, method)
        except ValueError as error:
            raise ExperimentError(
                f"method.target_modules: PEFT cannot change {method.target_modules!r} in base "
                f"model {base.name!r} ({error}); name other modules"
            ) from error
        self.base = adapted(copied, self.model)
        self.parameters = {
            name: value for name, value in self.model.named_parameters() if value.requires_grad
        }
        self.facts = {}

    @contextmanager
    def reading(self, seed: int) -> Iterator[RowLosses]:
        """Run the changed model; ``seed`` decides which inputs a dropout leaves out."""
        dropouts = [
            module
            for name, module in self.model.named_modules()
            if "lora_dropout" in name and torch.is_grad_enabled()
        ]
        with drawn_by(seed):
            _set_training(dropouts, True)
            try:
                # Rows that share a token would lose the same of it.
                shares = self.base.end_to_end_exact and not any(map(_drops, dropouts))
                base = replace(self.base, end_to_end_exact=shares)
                yield lambda rows: row_losses(base, None, rows)
            finally:
                _set_training(dropouts, False)

    def save(self, directory: Path) -> None:
        """Write PEFT's two files."""
        save_peft(self.model, directory)


def check_modules(base: BaseLM, method: Lora) -> None:
    """Refuse target modules that the model does not have; PEFT is content with one of them.

    Raises:
        ExperimentError: names those that are missing, and the choices.
    """
    if isinstance(method.target_modules, str):
        return
    linear = [
        name
        for name, module in base.model.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D)
    ]
    missing = [
        target
        for target in method.target_modules
        if not any(f".{name}".endswith(f".{target}") for name in linear)
    ]
    if missing or not method.target_modules:
        raise ExperimentError(
            f"method.target_modules: base model {base.name!r} has no linear layers named "
            f"{', '.join(map(repr, missing)) or 'nothing'}; choose from "
            f"{', '.join(sorted({name.rpartition('.')[2] for name in linear}))}, or all-linear"
        )


def sharing(base: BaseLM) -> BaseLM:
    """Return a base model with modules of its own and the same weights, at no cost in memory."""
    model = base.model
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    copied: PreTrainedModel = copy.deepcopy(model, shared)
    return replace(base, model=copied)


def adapted(base: BaseLM, model: PeftModel) -> BaseLM:
    """Return the base model whose modules hold the low-rank layers of ``model``."""
    return replace(base, model=cast("PreTrainedModel", model.get_base_model()))


def _drops(module: torch.nn.Module) -> bool:
    return any(isinstance(each, torch.nn.Dropout) for each in module.modules())


def _set_training(modules: list[torch.nn.Module], mode: bool) -> None:
    for module in modules:
        module.train(mode)
