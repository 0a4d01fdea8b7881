"""Checked settings and encoded rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tunesmith.methods import GradientTuning

if TYPE_CHECKING:
    from tunesmith.records import ChosenSetting
    from tunesmith_local.engine.answers import Rule
    from tunesmith_local.engine.scoring import Example
    from tunesmith_local.methods.search_plan import SearchPlan


@dataclass(frozen=True, eq=False, kw_only=True)
class Prepared:
    """Checked settings and encoded rows: all that a training needs beside the base model.

    A method adds its rows in a subclass.
    """

    template: str
    """The whole template, a chat template included."""
    max_input_tokens: int
    """Limit after the template."""
    rule: Rule = "continued"
    """The tokenization of the labels."""


@dataclass(frozen=True, eq=False, kw_only=True)
class GradientRows(Prepared):
    """Rows as the training loop takes them."""

    settings: GradientTuning
    seed: int
    train: list[Example]
    validation: list[Example] | None
    truncated_rows: int
    """Training and validation rows whose input was cut."""
    notes: tuple[str, ...]
    """Sentences for the user."""
    signature: str
    """Names this training: base model, settings and rows."""
    choices: tuple[ChosenSetting, ...] = ()
    """The settings that were ``auto``, as far as they are chosen."""
    search: SearchPlan | None = None
    """The search for the learning rate, if it is ``auto``."""

    def with_rate(self, choice: ChosenSetting) -> GradientRows:
        """Return the same with the learning rate that a search chose."""
        return replace(
            self,
            settings=self.settings.model_copy(update={choice.setting: choice.value}),
            signature=f"{self.signature}-{choice.value}",
            choices=(*self.choices, choice),
            search=None,
        )
