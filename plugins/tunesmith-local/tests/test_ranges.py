"""Declared ranges are the constraints of the settings' fields."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import pytest
from pydantic import Field, ValidationError

from tunesmith.backend import Range
from tunesmith.methods import Method
from tunesmith_local.methods.ranges import ranges_of
from tunesmith_local.methods.registry import methods


class One(Method):
    name: ClassVar[str] = "one"
    tunes: ClassVar[bool] = True
    chat: bool = False
    size: Annotated[int, Field(ge=1, le=10)] = 2
    rate: Annotated[float, Field(gt=0)] | None = None
    kind: Literal["a", "b"] = "a"
    text: str = ""
    either: tuple[str, ...] | Literal["all"] = "all"


class Other(One):
    size: Annotated[int, Field(ge=3, le=20)] = 3
    kind: Literal["b", "c"] = "b"


def test_a_range_is_that_of_the_field() -> None:
    assert ranges_of([One]) == {
        "size": Range(minimum=1, maximum=10),
        "rate": Range(minimum=0),
        "kind": Range(choices=("a", "b")),
        "text": Range(),
        "either": Range(),
    }


def test_a_field_of_several_methods_has_the_widest_range() -> None:
    found = ranges_of([One, Other])
    assert found["size"] == Range(minimum=1, maximum=20)
    assert found["kind"] == Range(choices=("a", "b", "c"))


@pytest.mark.parametrize("name", methods())
def test_a_value_outside_the_declared_range_is_no_setting(name: str) -> None:
    settings = methods()[name].settings
    declared = ranges_of(method.settings for method in methods().values())
    assert settings.model_fields.keys() - {"chat"} <= declared.keys()
    for field in settings.model_fields.keys() & declared.keys():
        found = declared[field]
        outside = [found.minimum - 1] if found.minimum is not None else []
        outside += [found.maximum + 1] if found.maximum is not None else []
        outside += ["no such choice"] if found.choices is not None else []
        for value in outside:
            with pytest.raises(ValidationError):
                settings.model_validate({field: value})


def test_the_ranges_of_watsonx_and_caikit_are_kept() -> None:
    declared = ranges_of(method.settings for method in methods().values())
    assert declared["num_virtual_tokens"] == Range(minimum=1, maximum=1000)
    assert declared["num_epochs"] == Range(minimum=1, maximum=1000)
    assert declared["learning_rate"] == Range(minimum=0, maximum=10)
    assert declared["init_method"] == Range(choices=("random", "text", "sample_vocab"))
    assert declared["early_stopping_patience"] == Range(minimum=1)
    assert declared["c"] == Range(minimum=0.000001, maximum=1000)
    assert declared["target_modules"] == Range()
