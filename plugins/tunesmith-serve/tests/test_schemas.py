"""Schemas are narrowed, never widened."""

from __future__ import annotations

from tunesmith_serve.schemas import LARGEST, MOST_CHARACTERS, MOST_ITEMS, closed

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
