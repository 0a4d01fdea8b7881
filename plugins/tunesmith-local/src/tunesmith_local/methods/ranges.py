"""Ranges of hyper-parameters, from the constraints of the settings' fields.

A field's constraints (``Field(ge=1, le=1000)``, ``Literal``) are the one place for its range.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tunesmith.backend import Range
from tunesmith.methods import AUTO, Method

_NOT_DECLARED = ("chat",)
"""Fields that no backend declares: the core checks them itself."""


def ranges_of(settings: Iterable[type[Method]]) -> dict[str, Range]:
    """Return the range of each field by name; of a name in several classes the widest."""
    found: dict[str, Range] = {}
    for cls in settings:
        for name, schema in cls.model_json_schema()["properties"].items():
            if name not in _NOT_DECLARED:
                own = _range(schema)
                found[name] = _widest(found[name], own) if name in found else own
    return found


def _range(schema: dict[str, Any]) -> Range:
    """Return the range of one field: of its values, without null and ``auto``."""
    kinds = [
        kind
        for kind in schema.get("anyOf", [schema])
        if kind.get("type") != "null" and kind.get("const") != AUTO
    ]
    if len(kinds) > 1:
        return Range()
    (kind,) = kinds
    return Range(
        minimum=kind.get("minimum", kind.get("exclusiveMinimum")),
        maximum=kind.get("maximum", kind.get("exclusiveMaximum")),
        choices=tuple(c for c in kind["enum"] if c != AUTO) if "enum" in kind else None,
    )


def _widest(one: Range, other: Range) -> Range:
    choices = None
    if one.choices is not None and other.choices is not None:
        choices = tuple(dict.fromkeys([*one.choices, *other.choices]))
    return Range(
        minimum=_bound(min, one.minimum, other.minimum),
        maximum=_bound(max, one.maximum, other.maximum),
        choices=choices,
    )


def _bound(pick: Any, *bounds: float | None) -> float | None:
    given = [bound for bound in bounds if bound is not None]
    return pick(given) if len(given) == len(bounds) else None
