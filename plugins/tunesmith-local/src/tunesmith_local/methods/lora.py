"""LoRA: low-rank changes of weight matrices, on a copy of the model that shares its weights."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, cast

from pydantic import Field, field_validator

from tunesmith.errors import ExperimentError
from tunesmith.methods import GradientTuning
from tunesmith_local.errors import AdapterError
from tunesmith_local.methods.gradient import GradientMethod
from tunesmith_local.methods.tunable import Tunable

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PreTrainedModel

    from tunesmith_local.engine.scoring import RowLosses
    from tunesmith_local.engine.text_states import TextCache
    from tunesmith_local.methods.tuned import AdapterFiles, TunedLM
    from tunesmith_local.model.loading import BaseLM


class Lora(GradientTuning):
    """Low-rank changes of weight matrices.

    Hu et al. 2021, arXiv:2106.09685; PEFT ``LoraConfig``.
    """

    name: ClassVar[str] = "lora"

    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.0005
    accumulate_steps: Annotated[int, Field(ge=1, le=1024)] = 1
    rank: Annotated[int, Field(ge=1, le=1024)] = 8
    """Rank of a change, PEFT's ``r``."""
    lora_alpha: Annotated[float, Field(gt=0)] = 16
    """A change counts ``lora_alpha / rank`` times."""
    lora_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of a changed layer's inputs that a training step leaves out, for the change alone."""
    target_modules: tuple[str, ...] | Literal["all-linear"] = "all-linear"
    """Names of the changed modules; ``all-linear`` is every linear layer but the output layer."""

    @field_validator("target_modules", mode="before")
    @classmethod
    def _word_in_a_list(cls, value: Any) -> Any:
        # The SDK of watsonx.ai takes a list of names alone.
        return "all-linear" if value in (["all-linear"], ("all-linear",)) else value


class LoraTunable(Tunable):
    """The low-rank matrices of all changed layers."""

    def __init__(self, base: BaseLM, settings: Lora, seed: int) -> None:
        """Put the matrices into a copy of the model; ``seed`` draws them.

        Raises:
            ExperimentError: the model lacks one of the ``target_modules``, or PEFT has no change
                for it.
        """
        from tunesmith_local.methods.peft_models import drawn_by

        check_modules(base, settings)
        copied = sharing(base)
        try:
            with drawn_by(seed):
                self.model = _model(copied, settings)
        except ValueError as error:
            raise ExperimentError(
                f"method.target_modules: PEFT cannot change {settings.target_modules!r} in base "
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
        import torch

        from tunesmith_local.engine.scoring import row_losses
        from tunesmith_local.methods.peft_models import drawn_by

        dropouts = [
            module
            for name, module in self.model.named_modules()
            if "lora_dropout" in name and torch.is_grad_enabled()
        ]
        with drawn_by(seed):
            _set_training(dropouts, True)
            try:
                # A dropout draws for each row: rows must not share their first tokens then.
                shares = self.base.packing_exact and not any(map(_drops, dropouts))
                base = replace(self.base, packing_exact=shares)
                yield lambda rows: row_losses(base, None, rows)
            finally:
                _set_training(dropouts, False)

    def save(self, directory: Path) -> None:
        """Write PEFT's two files."""
        from tunesmith_local.methods.peft_models import save_peft

        save_peft(self.model, directory)


class LoraMethod(GradientMethod[Lora]):
    """Low-rank changes on a copy that shares the base model's weights."""

    settings = Lora
    peft_types = ("LORA",)

    def check(self, base: BaseLM, settings: Lora) -> None:
        """Refuse target modules that the model lacks."""
        check_modules(base, settings)

    def start(
        self, base: BaseLM, settings: Lora, seed: int, texts: TextCache | None = None
    ) -> LoraTunable:
        """Return the low-rank matrices before their first step."""
        del texts
        return LoraTunable(base, settings, seed)

    def load(self, base: BaseLM, files: AdapterFiles) -> TunedLM:
        """Load the changed copy as a language model without a soft prompt."""
        from peft import PeftModel
        from safetensors import SafetensorError

        from tunesmith_local.methods.peft_files import misfit, read_config
        from tunesmith_local.methods.peft_models import quiet_peft
        from tunesmith_local.methods.tuned import TunedLM

        place, copied = files.directory, sharing(base)
        read_config(place)  # a damaged one is refused with a remedy
        try:
            with quiet_peft():
                model = PeftModel.from_pretrained(copied.model, str(place), local_files_only=True)
        except (OSError, ValueError, SafetensorError) as error:
            raise AdapterError(f"{place}: cannot be read ({error}); tune again") from error
        except RuntimeError as error:  # of torch, whose next lines name every matrix
            raise AdapterError(misfit(place, base)) from error
        return TunedLM(adapted(copied, model), files.card)


def check_modules(base: BaseLM, settings: Lora) -> None:
    """Refuse target modules that the model does not have; PEFT is content with one of them.

    Raises:
        ExperimentError: names those that are missing, and the choices.
    """
    import torch
    from transformers.pytorch_utils import Conv1D

    if isinstance(settings.target_modules, str):
        return
    linear = [
        name
        for name, module in base.model.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D)
    ]
    missing = [
        target
        for target in settings.target_modules
        if not any(f".{name}".endswith(f".{target}") for name in linear)
    ]
    if missing or not settings.target_modules:
        raise ExperimentError(
            f"method.target_modules: base model {base.name!r} has no linear layers named "
            f"{', '.join(map(repr, missing)) or 'nothing'}; choose from "
            f"{', '.join(sorted({name.rpartition('.')[2] for name in linear}))}, or all-linear"
        )


def sharing(base: BaseLM) -> BaseLM:
    """Return a base model with new modules over the same weights, at no cost in memory."""
    model = base.model
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    copied: PreTrainedModel = copy.deepcopy(model, shared)
    return replace(base, model=copied)


def adapted(base: BaseLM, model: PeftModel) -> BaseLM:
    """Return the base model whose modules hold the low-rank layers of ``model``."""
    return replace(base, model=cast("PreTrainedModel", model.get_base_model()))


def _model(base: BaseLM, settings: Lora) -> PeftModel:
    """Put PEFT's low-rank layers into the model of ``base`` itself."""
    from peft import LoraConfig

    from tunesmith_local.methods.peft_models import task, wrapped

    modules = settings.target_modules
    config = LoraConfig(
        task_type=task(base),
        r=settings.rank,
        lora_alpha=settings.lora_alpha,  # type: ignore[arg-type]  # PEFT multiplies by a float
        lora_dropout=settings.lora_dropout,
        target_modules=modules if isinstance(modules, str) else list(modules),
    )
    return wrapped(base, config)


def _drops(module: torch.nn.Module) -> bool:
    import torch

    return any(isinstance(each, torch.nn.Dropout) for each in module.modules())


def _set_training(modules: list[torch.nn.Module], mode: bool) -> None:
    for module in modules:
        module.train(mode)


METHOD = LoraMethod()
