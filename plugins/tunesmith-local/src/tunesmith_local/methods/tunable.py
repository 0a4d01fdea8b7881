"""What a training changes, whatever the method."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import torch

from tunesmith_local.engine.scoring import Example
from tunesmith_local.model.loading import BaseLM

RowLosses = Callable[[Sequence[Example]], torch.Tensor]
"""Gives the loss of each row, ``[rows]``: the mean over its answer tokens, in nats."""


class Savable(Protocol):
    """A tuned model before it is on disk."""

    @property
    def base(self) -> BaseLM:
        """The model that reads the rows."""
        ...

    def save(self, directory: Path) -> None:
        """Write the weights into an empty directory."""
        ...


class Tunable(ABC):
    """Named parameters that change what a base model says; its own weights are frozen or copied.

    Attributes:
        base: the model that the rows go through.
        parameters: what the optimizer moves, float32.
        facts: what the record of a tuned model should say about the start, JSON values.
        notes: what the user should be told about it.
    """

    base: BaseLM
    parameters: Mapping[str, torch.nn.Parameter]
    facts: Mapping[str, Any]
    notes: Sequence[str] = ()
    batches_at_once: int = 1
    """Batches of the method's ``batch_size`` that are read as one, where that is faster and needs
    no more memory than the plain layout. The gradient of a step is the same."""

    @abstractmethod
    def reading(self, seed: int) -> AbstractContextManager[RowLosses]:
        """Read the rows of one optimizer step.

        The caller sends the gradient of each batch back inside; what the batches share is read once
        and gets its gradient on leaving. Without gradients (``torch.no_grad``) it evaluates.

        Args:
            seed: decides whatever is random in a step, so that a resumed training repeats it.
        """

    @abstractmethod
    def save(self, directory: Path) -> None:
        """Write the parameters into an empty directory, as PEFT or transformers would."""

    def weights(self) -> dict[str, torch.Tensor]:
        """Return copies of the parameters, on the CPU."""
        return {name: value.detach().cpu().clone() for name, value in self.parameters.items()}

    @torch.no_grad()
    def load(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Put ``weights`` into the parameters."""
        for name, value in self.parameters.items():
            value.copy_(weights[name])
