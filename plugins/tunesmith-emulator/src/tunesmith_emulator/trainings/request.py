"""Checks the body of a training, and makes tunesmith's method of its hyper-parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from tunesmith.errors import ExperimentError, first_problem
from tunesmith.plugins import method_class
from tunesmith_emulator.catalogue.entry import Entry
from tunesmith_emulator.catalogue.service import Catalogue
from tunesmith_emulator.engine import Engine
from tunesmith_emulator.envelope import ServiceError, wrong_field
from tunesmith_emulator.fields import Body, flag, nested, text, texts
from tunesmith_emulator.trainings.entity import FINE, PROMPT
from tunesmith_emulator.trainings.hyperparameters import checked_parameters, input_template

LORA = "lora"
_NOT_HYPERPARAMETERS = {"task_id", "tuning_type", "torch_dtype"}
_LORA_SETTINGS = ("num_epochs", "learning_rate", "batch_size", "accumulate_steps")
PATIENCE = 0.5
"""Seconds that a request waits for a backend that is loaded for the first time."""
_REFERENCES = "training_data_references"


def _emulated_type(kind: Any) -> Any:
    if kind != "data_asset":
        raise wrong_field(
            f"{_REFERENCES}[0].type",
            f"Data of type {kind!r} are not emulated; upload the file and use 'data_asset'.",
        )
    return kind


def _no_test_data(given: Any) -> Any:
    if given:
        raise wrong_field("test_data_references", "Test data are not emulated; leave them out.")
    return given


class _Location(Body):
    id: str = text("")
    href: str = text("")

    @property
    def asset_id(self) -> str:
        return (self.id or self.href.partition("?")[0]).rpartition("/")[2]

    @model_validator(mode="after")
    def _names_an_asset(self) -> Self:
        if not self.asset_id:
            raise wrong_field(f"{_REFERENCES}[0].location.id", "location must name a data asset.")
        return self


class _Reference(Body):
    lenient = True
    type: Annotated[Any, AfterValidator(_emulated_type)] = Field(None, validate_default=True)
    location: _Location = nested()


class _ResultsLocation(Body):
    path: str = text("")


class _Results(Body):
    type: str = text("")
    connection: dict[str, Any] = nested()
    location: _ResultsLocation = nested()


class TrainingBody(Body):
    """The data and the results in the body of a training."""

    training_data_references: list[_Reference] = Field(
        min_length=1, max_length=1, description="must hold exactly one reference"
    )
    test_data_references: Annotated[Any, AfterValidator(_no_test_data)] = None
    auto_update_model: bool = flag()
    results_reference: _Results = nested()

    @property
    def asset_id(self) -> str:
        """The id of the data asset with the training data."""
        return self.training_data_references[0].location.asset_id


class Label(Body):
    """The fields of a training's body that only describe it."""

    name: str = text(most=100)
    description: str = text("")
    tags: list[str] = texts()


class _BaseModelReference(Body):
    lenient = True
    model_id: str = Field(min_length=1, description="must name a model")


class Tuning(Body):
    """The model that is tuned."""

    base_model: _BaseModelReference = nested()


class _Lora(Body):
    peft_parameters: dict[str, Any] = nested()


@dataclass(frozen=True)
class Asked:
    """The values that a training needs."""

    asset_id: str
    """The data asset with the training data."""
    base_model_id: str
    parameters: dict[str, Any]
    """The hyper-parameters as the service echoes them, defaults included."""
    method: dict[str, Any]
    """The tunesmith method: ``name`` and ``settings``; empty if the backend is not loaded yet."""


