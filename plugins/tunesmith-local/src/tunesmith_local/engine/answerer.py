"""Answerers: each answers for a deployment or for a base model.

The predictor uses only this interface. A method whose tuned model is no language model has its
own answerer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch

from tunesmith.labels import LabelSet
from tunesmith.methods import PLACEHOLDER
from tunesmith.records import Classification, Generation
from tunesmith.spec import GenerationParams
from tunesmith_local.engine.answers import Answers
from tunesmith_local.engine.decoder import start_mixed_decoder
from tunesmith_local.engine.encoding import EncodedPrompt, encode_prompt
from tunesmith_local.engine.generation import generate_mixed, stream
from tunesmith_local.engine.label_scores import label_log_probs
from tunesmith_local.engine.mixing import Line, check_lengths, line_of, mixed_batches
from tunesmith_local.engine.prefix import Prefix
from tunesmith_local.engine.text_states import Suffix
from tunesmith_local.model.loading import BaseLM


@dataclass(frozen=True, eq=False, kw_only=True)
class Answerer(ABC):
    """Answers inputs: puts each into the template, then generates or classifies."""

    base: BaseLM
    """The model that reads the inputs, changed or not."""
    template: str = PLACEHOLDER
    max_input_tokens: int | None = None

    def prompt(self, text: str, limit: int | None = None) -> EncodedPrompt:
        """Return one input after template and cut; ``limit`` can only lower the model's own."""
        limits = [n for n in (limit, self.max_input_tokens) if n]
        return encode_prompt(
            self.base.tokenizer,
            text,
            template=self.template,
            max_tokens=min(limits, default=None),
        )

    def encode(self, text: str, limit: int | None = None) -> EncodedPrompt:
        """Return one input as the model reads it before it answers; see :meth:`prompt`."""
        return self.prompt(text, limit)

    @property
    def batch_key(self) -> Hashable:
        """Rows whose answerers have equal keys are generated in one call of :meth:`generate`."""
        return self

    @abstractmethod
    def generate(
        self,
        rows: Sequence[tuple[Self, EncodedPrompt]],
        params: GenerationParams | None,
        batch_size: int,
    ) -> list[Generation]:
        """Generate once for each row.

        Args:
            rows: encoded inputs, each with its answerer; all have the :attr:`batch_key` of this.
            params: how to generate.
            batch_size: rows that are read at once, at most.

        Raises:
            PredictionError: a row is empty, or does not fit into the model's positions.
            UnsupportedError: a parameter that this answerer does not honor.
        """

    def stream(
        self, encoded: EncodedPrompt, params: GenerationParams | None
    ) -> Iterator[Generation]:
        """Generate for one input, piece by piece; here in one piece."""
        return iter(self.generate([(self, encoded)], params, 1))

    @abstractmethod
    def classify(
        self, rows: Sequence[tuple[Self, str]], labels: Sequence[str], batch_size: int
    ) -> list[Classification]:
        """Return the probabilities of ``labels`` for each row, in the order of ``labels``.

        Args:
            rows: inputs without the template, each with its answerer; all have the
                :attr:`batch_key` of this.
            labels: names or texts.
            batch_size: rows that are read at once, at most.

        Raises:
            PredictionError: a row is empty, or does not fit into the model's positions.
            ExperimentError: a label that cannot be scored.
        """


