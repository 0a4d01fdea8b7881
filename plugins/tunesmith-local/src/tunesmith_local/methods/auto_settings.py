"""The settings that follow from the base model and the experiment, if they are ``auto``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tunesmith.methods import AUTO, PromptTuning
from tunesmith.records import ChosenSetting

if TYPE_CHECKING:
    from tunesmith_local.engine.soft_prompt import InitMethod

VIRTUAL_TOKENS = 50
"""The number of virtual tokens, if it is ``auto``."""


def settled(settings: PromptTuning) -> tuple[PromptTuning, tuple[ChosenSetting, ...]]:
    """Return the settings with all values but the learning rate, and the choices made."""
    choices = []
    if settings.num_virtual_tokens == AUTO:
        choices.append(_length())
    if settings.init_method == AUTO:
        choices.append(_start(settings))
    values = {choice.setting: choice.value for choice in choices}
    return settings.model_copy(update=values), tuple(choices)


def _length() -> ChosenSetting:
    return ChosenSetting(
        setting="num_virtual_tokens",
        value=VIRTUAL_TOKENS,
        reason="in trials 50 learned more than 20, and a batch reads them once for all its rows",
    )


def _start(settings: PromptTuning) -> ChosenSetting:
    value: InitMethod = "text" if (settings.init_text or "").strip() else "sample_vocab"
    reason = (
        "there is an init_text that describes the task"
        if value == "text"
        else "there is no init_text, and embeddings of real tokens are a better start than noise"
    )
    return ChosenSetting(setting="init_method", value=value, reason=reason)
