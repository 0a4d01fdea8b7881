"""The methods that this backend brings beside prompt tuning. Settings alone; torch is elsewhere.

Learning rates are starting points from the papers; none of these methods has a default that suits
every base model.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from tunesmith.methods import (
    PLACEHOLDER,
    GradientTuning,
    ReadByModel,
    VirtualTokens,
    check_template,
)


class PTuning(VirtualTokens):
    """Virtual tokens made by a small network that is trained with them, and dropped afterwards.

    Liu et al. 2021, arXiv:2103.10385; PEFT ``PromptEncoderConfig``.
    """

    name: ClassVar[str] = "p_tuning"

    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.001
    accumulate_steps: Annotated[int, Field(ge=1, le=1024)] = 1
    num_virtual_tokens: Annotated[int, Field(ge=1, le=1000)] = 20
    encoder_hidden_size: Annotated[int, Field(ge=1, le=65536)] | None = None
    """Width of the network's hidden layers; that of the base model by default."""
    encoder_reparameterization_type: Literal["MLP", "LSTM"] = "MLP"
    """Kind of network (PEFT's name)."""


class PrefixTuning(VirtualTokens):
    """Trained keys and values in every attention layer, started from those of a soft prompt.

    Li and Liang 2021, arXiv:2101.00190; PEFT ``PrefixTuningConfig``.
    """

    name: ClassVar[str] = "prefix_tuning"

    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.01
    accumulate_steps: Annotated[int, Field(ge=1, le=1024)] = 1
    num_virtual_tokens: Annotated[int, Field(ge=1, le=1000)] = 20
    init_method: Literal["random", "text", "sample_vocab"] = "sample_vocab"


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


class FineTuning(GradientTuning):
    """All weights of the base model are trained; the tuned model is a model of its own."""

    name: ClassVar[str] = "fine_tuning"

    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.00005
    accumulate_steps: Annotated[int, Field(ge=1, le=1024)] = 1


class LinearProbe(ReadByModel):
    """Logistic regression on the hidden states of the frozen base model; nothing goes through it.

    Alain and Bengio 2016, arXiv:1610.01644. What it reaches is in the base model already; a tuning
    that does not beat it added nothing.
    """

    name: ClassVar[str] = "linear_probe"
    tunes: ClassVar[bool] = True

    verbalizer: str = PLACEHOLDER
    """The input template, applied at training and at inference."""
    max_input_tokens: Annotated[int, Field(ge=1)] = 256
    """Limit after the template, in tokens; what exceeds it is cut from the left of the input."""
    pooling: Literal["mean", "last"] = "mean"
    """From the last layer's states to one vector: their mean over the text, or the last token's."""
    c: Annotated[float, Field(ge=0.000001, le=1000)] | None = None
    """Inverse strength of the L2 penalty; by default cross-validation on the training rows chooses
    one of 0.0001, 0.001, 0.01, 0.1 and 1."""

    @model_validator(mode="after")
    def _check_verbalizer(self) -> LinearProbe:
        check_template(self.verbalizer, "verbalizer")
        return self

    @property
    def input_template(self) -> str:
        """The verbalizer."""
        return self.verbalizer
