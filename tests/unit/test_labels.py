"""An answer is a label only if it matches exactly."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tunesmith import LabelSet


def test_a_list_makes_every_label_its_own_form() -> None:
    labels = LabelSet.model_validate(["0", "1"])
    assert labels.names == ("0", "1")
    assert labels.surface("1") == "1"


def test_yaml_numbers_become_text() -> None:
    assert LabelSet.model_validate([0, 1]).names == ("0", "1")


@pytest.mark.parametrize("text", ["1", " 1", "1\n", "\t1 \n"])
def test_white_space_at_the_ends_is_stripped(text: str) -> None:
    assert LabelSet.model_validate(["0", "1"]).parse(text) == "1"


@pytest.mark.parametrize("text", ["", "1.", "1\nComment:", "10", "one", "1 1", "Yes"])
def test_anything_else_is_unparsable(text: str) -> None:
    labels = LabelSet.model_validate({"1": ["1", "yes"], "0": ["0", "no"]})
    assert labels.parse(text) is None


def test_every_surface_form_is_parsed_and_the_first_is_tuned() -> None:
    labels = LabelSet.model_validate({"good": ["yes", "good"], "bad": ["no"]})
    assert [labels.parse(t) for t in ("yes", "good", "no")] == ["good", "good", "bad"]
    assert labels.surface("good") == "yes"


def test_a_row_has_a_name_or_a_form() -> None:
    labels = LabelSet.model_validate({"no": ["0", "yes"], "yes": ["1"]})
    assert [labels.of_row(t) for t in ("0", "1", "no", "yes", "2")] == [
        "no",
        "yes",
        "no",
        "yes",  # the name counts more than the form of another label
        None,
    ]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (["1"], "at least two"),
        (["1", "1"], "twice"),
        ({"a": ["x"], "b": ["x"]}, "is a form of both"),
        ({"a": [], "b": ["x"]}, "no surface form"),
        (["", "x"], "empty"),
        ([" x", "y"], "white space"),
        ([True, False], "quotes"),
    ],
)
def test_bad_label_sets_are_refused_with_the_reason(value: object, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        LabelSet.model_validate(value)


def test_survives_json() -> None:
    labels = LabelSet.model_validate({"good": ["yes", "good"], "bad": ["no"]})
    assert LabelSet.model_validate_json(labels.model_dump_json()) == labels
