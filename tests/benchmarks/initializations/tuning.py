"""One tuning of the screening, and what it is right on."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from tunesmith.methods import PromptTuning
from tunesmith.records import Row
from tunesmith_local.engine.soft_prompt import InitialPrompt
from tunesmith_local.engine.state_cache import StateCache
from tunesmith_local.methods.peft_models import soft_prompt_model, virtual_tokens
from tunesmith_local.methods.prepared import GradientRows
from tunesmith_local.methods.prompt_tuning import METHOD, SoftPromptTunable
from tunesmith_local.methods.tuned import AdapterCard, Served, TunedLM
from tunesmith_local.model.loading import BaseLM
from tunesmith_local.training.training import Training

from .rows import Task
from .settings import Settings
from .starts import Start

_BATCH_OF_JUDGE = 64
_CACHE_BYTES = 2**28


@dataclass(frozen=True, slots=True)
class Judged:
    """What a prompt is right on, among the validation rows."""

    right: tuple[bool, ...]
    loss: float
    """Mean negative log-probability of the right label among the labels, in nats."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """A finished tuning."""

    before: Judged
    """The start itself, before the first step."""
    after: Judged
    moved: float
    """Length of the change of the prompt, in lengths of the start."""
    seconds: float


def tune(base: BaseLM, task: Task, init: str, seed: int, settings: Settings) -> Tuned:
    """Tune a soft prompt that starts from ``init``."""
    began = time.monotonic()
    train, template = task.train(seed), task.data.template
    method = _method(settings, template)
    rows = METHOD.prepare(base, method, task.labels, seed, train, None)
    start = Start(base, task.labels, template, train, settings.tokens, seed).weights(init)
    model = soft_prompt_model(base, start)
    before = _judge(base, task, rows, start)
    # No epoch is chosen by a validation loss: the validation rows judge.
    tunable = SoftPromptTunable(base, model, InitialPrompt(start, init))
    Training(tunable, rows.train, method, seed).run()
    end = virtual_tokens(model).detach().float().cpu()
    after = _judge(base, task, rows, end)
    moved = float((end - start).norm() / start.norm())
    return Tuned(before, after, moved, time.monotonic() - began)


def _method(settings: Settings, template: str) -> PromptTuning:
    return PromptTuning(
        num_virtual_tokens=settings.tokens,
        verbalizer=template,
        num_epochs=settings.epochs,
        batch_size=settings.batch,
        accumulate_steps=1,
        learning_rate=settings.rate,
    )


def _judge(base: BaseLM, task: Task, read: GradientRows, prompt: torch.Tensor) -> Judged:
    card = AdapterCard(
        base.name, base.fingerprint, read.template, read.max_input_tokens, answers=read.rule
    )
    served = Served("one", task.labels, StateCache(_CACHE_BYTES), StateCache(_CACHE_BYTES))
    answerer = TunedLM(base, card, prompt=prompt).answerer(served)
    texts = [row.input for row in task.validation]
    rows = [(answerer, text) for text in texts]
    found = answerer.classify(rows, list(task.labels), _BATCH_OF_JUDGE)
    return _judged([one.probabilities for one in found], task.validation)


def _judged(shares: Sequence[dict[str, float]], rows: Sequence[Row]) -> Judged:
    right = tuple(
        max(share, key=share.__getitem__) == row.output
        for share, row in zip(shares, rows, strict=True)
    )
    losses = [
        -math.log(max(share[str(row.output)], 1e-30))
        for share, row in zip(shares, rows, strict=True)
    ]
    return Judged(right, sum(losses) / len(losses))
