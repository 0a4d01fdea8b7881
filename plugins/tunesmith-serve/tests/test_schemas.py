"""Schemas are narrowed, never widened."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

from tunesmith_serve.schemas import (
    DEEPEST,
    LARGEST,
    MOST_CHARACTERS,
    MOST_ITEMS,
    any_object,
    closed,
)

TEXT = {"type": "string"}


def test_an_object_has_only_what_it_declares() -> None:
    inner = {"type": "object", "properties": {"a": TEXT}}
    schema = {"type": "object", "properties": {"x": inner, "l": {"type": "array", "items": inner}},
              "$defs": {"d": inner}}  # fmt: skip
    found = closed(schema)
    places = (found, found["properties"]["x"], found["properties"]["l"]["items"],
              found["$defs"]["d"])  # fmt: skip
    assert all(place["additionalProperties"] is False for place in places)


def test_what_a_schema_says_about_further_properties_stays() -> None:
    for more in ({"additionalProperties": True}, {"patternProperties": {"^x": TEXT}}):
        schema = {"type": "object", "properties": {"a": TEXT}, **more}
        assert closed(schema) == schema
    parts = {"allOf": [{"properties": {"a": TEXT}}, {"properties": {"b": TEXT}}]}
    assert closed(parts) == parts
    assert closed({"type": "object"}) == {"type": "object"}


def test_limits_are_given_only_to_what_has_none() -> None:
    assert closed(TEXT, bounded=True) == TEXT | {"maxLength": MOST_CHARACTERS}
    assert closed(TEXT | {"minLength": 999}, bounded=True)["maxLength"] == 999
    for kept in (TEXT | {"maxLength": 3}, TEXT | {"pattern": "a*"}, TEXT | {"enum": ["a"]},
                 {"type": "integer", "enum": [1]}):  # fmt: skip
        assert closed(kept, bounded=True) == kept
    listed = {"type": "array", "items": {"type": "integer", "minimum": 0}}
    found = closed(listed, bounded=True)
    assert found["maxItems"] == MOST_ITEMS
    assert found["items"] == {"type": "integer", "minimum": 0, "maximum": LARGEST}
    assert closed(listed) == listed


def nested(levels: int) -> Any:
    value: Any = "text"
    for level in range(levels):
        value = {"key": value} if level % 2 else [value]
    return {"outer": value}


def test_an_object_without_a_schema_has_a_limited_depth() -> None:
    validator = Draft202012Validator(any_object())
    assert validator.is_valid({})
    assert validator.is_valid({"a": 1, "b": [True, None, {"c": []}]})
    assert validator.is_valid(nested(DEEPEST))
    assert not validator.is_valid(nested(DEEPEST + 1))
    assert not validator.is_valid([])
