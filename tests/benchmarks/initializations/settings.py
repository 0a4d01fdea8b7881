"""The models of the screening, with the settings that all starts share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

EPOCHS = 4
SEEDS = (0, 1, 2)


@dataclass(frozen=True, slots=True)
class Settings:
    """A base model, and what ``tunesmith init`` writes for it, but for the number of epochs."""

    model: str
    tokens: int
    """Number of virtual tokens."""
    rate: float
    """Learning rate."""
    batch: int
    epochs: int = EPOCHS

    def described(self) -> Mapping[str, float]:
        """Return the settings for a record. Results of other settings are not reused."""
        return {name: value for name, value in asdict(self).items() if name != "model"}


MODELS = {
    "embedded": Settings("tunesmith/micro-granite", tokens=100, rate=0.001, batch=16),
    "smollm2": Settings("HuggingFaceTB/SmolLM2-135M-Instruct", tokens=20, rate=0.3, batch=8),
}
