"""Predictions: generation and label probabilities, for deployments and base models."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

from tunesmith.backend import Predictor, Target
from tunesmith.errors import UnsupportedError
from tunesmith.records import (
    Classification,
    Deployment,
    Embedding,
    Generation,
    LabelTokens,
    Message,
    Reading,
    Tool,
)
from tunesmith.spec import GenerationParams, TuningSpec
from tunesmith.targets import TargetKey, target_key
from tunesmith_local.catalog import BACKEND
from tunesmith_local.engine.answerer import Answerer
from tunesmith_local.engine.embedding import embeddings
from tunesmith_local.engine.encoding import EncodedPrompt, encode_prompt
from tunesmith_local.engine.generation import RETURN_OPTIONS
from tunesmith_local.model.chat_templates import rendered
from tunesmith_local.serving.answerable import check_answers
from tunesmith_local.serving.answerers import Answerers


class LocalPredictor(Predictor):
    """Generates and scores."""

    def __init__(self, answerers: Answerers, batch_size: int) -> None:
        """Read at most ``batch_size`` rows at once."""
        self._answerers = answerers
        self._batch_size = batch_size

    def generate(
        self, target: Target, inputs: Sequence[str], params: GenerationParams | None = None
    ) -> list[Generation]:
        """Generate once for each input; see :meth:`tunesmith.backend.Predictor.generate`."""
        return self.generate_each([target] * len(inputs), inputs, params)

    def generate_each(
        self,
        targets: Sequence[Target],
        inputs: Sequence[str],
        params: GenerationParams | None = None,
    ) -> list[Generation]:
        """Generate for rows of several targets; those of one base model are read together."""
        _check_return_options(params)
        limit = None if params is None else params.truncate_input_tokens
        answerers = self._answerers_of(targets)
        groups: dict[Hashable, dict[int, tuple[Answerer, EncodedPrompt]]] = {}
        for index, (target, text) in enumerate(zip(targets, inputs, strict=True)):
            answerer = answerers[target_key(target)]
            row = (answerer, answerer.encode(text, limit))
            groups.setdefault(answerer.batch_key, {})[index] = row
        found: dict[int, Generation] = {}
        for rows in groups.values():
            (first, _), *_ = rows.values()
            texts = first.generate(list(rows.values()), params, self._batch_size)
            found |= zip(rows, texts, strict=True)
        return [found[index] for index in range(len(inputs))]

    def _answerers_of(self, targets: Sequence[Target]) -> dict[TargetKey, Answerer]:
        distinct = {target_key(target): target for target in targets}
        return {key: self._answerers.of(target) for key, target in distinct.items()}

    def stream(
        self, target: Target, text: str, params: GenerationParams | None = None
    ) -> Iterator[Generation]:
        """Generate piece by piece; joined, the pieces are the text of :meth:`generate`."""
        _check_return_options(params)
        answerer = self._answerers.of(target)
        limit = None if params is None else params.truncate_input_tokens
        return answerer.stream(answerer.encode(text, limit), params)

    def tokenize(self, target: Target, inputs: Sequence[str]) -> list[tuple[str, ...]]:
        """Return the tokens of each input as it is, without a template."""
        tokenizer = self._answerers.tokenizer_of(target)
        encoded = [list(encode_prompt(tokenizer, text).token_ids) for text in inputs]
        return [tuple(tokenizer.convert_ids_to_tokens(ids)) for ids in encoded]

    def embed(
        self, base_model: str, texts: Sequence[str], max_tokens: int | None = None
    ) -> list[Embedding]:
        """Return the mean of the last hidden states over the tokens of each text, of length 1."""
        base = self._answerers.of(base_model).base
        return embeddings(base, texts, max_tokens, self._batch_size)

    def classify(
        self, target: Target, inputs: Sequence[str], labels: Iterable[str]
    ) -> list[Classification]:
        """Return the probability of each label for each input.

        A label's score is the probability of its tokens as they continue the prompt, normalized
        over ``labels``. For a deployment, a label is spelled as it was tuned, and ends. A linear
        probe gives its own probabilities.
        """
        return self.classify_each([target] * len(inputs), inputs, list(labels))

    def classify_each(
        self, targets: Sequence[Target], inputs: Sequence[str], labels: Sequence[str]
    ) -> list[Classification]:
        """Classify rows of several targets; those of one base model are read together."""
        answerers = self._answerers_of(targets)
        groups: dict[Hashable, dict[int, tuple[Answerer, str]]] = {}
        for index, (target, text) in enumerate(zip(targets, inputs, strict=True)):
            answerer = answerers[target_key(target)]
            groups.setdefault(answerer.batch_key, {})[index] = (answerer, text)
        found: dict[int, Classification] = {}
        for rows in groups.values():
            (first, _), *_ = rows.values()
            shares = first.classify(list(rows.values()), labels, self._batch_size)
            found |= zip(rows, shares, strict=True)
        return [found[index] for index in range(len(inputs))]

    def prompts(self, deployment: Deployment, inputs: Sequence[str]) -> list[str]:
        """Return the text that a deployment reads for each input, after template and cut."""
        answerer = self._answerers.of(deployment)
        return [answerer.prompt(text).text for text in inputs]

    def chat_text(
        self,
        base_model: str,
        messages: Sequence[Message],
        tools: Sequence[Tool] = (),
        **variables: Any,
    ) -> str | None:
        """Return a conversation in the model's chat template; None if it has none."""
        base = self._answerers.unchecked(base_model).base
        return rendered(base, messages, tools, **variables)

    def check_answers(self, spec: TuningSpec, prompts: Sequence[str], answer: Reading) -> None:
        """Refuse labels that the model could not answer ``prompts`` with, token by token."""
        check_answers(self._answerers.unchecked(spec.base_model).base, spec, prompts, answer)

    def label_tokens(
        self, base_model: str, prompts: Sequence[str], labels: Sequence[str]
    ) -> dict[str, LabelTokens]:
        """Return how the untuned model would write each label behind ``prompts``."""
        model = self._answerers.unchecked(base_model)
        masses = model.log_probs(prompts, labels, self._batch_size).exp().mean(0).tolist()
        spelled = model.answers(labels).behind(model.prompt(prompts[0])).answers
        spell = model.base.tokenizer.convert_ids_to_tokens
        return {
            label: LabelTokens(tokens=tuple(spell(list(tokens))), mass=mass)
            for label, tokens, mass in zip(labels, spelled, masses, strict=True)
        }


def _check_return_options(params: GenerationParams | None) -> None:
    asked = {k for k, v in ((params and params.return_options) or {}).items() if v}
    if not asked <= RETURN_OPTIONS:
        raise UnsupportedError(
            f"return_options {', '.join(sorted(asked - RETURN_OPTIONS))}: backend {BACKEND!r} "
            f"honors {', '.join(sorted(RETURN_OPTIONS))}"
        )
