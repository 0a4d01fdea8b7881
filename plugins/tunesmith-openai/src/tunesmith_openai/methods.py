"""The method of this backend."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from tunesmith.methods import PLACEHOLDER, Method, check_template


class ProviderFinetune(Method):
    """Supervised fine-tuning by the provider, on chat messages.

    The user's message is the input in its template, and the assistant's is the label. A
    hyper-parameter that is left out is the provider's choice (``auto``).
    """

    name: ClassVar[str] = "provider_finetune"
    tunes: ClassVar[bool] = True

    num_epochs: Annotated[int, Field(ge=1)] | None = None
    batch_size: Annotated[int, Field(ge=1)] | None = None
    learning_rate_multiplier: Annotated[float, Field(gt=0)] | None = None
    """A factor on the learning rate that the provider takes for the model."""
    verbalizer: str = PLACEHOLDER
    """The input template (IBM's word), applied at training and at inference."""

    @model_validator(mode="after")
    def _check_verbalizer(self) -> ProviderFinetune:
        check_template(self.verbalizer, "verbalizer")
        return self

    @property
    def input_template(self) -> str:
        """The verbalizer."""
        return self.verbalizer
