"""The methods that more than one backend shares.

A backend brings its own methods beside its code (see ``MethodEntry`` in ``hookspecs.py``). The
names and ranges of the hyper-parameters are those that watsonx.ai and caikit share, plus
``num_virtual_tokens`` (PEFT).
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

PLACEHOLDER = "{{input}}"
AUTO: Literal["auto"] = "auto"
Auto = Literal["auto"]
AUTO_SETTINGS = ("init_method", "learning_rate", "num_virtual_tokens")
"""Hyper-parameters that may be ``auto``: the backend chooses the value, if it can
(``Capabilities.auto_settings``)."""

T = TypeVar("T")


def render(template: str, text: str) -> str:
    """Put ``text`` into ``template``. Only ``{{input}}`` is a placeholder."""
    return template.replace(PLACEHOLDER, text)


def check_template(template: str, field: str) -> None:
    """Raise ``ValueError`` unless ``template`` holds ``{{input}}`` exactly once."""
    if template.count(PLACEHOLDER) != 1:
        raise ValueError(
            f"method.{field}: {template!r} must hold {PLACEHOLDER} exactly once; "
            f"for no template at all use {PLACEHOLDER!r}"
        )


class Method(BaseModel):
    """Base of all methods: a frozen set of named hyper-parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str]
    """The name of the method in experiment files and ``Capabilities.methods``."""
    tunes: ClassVar[bool] = True
    """Whether the method makes a tuned model (else it only prompts the base model)."""

    @property
    def input_template(self) -> str:
        """The template that is put around each input when the model is served."""
        return PLACEHOLDER

    @property
    def auto_settings(self) -> tuple[str, ...]:
        """The hyper-parameters that are ``auto``: the backend chooses them."""
        return tuple(name for name in AUTO_SETTINGS if getattr(self, name, None) == AUTO)

    def optimizer_steps(self, rows: int) -> int | None:
        """Return the number of optimizer steps on ``rows`` training rows, None if undefined."""
        return None


class ReadByModel(Method):
    """Base of the methods whose inputs a language model reads."""

    chat: bool | Literal["auto"] = False
    """Whether the model reads each input as a message of a user, in its own chat template.
    ``auto``: if it has one that adds more than white space, unless label scores on training rows
    favor plain text."""


