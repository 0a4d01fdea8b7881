"""The catalogue file, ``models.yaml``, as typed values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

StageId = Literal["available", "deprecated", "constricted", "withdrawn"]
Parameters = dict[str, dict[str, Any]]
"""Training parameters: name to ``default``, and ``min`` and ``max`` or ``supported``."""


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Evidence(_Fact):
    """The source of a fact."""

    kind: Literal["recorded", "reported", "inferred", "ours"]
    what: str


class Stage(_Fact):
    """A stage of a model's lifecycle."""

    id: StageId
    start_date: date
    evidence: Evidence
    alternative_model_ids: tuple[str, ...] = ()


class Task(_Fact):
    """A task of a model in the real service."""

    quality: int | None = None
    """The service's rating, 1 to 5."""


class TaskInfo(_Fact):
    """A task as the service lists it."""

    task_id: str
    label: str
    rank: int
    description: str


class Tuning(_Fact):
    """The prompt tuning of a model."""

    evidence: Evidence
    parameters: Parameters
    tasks: dict[str, Parameters]
    """The tasks of its tuning, with the parameters that differ from ``parameters``."""
    max_records: int | None = None


class Model(_Fact):
    """A base model."""

    model_id: str
    label: str
    provider: str
    source: str
    short_description: str
    long_description: str
    weights: str | None = None
    """The Hugging Face id of the same weights, if they were published."""
    input_tier: str | None = None
    output_tier: str | None = None
    number_params: str | None = None
    min_shot_size: int | None = None
    max_sequence_length: int | None = None
    """Tokens; None if it is not known."""
    max_output_tokens: int | None = None
    chat: bool = False
    whole_calls: Evidence | None = None
    """The source for that the service streams the arguments of a call in one piece. None: it
    streams them by token, as it does for most models of which streams were recorded."""
    generates: bool = True
    """Whether the untuned model generates text in the real service."""
    added: bool = False
    """Whether the user added it, or asked for an id that the catalogue lacks."""
    tasks: dict[str, Task]
    tuning: Tuning | None = None
    lifecycle: tuple[Stage, ...] = ()
    """In the order of their dates; empty if the real service never had the model."""


class CatalogueFile(_Fact):
    """The whole file."""

    evidence: dict[str, Evidence]
    """The sources that the stages and tunings below refer to."""
    tasks: tuple[TaskInfo, ...]
    common_parameters: Parameters
    lora_parameters: dict[str, Any]
    own: dict[str, Any]
    """The fields of a :class:`Model` that all base models of the backend share."""
    models: tuple[Model, ...] = Field(min_length=1)

    def own_model(self, name: str, summary: str) -> Model:
        """Return the catalogue's model for a base model of the backend."""
        label = name.rpartition("/")[2]
        texts = {"short_description": summary or label, "long_description": summary or label}
        return Model.model_validate({"model_id": name, "label": label, **texts, **self.own})

    def added_model(self, model_id: str, facts: Mapping[str, Any]) -> Model:
        """Return the model for an id that the catalogue lacks; ``facts`` are fields of it."""
        provider, slash, label = model_id.rpartition("/")
        own = self.own_model(model_id, f"{label}, added to the catalogue of this emulator.")
        assert own.tuning is not None  # noqa: S101  # the file has it for all own models
        tuning = own.tuning.model_copy(update={"evidence": self.evidence["added"]})
        named = {"label": label, "provider": provider if slash else own.provider}
        return own.model_copy(update={"tuning": tuning, "added": True, **named, **facts})


@cache
def catalogue_file() -> CatalogueFile:
    """Return the catalogue in this package."""
    text = files(__package__).joinpath("models.yaml").read_text(encoding="utf-8")
    # The loader in C is several times faster, but not every build of PyYAML has it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return CatalogueFile.model_validate(yaml.load(text, Loader=loader))  # noqa: S506  # it is safe
