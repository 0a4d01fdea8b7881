"""The embedding: a projection of the features of the tokens, plus an offset for each token."""

from __future__ import annotations

import torch
from torch import nn

from recipe.teachable.vocabulary import components

__all__ = ["Table"]


class Table(nn.Module):
    """Rows of the tied embedding: ``features @ projection + offsets``.

    The projection starts with the principal components of the features. It moves all words
    together, so that words that are rare in the training text keep their places among the others.
    The offsets are for what a single token must learn.

    Args:
        features: As in a vocabulary, float32 ``[tokens, features]``.
        width: Of the model.
        std: Standard deviation of the rows at the start.
    """

    def __init__(self, features: torch.Tensor, width: int, std: float) -> None:
        super().__init__()
        self.features = nn.Buffer(features, persistent=False)
        self.projection = nn.Parameter(components(features, width))
        self.offsets = nn.Parameter(torch.zeros(features.shape[0], width))
        with torch.no_grad():
            self.projection.mul_(std / self.rows().std())

    def rows(self) -> torch.Tensor:
        """The embedding matrix, ``[tokens, width]``."""
        return self.features @ self.projection + self.offsets
