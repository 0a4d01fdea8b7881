"""Short questions to a catalogue, for the tests."""

from __future__ import annotations

from collections.abc import Callable

from tunesmith_emulator.catalogue.service import Catalogue

Make = Callable[..., Catalogue]
TUNABLE = "function_prompt_tune_trainable,!lifecycle_withdrawn:and"
"""The filter with which the SDK asks for the models that can be prompt-tuned."""


def ids(catalogue: Catalogue, filters: str | None = None) -> set[str]:
    return {spec["model_id"] for spec in catalogue.specs(filters)}


def spec_of(catalogue: Catalogue, model_id: str) -> dict:
    (found,) = catalogue.specs(f"modelid_{model_id}")
    return found


def functions_of(catalogue: Catalogue, model_id: str) -> set[str]:
    return {function["id"] for function in spec_of(catalogue, model_id)["functions"]}


def stages_of(catalogue: Catalogue, model_id: str) -> dict[str, str | None]:
    stages = spec_of(catalogue, model_id)["lifecycle"]
    return {stage["id"]: stage.get("start_date") for stage in stages}
