"""The choices of the fake backend, for settings that are ``auto``."""

from __future__ import annotations

from typing import Any

from tunesmith.methods import Method
from tunesmith.records import ChosenSetting, TriedValue

CHOSEN: dict[str, Any] = {"init_method": "random", "learning_rate": 0.5, "num_virtual_tokens": 10}
"""The values of settings that are ``auto``."""


def choose(method: Method, rows: int) -> tuple[ChosenSetting, ...]:
    """Choose the settings that are ``auto``, with a search that always ends alike."""
    choices = [
        ChosenSetting(setting=name, value=CHOSEN[name], reason="the fake backend prefers it")
        for name in method.auto_settings
        if name != "learning_rate"
    ]
    if "learning_rate" in method.auto_settings:
        tried = [
            TriedValue(value=5.0, epochs=0.5, loss=None, accuracy=None),
            TriedValue(value=CHOSEN["learning_rate"], epochs=0.5, loss=0.25, accuracy=0.75),
        ]
        choices.append(
            ChosenSetting(
                setting="learning_rate",
                value=CHOSEN["learning_rate"],
                reason="the other candidate diverged",
                tried=tuple(tried),
                held_out_rows=rows // 5,
                epochs=1.5,
                seconds=2.0,
            )
        )
    return tuple(choices)