def read_request(kind: str, body: Mapping[str, Any], catalogue: Catalogue, engine: Engine) -> Asked:
    """Check the body of a request.

    While the backend is loaded, only that is checked which needs no backend. The training itself
    then calls :func:`choose_method`.

    Raises:
        ServiceError: 400 or 404, names the field.
    """
    field = "parameters" if kind == FINE else PROMPT
    given: Any = body.get(field)
    entry = catalogue.find(Tuning.read(given, field).base_model.model_id, PATIENCE)
    if kind == PROMPT and not entry.tunable:
        raise ServiceError(
            400,
            "model_not_supported",
            f"Model {entry.model_id!r} is not supported for prompt tuning.",
        )
    checked = TrainingBody.read(body)
    asked = {name: value for name, value in given.items() if name != "base_model"}
    parameters = asked if kind == FINE else _prompt_parameters(asked, entry)
    method: dict[str, Any] = {}
    if entry.loaded:
        method = choose_method(kind, entry.model_id, parameters, entry.served_by, engine)
    elif kind == FINE:
        _lora_settings(parameters)
    return Asked(checked.asset_id, entry.model_id, parameters, method)


def choose_method(
    kind: str, model_id: str, parameters: Mapping[str, Any], base_model: str, engine: Engine
) -> dict[str, Any]:
    """Return name and settings of the tunesmith method that tunes; this loads the backend.

    Args:
        kind: of the training.
        model_id: the id in the catalogue.
        parameters: the hyper-parameters as the service echoes them.
        base_model: the backend's name of the base model.
        engine: gives the methods of the backend.

    Raises:
        ServiceError: 400, the backend has no such method, or refuses a hyper-parameter.
        NotFoundError: the backend has no such base model.
        UnsupportedError: the backend tunes nothing.
    """
    if kind == FINE:
        if LORA not in engine.capabilities(base_model).methods:
            raise ServiceError(
                400,
                "model_not_supported",
                f"Model {model_id!r} is not supported for fine tuning: the backend of this "
                "emulator does not offer LoRA. Use prompt tuning (POST /ml/v4/trainings).",
            )
        name, settings = LORA, _lora_settings(parameters)
    else:
        name = engine.tuning_method(base_model)
        # A stand-in method uses its own defaults.
        settings = _prompt_settings(parameters) if name == PROMPT else {}
    _check_method("parameters" if kind == FINE else PROMPT, name, settings)
    return {"name": name, "settings": settings}


def _prompt_parameters(asked: Mapping[str, Any], entry: Entry) -> dict[str, Any]:
    advertised = entry.parameters_for(str(asked.get("task_id") or "classification"))
    return checked_parameters(asked, advertised)


def _prompt_settings(parameters: Mapping[str, Any]) -> dict[str, Any]:
    settings = {k: v for k, v in parameters.items() if k not in _NOT_HYPERPARAMETERS}
    return {**settings, "verbalizer": input_template(parameters["verbalizer"])}


def _lora_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    peft = _Lora.read(given, "parameters").peft_parameters
    if peft.get("type", LORA) != LORA:
        raise wrong_field("parameters.peft_parameters.type", "Only type 'lora' is emulated.")
    settings = {name: given[name] for name in _LORA_SETTINGS if name in given}
    settings |= {name: value for name, value in peft.items() if name != "type"}
    if "max_seq_length" in given:
        settings["max_input_tokens"] = given["max_seq_length"]
    return settings | _response(given)


def _response(given: Mapping[str, Any]) -> dict[str, str]:
    # ``verbalizer`` holds input, response template and output; the answer follows the template.
    verbalizer, template = given.get("verbalizer"), given.get("response_template")
    if verbalizer is None and template is None:
        return {}
    if not isinstance(verbalizer, str) or not isinstance(template, str):
        raise wrong_field(
            "parameters.response_template", "verbalizer and response_template come together."
        )
    if not input_template(verbalizer).rstrip().endswith(template.strip()):
        raise wrong_field(
            "parameters.response_template",
            "response_template must be directly before {{output}} at the end of verbalizer.",
        )
    return {"verbalizer": input_template(verbalizer)}


def _check_method(field: str, name: str, settings: dict[str, Any]) -> None:
    try:
        method_class(name).model_validate(settings)
    except ValidationError as error:
        raise wrong_field(field, f"{field}: {first_problem(error)}") from None
    except ExperimentError as error:
        raise wrong_field(field, str(error)) from None
