"""The formats that an answer can be held to: ``response_format`` and the ``guided_*`` fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from tunesmith.errors import first_problem
from tunesmith.spec import Constraint
from tunesmith_serve.refusals import wrong
from tunesmith_serve.schemas import any_object, closed


def read_format(given: Mapping[str, Any]) -> tuple[str, Constraint] | None:
    """Return the field that asks for a format, and the constraint that it asks for.

    Raises:
        Refusal: 400, a field is wrong, or two ask for a format; it is named.
    """
    found = [
        (name, constraint)
        for name, read in _READERS.items()
        if name in given and (constraint := read(given[name], name)) is not None
    ]
    if len(found) > 1:
        first, second = found[0][0], found[1][0]
        raise wrong(f"{second}: {first} is given too; give one of them.", second)
    return found[0] if found else None


def _response_format(value: Any, name: str) -> Constraint | None:
    kind = value.get("type") if isinstance(value, Mapping) else None
    if kind == "text":
        return None
    if kind == "json_object":
        return Constraint(kind="json_schema", value=any_object())
    if kind != "json_schema":
        raise wrong(f"{name}.type must be text, json_object or json_schema.", f"{name}.type")
    described = value.get("json_schema")
    if not isinstance(described, Mapping) or "schema" not in described:
        raise wrong(f"{name}.json_schema must have a schema.", f"{name}.json_schema")
    return _schema(described["schema"], f"{name}.json_schema.schema")


def _schema(value: Any, name: str) -> Constraint:
    if not isinstance(value, Mapping):
        raise wrong(f"{name} must be a JSON schema.", name)
    return Constraint(kind="json_schema", value=closed(value))


def _choice(value: Any, name: str) -> Constraint:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise wrong(f"{name} must be a list of texts.", name)
    return _checked("choice", tuple(value), name)


def _regex(value: Any, name: str) -> Constraint:
    return _checked("regex", value, name)


def _grammar(value: Any, name: str) -> Constraint:
    return _checked("grammar", value, name)


def _checked(kind: str, value: Any, name: str) -> Constraint:
    if not value:
        raise wrong(f"{name} must not be empty.", name)
    try:
        return Constraint.model_validate({"kind": kind, "value": value})
    except ValidationError as error:
        raise wrong(f"{name}: {first_problem(error)}", name) from None


_READERS: dict[str, Callable[[Any, str], Constraint | None]] = {
    "response_format": _response_format,
    "guided_json": _schema,
    "guided_choice": _choice,
    "guided_regex": _regex,
    "guided_grammar": _grammar,
}
FORMATS = tuple(_READERS)
"""The fields that ask for a format."""
