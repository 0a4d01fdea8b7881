"""Parameters that are trained with gradients, for all methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from tunesmith_local.engine.scoring import RowLosses
    from tunesmith_local.model.loading import BaseLM


class Tunable(ABC):
    """Named parameters that change the answers of a base model; its own are frozen or copied.

    Attributes:
        base: the model that the rows go through.
        parameters: moved by the optimizer, float32.
        facts: facts about the start for the record of a tuned model, JSON values.
        notes: sentences about the start for the user.
    """

    base: BaseLM
    parameters: Mapping[str, torch.nn.Parameter]
    facts: Mapping[str, Any]
    notes: Sequence[str] = ()
    batches_at_once: int = 1
    """Batches of the method's ``batch_size`` that are read as one, if that is faster and needs
    no more memory than the plain layout. The gradient of a step is the same."""

    @abstractmethod
    def reading(self, seed: int) -> AbstractContextManager[RowLosses]:
        """Read the rows of one optimizer step.

        The caller sends the gradient of each batch back inside; a prompt that the batches share is
        read once and gets its gradient on leaving. Under ``torch.no_grad`` it evaluates.

        Args:
            seed: draws all random values of a step; a resumed training then repeats it.
        """

    @abstractmethod
    def save(self, directory: Path) -> None:
        """Write the parameters into an empty directory, as PEFT or transformers would."""

    def weights(self) -> dict[str, torch.Tensor]:
        """Return copies of the parameters, on the CPU."""
        return {name: value.detach().cpu().clone() for name, value in self.parameters.items()}

    def load(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Put ``weights`` into the parameters."""
        import torch

        with torch.no_grad():
            for name, value in self.parameters.items():
                value.copy_(weights[name])