class GradientTuning(ReadByModel):
    """Base of the methods that follow a gradient: the loop, the limits and the template.

    The names are those that watsonx.ai and caikit share.
    """

    tunes: ClassVar[bool] = True

    num_epochs: Annotated[int, Field(ge=1, le=1000)] = 20
    learning_rate: Annotated[float, Field(gt=0, le=10)] | Auto = 0.3
    """Peak learning rate. ``auto``: a short search on training rows finds it."""
    batch_size: Annotated[int, Field(ge=1, le=1024)] = 16
    accumulate_steps: Annotated[int, Field(ge=1, le=1024)] = 16
    """Batches whose gradients make one optimizer step; an incomplete one at the end of an
    epoch is flushed."""
    max_input_tokens: Annotated[int, Field(ge=1)] = 256
    """Limit after the template, in tokens; an input that exceeds it is cut from the left."""
    max_output_tokens: Annotated[int, Field(ge=1)] = 128
    """Limit of the answer (label and end-of-text), in tokens; shorter than a label is an error."""
    verbalizer: str = PLACEHOLDER
    """The input template (IBM's word), applied at training and at inference."""
    optimizer: Literal["adamw", "adafactor"] = "adamw"
    lr_schedule: Literal["linear", "constant"] = "linear"
    """``linear`` decays to zero over all steps (as caikit-nlp)."""
    warmup_ratio: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of all steps in which the rate first rises to its peak (transformers' name)."""
    max_grad_norm: Annotated[float, Field(gt=0)] | None = None
    """Norm of the gradient of an optimizer step, at most (transformers' name; 1.0 is its
    default): a longer one is scaled down to it. None: as it is, as caikit-nlp."""
    early_stopping_patience: Annotated[int, Field(ge=1)] | None = None
    """Stop after so many epochs without a better validation loss, and keep the best weights."""

    @model_validator(mode="after")
    def _check_verbalizer(self) -> GradientTuning:
        check_template(self.verbalizer, "verbalizer")
        return self

    @property
    def input_template(self) -> str:
        """The verbalizer."""
        return self.verbalizer

    @property
    def peak_rate(self) -> float:
        """The learning rate as a number.

        Raises:
            ValueError: it is ``auto`` and was not chosen yet.
        """
        return chosen("learning_rate", self.learning_rate)

    @property
    def rows_per_step(self) -> int:
        """Rows behind one optimizer step; the last step of an epoch may have fewer."""
        return self.batch_size * self.accumulate_steps

    def steps_per_epoch(self, rows: int) -> int:
        """Return the optimizer steps of one epoch over ``rows`` training rows."""
        return math.ceil(rows / self.rows_per_step)

    def optimizer_steps(self, rows: int) -> int:
        """Return the optimizer steps of the whole tuning, early stopping aside."""
        return self.steps_per_epoch(rows) * self.num_epochs


class VirtualTokens(GradientTuning):
    """Base of the methods with virtual tokens: their number and their initialization."""

    num_virtual_tokens: Annotated[int, Field(ge=1, le=1000)] | Auto = 100
    """Length of the soft prompt, in tokens."""
    init_method: Literal["random", "text", "sample_vocab", "auto"] = "random"
    init_text: str | None = None
    """Text whose embeddings start the soft prompt; repeated or cut to ``num_virtual_tokens``."""

    @model_validator(mode="after")
    def _check_init_text(self) -> VirtualTokens:
        if self.init_method == "text" and not (self.init_text or "").strip():
            raise ValueError("method.init_text: init_method 'text' needs a text that is not empty")
        return self

    @property
    def virtual_tokens(self) -> int:
        """The length of the soft prompt as a number.

        Raises:
            ValueError: it is ``auto`` and was not chosen yet.
        """
        return chosen("num_virtual_tokens", self.num_virtual_tokens)


def chosen(name: str, value: T | Auto) -> T:
    """Return the value of setting ``name``.

    Raises:
        ValueError: it is ``auto`` and was not chosen yet.
    """
    if value == AUTO:
        raise ValueError(f"method.{name} is 'auto', and no value was chosen yet")
    return value


class PromptTuning(VirtualTokens):
    """A soft prompt for a frozen model (Lester et al. 2021, arXiv:2104.08691).

    Defaults are watsonx.ai's (``ibm-watsonx-ai`` 1.8.1, ``TuneExperiment.prompt_tuner``).
    """

    name: ClassVar[str] = "prompt_tuning"

    prompt_position: Literal["prefix", "suffix"] = "prefix"
    """The position of the soft prompt: before the text, or between the text and the answer."""
    search_epochs: Annotated[float, Field(ge=1, le=1000)] | None = None
    """Budget of the search for settings that are ``auto``, in epochs over the training rows, for
    all candidates together; by default half of ``num_epochs``, at least 1."""

    @field_validator("search_epochs", mode="before")
    @classmethod
    def _check_search_epochs(cls, value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool) and value < 1:
            raise ValueError(
                f"{value:g} is less than one epoch over the training rows, too little to compare "
                "settings; set at least 1, or leave it out and set method.learning_rate"
            )
        return value

    @property
    def search_budget(self) -> float:
        """The budget of a search, in epochs; see ``search_epochs``."""
        return self.search_epochs or max(1.0, self.num_epochs / 2)


class ZeroShot(ReadByModel):
    """A hard prompt around each input: a baseline for soft prompts."""

    name: ClassVar[str] = "zero_shot"
    tunes: ClassVar[bool] = False

    template: str = PLACEHOLDER
    """The hard prompt."""

    @model_validator(mode="after")
    def _check(self) -> ZeroShot:
        check_template(self.template, "template")
        return self

    @property
    def input_template(self) -> str:
        """The hard prompt."""
        return self.template


class FewShot(ZeroShot):
    """A hard prompt with solved examples drawn from the training rows (seeded, stratified)."""

    name: ClassVar[str] = "few_shot"

    examples_per_label: Annotated[int, Field(ge=1, le=32)] = 1
    separator: str = "\n\n"
    """The text after every solved example."""
