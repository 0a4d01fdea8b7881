"""The JSON patch of a deployment, with the operations that the service allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import create_model

from tunesmith_emulator.envelope import ServiceError, wrong_field
from tunesmith_emulator.fields import Body, nested, text, texts

LONGEST_NAME = 256


class _Id(Body):
    id: str = text()


class _ServingName(Body):
    serving_name: str = text()


def _operation(kind: Any, value: Any) -> type[Body]:
    return create_model("_Operation", __base__=Body, value=(kind, value))


_PATHS = {
    "/name": ("name", _operation(str, text(most=LONGEST_NAME))),
    "/description": ("description", _operation(str, text(""))),
    "/tags": ("tags", _operation(list[str], texts())),
    "/asset": ("asset", _operation(_Id, nested())),
    "/online/parameters": ("serving_name", _operation(_ServingName, nested())),
}


@dataclass(frozen=True)
class Change:
    """One field and its new value."""

    field: str
    value: Any


def read_patch(patch: Any) -> list[Change]:
    """Return the changes of a JSON-patch array.

    Raises:
        ServiceError: 400, an operation is malformed or not allowed.
    """
    if not isinstance(patch, list) or not patch:
        raise ServiceError(400, "json_patch_error", "The body must be a JSON-patch array.")
    return [_change(f"[{index}]", operation) for index, operation in enumerate(patch)]


def _change(where: str, operation: Any) -> Change:
    if not isinstance(operation, dict) or operation.get("op") not in ("replace", "add"):
        raise wrong_field(f"{where}.op", "Only the operations 'replace' and 'add' are allowed.")
    path = operation.get("path")
    if not isinstance(path, str) or path not in _PATHS:
        raise wrong_field(
            f"{where}.path",
            "Allowed paths: /name, /description, /tags, /asset {id}, /online/parameters "
            "{serving_name}; each with a value of its kind.",
        )
    field, model = _PATHS[path]
    value = model.read(operation, where).model_dump()["value"]
    return Change(field, next(iter(value.values())) if isinstance(value, dict) else value)
