"""JSON schemas, narrowed so that a model which follows them comes to an end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_OPEN = {"additionalProperties", "unevaluatedProperties", "patternProperties", "allOf", "anyOf",
         "oneOf", "$ref", "if"}  # fmt: skip
"""Keywords that say what else an object may have."""
_COMBINING = "allOf"
"""What its parts declare belongs together, so that none of them may be closed alone."""
_NESTED = ("properties", "$defs", "definitions")
MOST_CHARACTERS, MOST_ITEMS, LARGEST = 200, 8, 10**12
_TEXTS = {"maxLength", "pattern", "format", "enum", "const"}


DEEPEST = 16
"""Levels of objects and lists below the object that a chat asks for without a schema."""


def any_object() -> dict[str, Any]:
    """Return the schema of a JSON object that is at most :data:`DEEPEST` levels deep.

    A small model may open one object in another until its tokens end. Clients read JSON by
    recursion, and a thousand levels end some of them.
    """
    scalar: dict[str, Any] = {"type": ["string", "number", "boolean", "null"]}
    levels = {"level0": scalar}
    for depth in range(1, DEEPEST + 1):
        inner = {"$ref": f"#/$defs/level{depth - 1}"}
        nested = [
            {"type": "object", "additionalProperties": inner},
            {"type": "array", "items": inner},
        ]
        levels[f"level{depth}"] = {"anyOf": [scalar, *nested]}
    outer = {"$ref": f"#/$defs/level{DEEPEST}"}
    return {"type": "object", "additionalProperties": outer, "$defs": levels}


def closed(schema: Any, *, bounded: bool = False) -> Any:
    """Return ``schema`` without properties that it does not declare.

    Every value of the result is a value of ``schema``. An object that lists its properties and says
    nothing about others gets no others: a small model invents some.

    Args:
        schema: a JSON schema.
        bounded: whether texts, lists and numbers without a limit get one.
    """
    combined = f'"{_COMBINING}"' in json.dumps(schema)
    return schema if combined else _closed(schema, bounded)


def _closed(schema: Any, bounded: bool) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    found = dict(schema)
    for key in _NESTED:
        if isinstance(found.get(key), Mapping):
            parts = found[key].items()
            found[key] = {name: _closed(part, bounded) for name, part in parts}
    if "items" in found:
        found["items"] = _closed(found["items"], bounded)
    if isinstance(found.get("anyOf"), list):
        found["anyOf"] = [_closed(part, bounded) for part in found["anyOf"]]
    if "properties" in found and not found.keys() & _OPEN:
        found["additionalProperties"] = False
    return _bounded(found) if bounded else found


def _bounded(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    if kind == "string" and not schema.keys() & _TEXTS:
        least = schema.get("minLength", 0)
        return {**schema, "maxLength": max(MOST_CHARACTERS, least if isinstance(least, int) else 0)}
    if kind == "array" and "maxItems" not in schema:
        least = schema.get("minItems", 0)
        return {**schema, "maxItems": max(MOST_ITEMS, least if isinstance(least, int) else 0)}
    if kind == "integer" and not schema.keys() & {"enum", "const"}:
        low = {"minimum": -LARGEST} if not schema.keys() & {"minimum", "exclusiveMinimum"} else {}
        high = {"maximum": LARGEST} if not schema.keys() & {"maximum", "exclusiveMaximum"} else {}
        return {**schema, **low, **high}
    return schema
