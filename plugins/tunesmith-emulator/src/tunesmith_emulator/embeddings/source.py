"""The model that embeds: an installed one for sentences, else the base model of the backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from tunesmith.embedder import Embedder
from tunesmith.plugins import import_target, registry
from tunesmith.records import Embedding
from tunesmith_emulator.engine import Engine
from tunesmith_emulator.envelope import ServiceError


@dataclass(frozen=True, slots=True)
class Source:
    """A model that embeds."""

    name: str
    """Its name for records."""
    dimension: int
    max_tokens: int | None
    """Tokens of a text that it reads at most; None if there is no limit."""
    embed: Callable[[Sequence[str], int | None], list[Embedding]]
    """Takes texts, and a limit of their tokens."""


def find_source(engine: Engine, base_model: str) -> Source:
    """Return the first installed sentence embedding model, else the hidden states of a base model.

    Args:
        engine: the backend.
        base_model: its name of the base model.

    Raises:
        ServiceError: 400, neither is there.
        TunesmithError: the backend does not find the base model.
    """
    for entry in registry().embedders().values():
        if entry.installed:
            embedder: Embedder = import_target(entry.target)()
            return Source(entry.name, embedder.dimension, embedder.max_tokens, embedder.embed)
    capabilities = engine.capabilities(base_model)
    if capabilities.embedding_dimension is None:
        raise ServiceError(
            400,
            "unsupported",
            f"The emulator's backend {engine.name!r} computes no embeddings, and no sentence "
            "embedding model is installed: pip install 'tunesmith-sklearn[embeddings]'.",
        )
    return Source(
        f"hidden states of {base_model}",
        capabilities.embedding_dimension,
        capabilities.max_sequence_length,
        partial(engine.backend.predictor.embed, base_model),
    )
