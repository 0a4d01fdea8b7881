"""The shape of a JSON value, and where two shapes differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Shape = Mapping[str, frozenset[str]]
"""The types by place, e.g. ``results[].generated_text``; of all elements of an array together."""
_TYPES = {bool: "boolean", int: "number", float: "number", str: "string", dict: "object",
          list: "array", type(None): "null"}  # fmt: skip
_OURS = "tunesmith"
"""A field that the emulator adds, so that nobody takes it for the service."""


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """A place at which two shapes differ."""

    where: str
    kind: Literal["missing", "added", "type", "status"]
    """``missing`` in the emulator's answer, ``added`` to it, or of another type."""
    recorded: str = ""
    emulator: str = ""


def shape_of(value: Any) -> Shape:
    """Return the shape of ``value``."""
    found: dict[str, set[str]] = {}
    _walk(value, "", found)
    return {place: frozenset(types) for place, types in found.items()}


def differences(recorded: Any, emulator: Any) -> Iterator[Difference]:
    """Yield where the shapes differ; of a part that one side lacks, only its beginning.

    An array without elements says nothing about them.
    """
    theirs, ours = shape_of(recorded), shape_of(emulator)
    for place in sorted({*theirs, *ours}):
        parent = _parent(place)
        if parent is not None and (parent not in theirs or parent not in ours):
            continue
        there, here = theirs.get(place), ours.get(place)
        if here is None:
            if not place.endswith("[]"):
                yield Difference(place, "missing", recorded=_words(there))
        elif there is None:
            if not place.endswith("[]"):
                yield Difference(place, "added", emulator=_words(here))
        elif there != here:
            yield Difference(place or "(body)", "type", _words(there), _words(here))


def _walk(value: Any, place: str, found: dict[str, set[str]]) -> None:
    found.setdefault(place, set()).add(_TYPES[type(value)])
    if isinstance(value, dict):
        for name, inner in value.items():
            if name != _OURS:
                _walk(inner, f"{place}.{name}" if place else name, found)
    elif isinstance(value, list):
        for inner in value:
            _walk(inner, f"{place}[]", found)


def _parent(place: str) -> str | None:
    if not place:
        return None
    return place[:-2] if place.endswith("[]") else place.rpartition(".")[0]


def _words(types: frozenset[str] | None) -> str:
    return " or ".join(sorted(types or ()))
