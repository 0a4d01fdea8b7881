"""Every number of the second generation in one frozen record."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from recipe import settings

__all__ = ["FULL", "PILOT", "Settings"]


@dataclass(frozen=True)
class Settings(settings.Settings):
    """The settings of the first generation, of which some have other values, and three more.

    `vocab_size` and `tokenizer_documents` are not used: the vocabulary comes from SmolLM2.

    Attributes:
        short_steps: Steps at the start with short documents.
        early_merges: Merges of SmolLM2 of which tokens other than words are taken.
        projection_rate: Peak rate of AdamW, for the projection of the features. The
            `vector_rate` is for the offsets of single tokens and the norms.
    """

    short_steps: int = 260
    early_merges: int = 9000
    steps: int = 3600
    documents_per_step: int = 64
    projection_rate: float = 2e-3
    vector_rate: float = 1e-3
    text_share: float = 0.1
    checkpoint_every: int = 25
    seed: int = 20261128


FULL = Settings()
PILOT = Settings(
    **{
        field.name: getattr(settings.PILOT, field.name)
        for field in dataclasses.fields(settings.PILOT)
    },
    short_steps=1,
    early_merges=0,
)
