"""The model of the fake backend: a bag of words with a softmax, in plain Python.

It learns, so losses fall, and validation and seeds have an effect. Its "soft prompt" is a constant
term for each label: the mean of one number for each virtual token.
"""

from __future__ import annotations

import copy
import math
import random
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import cast

from tunesmith.labels import LabelSet
from tunesmith.methods import PromptTuning, render
from tunesmith.records import ChosenSetting, EpochLoss, LearningCurve, Row, StepLoss
from tunesmith.spec import TuningSpec

SPREAD = 0.02
"""Largest start value of a virtual token."""
TINY = 1e-300
"""Used in place of a probability that underflowed to zero, which has no logarithm."""

Pairs = Sequence[tuple[str, str]]
"""A prompt and its label for each row."""


def fit_into(template: str, text: str, limit: int) -> tuple[str, bool]:
    """Return the prompt, with the input cut on the left to ``limit`` tokens, and whether it was."""
    room = max(0, limit - len(render(template, "").split()))
    tokens = text.split()
    if len(tokens) <= room:
        return render(template, text), False
    return render(template, " ".join(tokens[len(tokens) - room :])), True


@dataclass
class WordVotes:
    """Votes of each word, and of the soft prompt, for each label."""

    labels: LabelSet
    prompt: dict[str, float]
    votes: dict[str, dict[str, float]] = field(default_factory=dict)

    def probabilities(self, text: str) -> dict[str, float]:
        """Return the probability of each label. The sum is one."""
        known = [self.votes[word] for word in words(text) if word in self.votes]
        return softmax({x: self.prompt[x] + sum(votes[x] for votes in known) for x in self.labels})

    def loss(self, rows: Pairs) -> float:
        """Return the mean loss (nats)."""
        probabilities = [self.probabilities(text)[label] for text, label in rows]
        return sum(-math.log(max(p, TINY)) for p in probabilities) / len(rows)

    def step(self, rows: Pairs, learning_rate: float, virtual_tokens: int) -> float:
        """Take one step of gradient descent and return the loss before it."""
        before = self.loss(rows)
        rate = learning_rate / len(rows)
        for text, expected, scores in [(*row, self.probabilities(row[0])) for row in rows]:
            for label, score in scores.items():
                error = score - (label == expected)
                self.prompt[label] -= rate * error / virtual_tokens
                for word in words(text):
                    self.votes.setdefault(word, dict.fromkeys(self.labels, 0.0))
                    self.votes[word][label] -= rate * error
        return before


class Training:
    """A training that can be stopped after any epoch and continued."""

    def __init__(
        self,
        spec: TuningSpec,
        train: Sequence[Row],
        validation: Sequence[Row] | None,
        choices: tuple[ChosenSetting, ...],
    ) -> None:
        self.spec = spec
        self.choices = choices
        self._method = cast("PromptTuning", spec.method)
        self._train, self.truncated_rows = self._prepare(train)
        self._validation, _ = self._prepare(validation or ())
        self._steps: list[StepLoss] = []
        self._epochs: list[EpochLoss] = []
        self._best: int | None = None
        self._least = math.inf
        self._model = WordVotes(spec.labels, self._initial_prompt())
        self.model = self._model
        """The best model so far by validation loss, or the last one without validation."""

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or early stopping has ended the training."""
        done = len(self._epochs)
        patience = self._method.early_stopping_patience
        waited = done - (self._best or done)
        return done == self._method.num_epochs or (patience is not None and waited >= patience)

    def curve(self) -> LearningCurve:
        """Return the losses so far."""
        return LearningCurve(
            steps=tuple(self._steps), epochs=tuple(self._epochs), best_epoch=self._best
        )

    def run_epoch(self) -> Iterator[StepLoss]:
        """Train one epoch and yield each optimizer step."""
        epoch = len(self._epochs) + 1
        rows = list(self._train)
        random.Random(f"{self.spec.seed}:{epoch}").shuffle(rows)
        size = self._method.batch_size * self._method.accumulate_steps
        losses = []
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            losses.append(self._model.step(part, self._rate(), self._method.virtual_tokens))
            self._steps.append(StepLoss(step=len(self._steps) + 1, epoch=epoch, loss=losses[-1]))
            yield self._steps[-1]
        held_out = self._model.loss(self._validation) if self._validation else None
        if held_out is not None and held_out < self._least:
            self._least, self._best, self.model = held_out, epoch, copy.deepcopy(self._model)
        loss = sum(losses) / len(losses)
        self._epochs.append(EpochLoss(epoch=epoch, loss=loss, validation_loss=held_out))

    def _rate(self) -> float:
        if self._method.lr_schedule == "constant":
            return self._method.peak_rate
        total = self._method.optimizer_steps(len(self._train))
        return self._method.peak_rate * (1 - len(self._steps) / total)

    def _prepare(self, rows: Sequence[Row]) -> tuple[list[tuple[str, str]], int]:
        limit = self._method.max_input_tokens
        cut = [(fit_into(self._method.verbalizer, row.input, limit), row.output) for row in rows]
        return [(text, str(output)) for (text, _), output in cut], sum(c for (_, c), _ in cut)

    def _initial_prompt(self) -> dict[str, float]:
        tokens = self._initial_tokens()
        return {
            label: sum(
                SPREAD * (zlib.crc32(f"{token}:{label}".encode()) / 2**31 - 1) for token in tokens
            )
            / len(tokens)
            for label in self.spec.labels
        }

    def _initial_tokens(self) -> list[str]:
        count, rng = self._method.virtual_tokens, random.Random(self.spec.seed)
        if self._method.init_method == "random":
            return [str(rng.random()) for _ in range(count)]
        if self._method.init_method == "sample_vocab":
            vocabulary = sorted({word for text, _ in self._train for word in words(text)})
            return rng.choices(vocabulary or [""], k=count)
        return list(islice(cycle(str(self._method.init_text).split()), count))


def words(text: str) -> list[str]:
    """Return the words of ``text`` in lower case."""
    return re.findall(r"\w+", text.lower())


def softmax(scores: Mapping[str, float]) -> dict[str, float]:
    """Return probabilities in proportion to the exponential of the scores."""
    top = max(scores.values())
    powers = {label: math.exp(score - top) for label, score in scores.items()}
    total = sum(powers.values())
    return {label: power / total for label, power in powers.items()}
