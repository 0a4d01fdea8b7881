"""Methods carry the field's hyper-parameters and refuse what cannot work."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tunesmith import PromptTuning, ZeroShot
from tunesmith.methods import render


def test_only_input_is_a_placeholder() -> None:
    assert render("classify {0, 1} {{input}}", "a {{b}}") == "classify {0, 1} a {{b}}"


def test_the_tutorial_makes_36_optimizer_steps() -> None:
    tutorial = PromptTuning(num_epochs=12, batch_size=8, accumulate_steps=16)
    assert tutorial.optimizer_steps(353) == 36


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"verbalizer": "classify"}, "verbalizer"),
        ({"verbalizer": "{{input}} {{input}}"}, "exactly once"),
        ({"init_method": "text"}, "init_text"),
        ({"num_virtual_tokens": 0}, "num_virtual_tokens"),
        ({"learning_rate": -1}, "learning_rate"),
        ({"lr": 0.1}, "lr"),
    ],
)
def test_bad_settings_name_the_field(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        PromptTuning.model_validate(settings)


def test_a_hard_prompt_needs_the_placeholder_too() -> None:
    with pytest.raises(ValidationError, match="template"):
        ZeroShot(template="Is it good?")
