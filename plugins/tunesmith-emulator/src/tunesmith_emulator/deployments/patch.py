"""The JSON patch of a deployment, as far as the service allows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tunesmith_emulator.envelope import ServiceError, wrong_field
from tunesmith_emulator.fields import Fields

LONGEST_NAME = 256


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
    return [_change(index, operation) for index, operation in enumerate(patch)]


def _change(index: int, operation: Any) -> Change:
    where = f"[{index}]"
    if not isinstance(operation, dict) or operation.get("op") not in ("replace", "add"):
        raise wrong_field(f"{where}.op", "Only the operations 'replace' and 'add' are allowed.")
    path, given = operation.get("path"), Fields(operation, where)
    if path == "/name":
        return Change("name", given.text("value", most=LONGEST_NAME))
    if path == "/description":
        return Change("description", given.text("value", ""))
    if path == "/tags":
        return Change("tags", given.texts("value"))
    if path == "/asset":
        return Change("asset", given.object("value").text("id"))
    if path == "/online/parameters":
        return Change("serving_name", given.object("value").text("serving_name"))
    raise wrong_field(
        f"{where}.path",
        "Allowed paths: /name, /description, /tags, /asset {id}, /online/parameters "
        "{serving_name}; each with a value of its kind.",
    )
