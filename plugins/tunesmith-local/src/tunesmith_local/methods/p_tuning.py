"""P-tuning: virtual tokens made by a small network that is trained with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from tunesmith.methods import VirtualTokens
from tunesmith_local.methods.gradient import GradientMethod
from tunesmith_local.methods.prompt_tuning import SoftPromptTunable

if TYPE_CHECKING:
    import torch
    from peft import PeftModel

    from tunesmith_local.engine.text_states import TextCache
    from tunesmith_local.methods.tuned import AdapterFiles, TunedLM
    from tunesmith_local.model.loading import BaseLM


class PTuning(VirtualTokens):
    """Virtual tokens made by a small network that is trained with them, and dropped afterwards.

    Liu et al. 2021, arXiv:2103.10385; PEFT ``PromptEncoderConfig``.
    """

    name: ClassVar[str] = "p_tuning"

    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.001
    accumulate_steps: Annotated[int, Field(ge=1, le=1024)] = 1
    num_virtual_tokens: Annotated[int, Field(ge=1, le=1000)] = 20
    init_method: Literal["random", "text", "sample_vocab"] = "random"
    encoder_hidden_size: Annotated[int, Field(ge=1, le=65536)] | None = None
    """Width of the network's hidden layers; that of the base model by default."""
    encoder_reparameterization_type: Literal["MLP", "LSTM"] = "MLP"
    """Kind of network (PEFT's name)."""


class PTuningMethod(GradientMethod[PTuning]):
    """A soft prompt that a network makes."""

    settings = PTuning
    peft_types = ("P_TUNING",)

    def check(self, base: BaseLM, settings: PTuning) -> None:
        """Refuse an init text without tokens."""
        from tunesmith_local.engine.soft_prompt import start_of

        start_of(base, settings, 0)

    def start(
        self, base: BaseLM, settings: PTuning, seed: int, texts: TextCache | None = None
    ) -> SoftPromptTunable:
        """Return the network before its first step; ``seed`` draws its weights."""
        from tunesmith_local.engine.soft_prompt import start_of
        from tunesmith_local.methods.peft_models import drawn_by

        del texts
        start = start_of(base, settings, seed)
        with drawn_by(seed):
            model = _network(base, settings, start.weights)
        return SoftPromptTunable(base, model, start)

    def load(self, base: BaseLM, files: AdapterFiles) -> TunedLM:
        """Load the soft prompt that the network made."""
        from tunesmith_local.methods.peft_files import load_soft_prompt

        return load_soft_prompt(base, files)


def _network(base: BaseLM, settings: PTuning, weights: torch.Tensor) -> PeftModel:
    """Wrap the base model with PEFT's network, whose input starts as ``weights``."""
    from peft import PromptEncoderConfig

    from tunesmith_local.methods.peft_models import holding, task, wrapped

    config = PromptEncoderConfig(
        task_type=task(base),
        num_virtual_tokens=weights.shape[0],
        token_dim=weights.shape[1],
        num_transformer_submodules=1,
        encoder_hidden_size=settings.encoder_hidden_size or base.hidden_size,
        encoder_reparameterization_type=settings.encoder_reparameterization_type,
    )
    return holding(wrapped(base, config), weights)


METHOD = PTuningMethod()
