"""A sentence embedding model, which a plugin brings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from tunesmith.records import Embedding


class Embedder(ABC):
    """Turns texts into embeddings, for many threads. Nothing is loaded before the first text."""

    dimension: int
    """Numbers in an embedding."""
    max_tokens: int
    """Tokens of a text that it reads at most."""

    @abstractmethod
    def embed(self, texts: Sequence[str], max_tokens: int | None = None) -> list[Embedding]:
        """Return an embedding of length 1 for each text, in the order of ``texts``.

        At most the first ``max_tokens`` tokens of a text are read.

        Raises:
            UnsupportedError: a package is missing, or a file of the model is damaged.
        """