@dataclass(frozen=True, slots=True)
class _Asked:
    """An input and its possible answers, as the model reads them."""

    line: Line
    answers: tuple[tuple[int, ...], ...]
    token_count: int
    """Tokens of the input in its template, virtual tokens not counted."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LanguageModelAnswerer(Answerer):
    """A language model, changed or not, with a soft prompt before or behind its inputs, or none."""

    soft_prompt: Prefix | Suffix | None = None
    labels: LabelSet | None = None
    """The labels that the model was tuned for; None for a base model."""
    tuned_answers: Answers | None = None
    """The answers that the model was tuned to write; None for a base model."""

    @property
    def batch_key(self) -> Hashable:
        """The base model: deployments that share one share its forward passes."""
        return self.base

    def encode(self, text: str, limit: int | None = None) -> EncodedPrompt:
        """Return one input without the white space that a tuned answer begins with."""
        prompt = self.prompt(text, limit)
        if self.tuned_answers is None:
            return prompt
        return replace(prompt, token_ids=self.tuned_answers.behind(prompt).prompt)

    def answers(self, texts: Sequence[str]) -> Answers:
        """Return ``texts`` as answers; those of a tuned model are tokenized as in its tuning."""
        if self.tuned_answers is None:
            return Answers(self.base, texts, ended=False)
        return self.tuned_answers.extended(texts)

    def generate(
        self,
        rows: Sequence[tuple[Self, EncodedPrompt]],
        params: GenerationParams | None,
        batch_size: int,
    ) -> list[Generation]:
        """Generate once for each row; see :meth:`Answerer.generate`."""
        inputs = [(answerer.soft_prompt, encoded) for answerer, encoded in rows]
        return generate_mixed(self.base, inputs, params, batch_size=batch_size)

    def stream(
        self, encoded: EncodedPrompt, params: GenerationParams | None
    ) -> Iterator[Generation]:
        """Generate for one input, token by token."""
        return stream(self.base, self.soft_prompt, encoded, params)

    def classify(
        self, rows: Sequence[tuple[Self, str]], labels: Sequence[str], batch_size: int
    ) -> list[Classification]:
        """Return label probabilities from the log-probabilities of the labels' tokens.

        A label that the model was tuned for is spelled as in its tuning, and ends.
        """
        places: dict[Self, list[int]] = {}
        for place, (answerer, _) in enumerate(rows):
            places.setdefault(answerer, []).append(place)
        found: dict[int, _Asked] = {}
        for answerer, own in places.items():
            texts = [answerer._surface(label) for label in labels]
            found |= zip(own, answerer._asked([rows[i][1] for i in own], texts), strict=True)
        asked = [found[place] for place in range(len(rows))]
        scores = self._scored(asked, len(labels), batch_size)
        shares, masses = scores.softmax(-1).tolist(), scores.exp().sum(-1).tolist()
        return [
            Classification(
                probabilities=dict(zip(labels, share, strict=True)),
                mass=mass,
                input_token_count=row.token_count,
            )
            for row, share, mass in zip(asked, shares, masses, strict=True)
        ]

    def log_probs(
        self, inputs: Sequence[str], texts: Sequence[str], batch_size: int
    ) -> torch.Tensor:
        """Return the natural log-probability of each answer behind each input.

        Each input is read once for all answers.

        Args:
            inputs: without the template.
            texts: of the answers.
            batch_size: rows that are read at once, at most.

        Returns:
            float64 ``[inputs, texts]``, on the CPU.
        """
        return self._scored(list(self._asked(inputs, texts)), len(texts), batch_size)

    def _asked(self, inputs: Sequence[str], texts: Sequence[str]) -> Iterator[_Asked]:
        answers = self.answers(texts)
        places = [answers.texts.index(text) for text in texts]
        for text in inputs:
            prompt = self.prompt(text)
            continued = answers.behind(prompt)
            line = line_of(self.soft_prompt, continued.prompt)
            own = tuple(continued.answers[place] for place in places)
            yield _Asked(line, own, len(prompt.token_ids))

    @torch.no_grad()
    def _scored(self, asked: Sequence[_Asked], count: int, batch_size: int) -> torch.Tensor:
        scores = torch.zeros(len(asked), count, dtype=torch.float64)
        # Inputs that end alike are continued by the same tokens.
        groups: dict[tuple[tuple[int, ...], ...], dict[int, Line]] = {}
        for index, row in enumerate(asked):
            groups.setdefault(row.answers, {})[index] = row.line
        for own, lines in groups.items():
            scores[list(lines)] = self._scores(list(lines.values()), own, batch_size).double()
        return scores

    def _scores(
        self, lines: Sequence[Line], answers: Sequence[tuple[int, ...]], batch_size: int
    ) -> torch.Tensor:
        check_lengths(self.base, lines, max(map(len, answers), default=0) - 1)
        scores = torch.zeros(len(lines), len(answers))
        for batch, part in mixed_batches(self.base, lines, batch_size):
            decoder = start_mixed_decoder(self.base, part)
            scores[batch] = label_log_probs(decoder, len(batch), answers)
        return scores

    def _surface(self, label: str) -> str:
        if self.labels is None or label not in self.labels:
            return label
        return self.labels.surface(label)
