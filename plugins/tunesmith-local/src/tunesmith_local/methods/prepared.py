"""Checked settings and encoded rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunesmith.methods import GradientTuning

if TYPE_CHECKING:
    from tunesmith_local.engine.answers import Rule
    from tunesmith_local.engine.scoring import Example


@dataclass(frozen=True, eq=False, kw_only=True)
class Prepared:
    """Checked settings and encoded rows: all that a training needs beside the base model.

    A method adds its rows in a subclass.
    """

    template: str
    """The whole template, a chat template included."""
    max_input_tokens: int
    """Limit after the template."""
    longest_answer: int
    """Tokens of the longest label and its end."""
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
