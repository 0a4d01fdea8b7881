"""From the body of a request to what a training needs, or a refusal that names the field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from tunesmith.errors import ExperimentError, first_problem
from tunesmith.plugins import method_class
from tunesmith_emulator.catalogue.entry import Entry
from tunesmith_emulator.catalogue.service import Catalogue
from tunesmith_emulator.engine import Engine
from tunesmith_emulator.envelope import ServiceError, wrong_field
from tunesmith_emulator.fields import Fields
from tunesmith_emulator.trainings.entity import FINE, PROMPT
from tunesmith_emulator.trainings.hyperparameters import checked_parameters, input_template

_MAX_ROWS = 10_000
_NOT_HYPERPARAMETERS = {"task_id", "tuning_type", "torch_dtype"}
LORA = "lora"


@dataclass(frozen=True)
class Asked:
    """What a training needs to know."""

    kind: str
    base_model_id: str
    parameters: dict[str, Any]
    """As the service echoes them, defaults included."""
    method: dict[str, Any]
    """The tunesmith method: ``name``, ``settings``; and ``max_rows``."""


def read_request(kind: str, body: Mapping[str, Any], catalogue: Catalogue, engine: Engine) -> Asked:
    """Check the body of a request.

    Raises:
        ServiceError: 400 or 404, names the field.
    """
    field = "parameters" if kind == FINE else PROMPT
    given = body.get(field)
    if not isinstance(given, Mapping):
        raise wrong_field(field, f"{field} must be an object.")
    entry = _base_model(field, given, catalogue)
    _check_references(body)
    _check_rest(Fields(body))
    if kind == FINE:
        parameters, name, settings = _lora(given, entry, engine)
    else:
        parameters, name, settings = _prompt_tuning(given, entry, engine)
    _check_method(field, name, settings)
    method = {"name": name, "settings": settings, "max_rows": _MAX_ROWS}
    return Asked(kind, entry.model_id, parameters, method)


def _base_model(field: str, given: Mapping[str, Any], catalogue: Catalogue) -> Entry:
    base = given.get("base_model")
    model_id = base.get("model_id") if isinstance(base, Mapping) else None
    where = f"{field}.base_model.model_id"
    if not isinstance(model_id, str) or not model_id:
        raise wrong_field(where, f"{where} must name a model.")
    entry = catalogue.find(model_id)
    if field == PROMPT and not entry.tunable:
        raise ServiceError(
            400, "model_not_supported", f"Model {model_id!r} is not supported for prompt tuning."
        )
    return entry


def _prompt_tuning(
    given: Mapping[str, Any], entry: Entry, engine: Engine
) -> tuple[dict[str, Any], str, dict[str, Any]]:
    asked = {name: value for name, value in given.items() if name != "base_model"}
    advertised = entry.parameters_for(str(asked.get("task_id") or "classification"))
    parameters = checked_parameters(asked, advertised)
    name = engine.tuning_method(entry.served_by)
    if name != PROMPT:
        return parameters, name, {}  # the stand-in method tunes with its own defaults
    settings = {k: v for k, v in parameters.items() if k not in _NOT_HYPERPARAMETERS}
    return parameters, name, {**settings, "verbalizer": input_template(parameters["verbalizer"])}


def _lora(
    given: Mapping[str, Any], entry: Entry, engine: Engine
) -> tuple[dict[str, Any], str, dict[str, Any]]:
    if LORA not in engine.capabilities(entry.served_by).methods:
        raise ServiceError(
            400,
            "model_not_supported",
            f"Model {entry.model_id!r} is not supported for fine tuning: the backend of this "
            "emulator does not offer LoRA. Use prompt tuning (POST /ml/v4/trainings).",
        )
    peft = Fields(given, "parameters").object("peft_parameters").values
    if peft.get("type", LORA) != LORA:
        raise wrong_field("parameters.peft_parameters.type", "Only type 'lora' is emulated.")
    settings = {
        name: given[name]
        for name in ("num_epochs", "learning_rate", "batch_size", "accumulate_steps")
        if name in given
    }
    settings |= {name: value for name, value in peft.items() if name != "type"}
    if "max_seq_length" in given:
        settings["max_input_tokens"] = given["max_seq_length"]
    settings |= _response(given)
    parameters = {name: value for name, value in given.items() if name != "base_model"}
    return parameters, LORA, settings


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
            "response_template must stand right before {{output}} at the end of verbalizer.",
        )
    return {"verbalizer": input_template(verbalizer)}


def _check_references(body: Mapping[str, Any]) -> None:
    references = body.get("training_data_references")
    field = "training_data_references"
    if not isinstance(references, list) or len(references) != 1:
        raise wrong_field(field, f"{field} must hold exactly one reference.")
    if body.get("test_data_references"):
        raise wrong_field("test_data_references", "Test data are not emulated; leave them out.")
    reference = references[0]
    kind = reference.get("type") if isinstance(reference, Mapping) else None
    if kind != "data_asset":
        raise wrong_field(
            f"{field}[0].type",
            f"Data of type {kind!r} are not emulated; upload the file and use 'data_asset'.",
        )
    if not _asset_id(Fields(reference, f"{field}[0]").object("location").values):
        raise wrong_field(f"{field}[0].location.id", "location must name a data asset.")


def _check_rest(fields: Fields) -> None:
    # What is echoed, or read when the training has ended, must be of its kind from the start.
    fields.flag("auto_update_model")
    results = fields.object("results_reference")
    results.text("type", "")
    results.object("connection")
    results.object("location").text("path", "")


def _asset_id(location: Mapping[str, Any]) -> str:
    fields = Fields(location, "training_data_references[0].location")
    given = fields.text("id", "") or fields.text("href", "").partition("?")[0]
    return given.rsplit("/", 1)[-1]


def asset_id(body: Mapping[str, Any]) -> str:
    """Return the id of the training data's asset in a body that was checked."""
    return _asset_id(body["training_data_references"][0]["location"])


def _check_method(field: str, name: str, settings: dict[str, Any]) -> None:
    try:
        method_class(name).model_validate(settings)
    except ValidationError as error:
        raise wrong_field(field, f"{field}: {first_problem(error)}") from None
    except ExperimentError as error:
        raise wrong_field(field, str(error)) from None
