"""The settings that follow from the base model and the experiment, if they are ``auto``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tunesmith.methods import AUTO, PromptTuning
from tunesmith.records import ChosenSetting

if TYPE_CHECKING:
    from tunesmith_local.engine.soft_prompt import InitMethod

TOKENS, TOKENS_EACH = (20, 100), 5
"""The fewest and the most virtual tokens, if their number is ``auto``, and those for each label."""


def settled(settings: PromptTuning, labels: int) -> tuple[PromptTuning, tuple[ChosenSetting, ...]]:
    """Return the settings for ``labels`` labels, without the learning rate, and the choices."""
    choices = []
    if settings.num_virtual_tokens == AUTO:
        choices.append(_length(labels))
    if settings.init_method == AUTO:
        choices.append(_start(settings))
    values = {choice.setting: choice.value for choice in choices}
    return settings.model_copy(update=values), tuple(choices)


def _length(labels: int) -> ChosenSetting:
    least, most = TOKENS
    return ChosenSetting(
        setting="num_virtual_tokens",
        value=min(max(TOKENS_EACH * labels, least), most),
        reason=f"{TOKENS_EACH} for each of {labels} labels, at least {least} and at most {most}",
    )


def _start(settings: PromptTuning) -> ChosenSetting:
    value: InitMethod = "text" if (settings.init_text or "").strip() else "sample_vocab"
    reason = (
        "there is an init_text that describes the task"
        if value == "text"
        else "there is no init_text, and embeddings of real tokens are a better start than noise"
    )
    return ChosenSetting(setting="init_method", value=value, reason=reason)
