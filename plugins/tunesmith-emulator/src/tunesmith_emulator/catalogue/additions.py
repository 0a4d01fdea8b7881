"""The models that a user serves: as arguments, as texts of an option, or as a YAML file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from tunesmith.errors import ExperimentError
from tunesmith.experiment_file import parse_overrides
from tunesmith_emulator.given_file import read_file
from tunesmith_emulator.settings import ServedModel, by_name

Models = Mapping[str, str | Mapping[str, Any] | ServedModel]
"""An id, and the base model that answers for it, or the fields of a :class:`ServedModel`."""
_FACTS = re.compile(r",(?=[a-z_]+=)")


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    models: dict[str, Annotated[ServedModel, BeforeValidator(by_name)]]


def read_models(path: Path) -> dict[str, ServedModel]:
    """Return the models in a YAML file: ``models: {ID: BASE}``, or ``{ID: {base: BASE, …}}``.

    Raises:
        ExperimentError: the file is missing or wrong; the message names the field.
    """
    return read_file(path, _File).models


def parse_models(texts: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the models in texts such as ``ID=BASE,max_sequence_length=4096``.

    Raises:
        ExperimentError: a text has another form, or an id is there twice.
    """
    models: dict[str, dict[str, Any]] = {}
    for text in texts:
        named, *facts = _FACTS.split(text)
        model_id, equals, base = named.partition("=")
        if not model_id or not equals or not base:
            raise ExperimentError(
                f"--model {text}: expected ID=NAME, e.g. "
                "ibm/granite-3-8b-instruct=ibm-granite/granite-4.0-350m, and facts behind it: "
                ",max_sequence_length=4096"
            )
        if model_id in models:
            raise ExperimentError(f"--model {text}: {model_id} is there twice; keep one of the two")
        option, example = f"--model {named}", "max_sequence_length=4096"
        models[model_id] = {"base": base, **parse_overrides(facts, option, example)}
    return models
