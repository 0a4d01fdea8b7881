"""The embedding: a projection of SmolLM2's vectors, plus an offset for each token."""

from __future__ import annotations

import torch
from torch import nn

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
        self.projection = nn.Parameter(_components(features, width))
        self.offsets = nn.Parameter(torch.zeros(features.shape[0], width))
        with torch.no_grad():
            self.projection.mul_(std / self.rows().std())

    def rows(self) -> torch.Tensor:
        """The embedding matrix, ``[tokens, width]``."""
        return self.features @ self.projection + self.offsets


def _components(features: torch.Tensor, width: int) -> torch.Tensor:
    """The directions of most variance, ``[features, width]``; their signs are made definite."""
    centered = features - features.mean(0)
    _, vectors = torch.linalg.eigh(centered.T @ centered)
    found = vectors.flip(1)[:, :width]
    largest = found.abs().argmax(0)
    signs = found[largest, torch.arange(found.shape[1])].sign()
    # eigh lays its result out by columns. A checkpoint is read by rows, and the fused AdamW needs
    # one layout for a parameter and its moments.
    components: torch.Tensor = (found * signs).contiguous()
    return components
