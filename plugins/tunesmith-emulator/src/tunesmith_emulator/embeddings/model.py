"""The embedding models of the service, ``models.yaml``, as typed values."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from tunesmith_emulator.catalogue.model import Evidence, Stage

Function = Literal["embedding", "rerank"]


class EmbeddingModel(BaseModel):
    """An embedding model, or one that only ranks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_id: str
    label: str
    provider: str
    source: str
    short_description: str
    input_tier: str
    output_tier: str
    number_params: str
    max_sequence_length: int | None = None
    """Tokens; None if it is not known."""
    dimension: int | None = None
    """Numbers in an embedding of the service's model."""
    functions: tuple[Function, ...]
    lifecycle: tuple[Stage, ...]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    evidence: dict[str, Evidence]
    models: tuple[EmbeddingModel, ...] = Field(min_length=1)


@cache
def embedding_models() -> dict[str, EmbeddingModel]:
    """Return the models by id."""
    text = files(__package__).joinpath("models.yaml").read_text(encoding="utf-8")
    return {model.model_id: model for model in _File.model_validate(yaml.safe_load(text)).models}
