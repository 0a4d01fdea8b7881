"""Prompt tuning: the base model is frozen, and a soft prompt is trained.

The settings are those of the core. The soft prompt is before the text; with ``prompt_position``
suffix it is behind the text (``suffix_prompt.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.hookspecs import Artifact
from tunesmith.methods import AUTO, AUTO_SETTINGS, PromptTuning
from tunesmith_local.methods.gradient import GradientMethod
from tunesmith_local.methods.tunable import Tunable

if TYPE_CHECKING:
    from peft import PeftModel

    from tunesmith.labels import LabelSet
    from tunesmith.records import Row
    from tunesmith_local.engine.scoring import RowLosses
    from tunesmith_local.engine.soft_prompt import InitialPrompt
    from tunesmith_local.engine.text_states import TextCache
    from tunesmith_local.methods.method import Trained, TrainingRun
    from tunesmith_local.methods.prepared import GradientRows
    from tunesmith_local.methods.tuned import AdapterFiles, TunedLM
    from tunesmith_local.model.loading import BaseLM

_SUFFIX = Artifact(
    library="tunesmith",
    holds="This folder holds the soft prompt alone, which is used behind the text; the base model "
    "is needed beside it.",
)


class SoftPromptTunable(Tunable):
    """A soft prompt before the text, or the network that makes one."""

    def __init__(self, base: BaseLM, model: PeftModel, start: InitialPrompt) -> None:
        """Train the encoder of ``model``, PEFT's own around ``base``, that holds ``start``."""
        from tunesmith_local.methods.peft_models import encoder

        self.base = base
        self.model = model
        self.parameters = dict(encoder(model).named_parameters())
        self.facts = start.record()
        self.notes = start.notes
        # The plain layout repeats the prompt in every row; without it there is room for more rows.
        self.batches_at_once = 4 if base.packing_exact else 2 if base.prefix_exact else 1

    def reading(self, seed: int) -> AbstractContextManager[RowLosses]:
        """Read the soft prompt once for all rows, if the model allows it."""
        from tunesmith_local.engine.prompt_reuse import reading
        from tunesmith_local.methods.peft_models import virtual_tokens

        del seed  # nothing is random
        return reading(self.base, virtual_tokens(self.model))

    def save(self, directory: Path) -> None:
        """Write PEFT's two files; P-tuning's network is replaced by the prompt that it makes."""
        from tunesmith_local.methods.peft_models import save_peft

        save_peft(self.model, directory)


class PromptTuningMethod(GradientMethod[PromptTuning]):
    """A soft prompt before or behind the text."""

    settings = PromptTuning
    peft_types = ("PROMPT_TUNING", "SUFFIX_PROMPT_TUNING")
    chooses = AUTO_SETTINGS

    def prepare(
        self,
        base: BaseLM,
        settings: PromptTuning,
        labels: LabelSet,
        seed: int,
        train: Sequence[Row],
        validation: Sequence[Row] | None,
    ) -> GradientRows:
        """Choose the settings that need no search, encode the rows, and plan the search."""
        from tunesmith_local.methods.auto_settings import settled
        from tunesmith_local.methods.search_plan import plan_search

        complete, choices = settled(settings, len(labels))
        rows = super().prepare(base, complete, labels, seed, train, validation)
        search = (
            plan_search(base, complete, labels, train, rows.train, seed)
            if complete.learning_rate == AUTO
            else None
        )
        return replace(rows, choices=choices, search=search)

    def train(self, base: BaseLM, prepared: GradientRows, run: TrainingRun) -> Trained:
        """Search for the learning rate if it is ``auto``, then train."""
        if (plan := prepared.search) is not None:
            from tunesmith_local.methods.judging import judge_of

            settings: Any = prepared.settings
            judge = judge_of(base, plan, prepared, settings.prompt_position, run.texts)
            start = partial(self.start, base, settings, prepared.seed, run.texts)
            prepared = prepared.with_rate(run.search(plan, prepared, start, judge))
        return super().train(base, prepared, run)

    def check(self, base: BaseLM, settings: PromptTuning) -> None:
        """Refuse an init text without tokens, and a suffix for a model with an encoder."""
        from tunesmith_local.engine.soft_prompt import start_of
        from tunesmith_local.methods.suffix_prompt import check_suffix

        start_of(base, settings, 0)
        if settings.prompt_position == "suffix":
            check_suffix(base)

    def start(
        self, base: BaseLM, settings: PromptTuning, seed: int, texts: TextCache | None = None
    ) -> Tunable:
        """Return a soft prompt before its first step; see :meth:`GradientMethod.start`."""
        from tunesmith_local.engine.soft_prompt import start_of
        from tunesmith_local.methods.peft_models import soft_prompt_model
        from tunesmith_local.methods.suffix_prompt import SuffixTunable

        if settings.prompt_position == "suffix":
            return SuffixTunable(base, settings, seed, texts)
        start = start_of(base, settings, seed)
        return SoftPromptTunable(base, soft_prompt_model(base, start.weights), start)

    def load(self, base: BaseLM, files: AdapterFiles) -> TunedLM:
        """Load the soft prompt."""
        from tunesmith_local.methods.peft_files import load_soft_prompt
        from tunesmith_local.methods.suffix_prompt import load_suffix, suffix_config

        suffix = suffix_config(files)
        if suffix is not None:
            return load_suffix(base, files, suffix)
        return load_soft_prompt(base, files)

    def artifact(self, settings: PromptTuning) -> Artifact | None:
        """Return that PEFT cannot read a soft prompt behind the text."""
        return _SUFFIX if settings.prompt_position == "suffix" else None


METHOD = PromptTuningMethod()
