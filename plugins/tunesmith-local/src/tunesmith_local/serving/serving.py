"""Deployments and predictions."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from transformers import PreTrainedTokenizerBase

from tunesmith.backend import Deployer, Predictor, Target, TargetKey, target_key
from tunesmith.errors import ExperimentError, UnsupportedError
from tunesmith.records import (
    Classification,
    Deployment,
    Generation,
    LabelTokens,
    Message,
    TunedModel,
)
from tunesmith.spec import GenerationParams
from tunesmith_local.catalog import BACKEND, Catalog
from tunesmith_local.engine.answers import Answers
from tunesmith_local.engine.encoding import EncodedPrompt, encode_prompt
from tunesmith_local.engine.generation import RETURN_OPTIONS, generate_mixed, stream
from tunesmith_local.engine.prefix import Prefix, read_state
from tunesmith_local.engine.state_cache import StateCache
from tunesmith_local.engine.text_states import Suffix, TextCache, TextReader
from tunesmith_local.methods import probe_answers
from tunesmith_local.model.chat_templates import rendered
from tunesmith_local.model.loading import BaseLM
from tunesmith_local.serving.adapter import load_tuned
from tunesmith_local.serving.answering import Answering
from tunesmith_local.serving.decisions import classifications, log_probs
from tunesmith_local.serving.tuned import TunedLM
from tunesmith_local.store import Store


class Answerers:
    """Finds what answers for a target, and keeps loaded soft prompts and their states."""

    def __init__(
        self, catalog: Catalog, store: Store, caches: StateCache[str], texts: TextCache
    ) -> None:
        """Use the models of ``catalog`` and the adapters of ``store``."""
        self._catalog = catalog
        self._store = store
        self._caches = caches
        self._texts = texts
        self._tuned: dict[str, TunedLM] = {}
        self._answers: dict[str, Answers] = {}
        self._lock = threading.Lock()

    def of(self, target: Target) -> Answering:
        """Return what answers for a deployment or a base model.

        Raises:
            NotFoundError: no such deployment, tuned model or base model.
            AdapterError: the adapter is damaged or belongs to another base model.
        """
        if isinstance(target, str):
            return Answering(self._catalog.load(target), None)
        return self.of_model(self._store.deployment(target.id).model)

    def tokenizer_of(self, target: Target) -> PreTrainedTokenizerBase:
        """Return the tokenizer of a target; see :meth:`of`. A base model is read, not checked."""
        base = self._catalog.read(target) if isinstance(target, str) else self.of(target).base
        return base.tokenizer

    def unchecked(self, base_model: str) -> Answering:
        """Return what answers for a base model, slowly: no short cut is looked for.

        Raises:
            NotFoundError: no such base model.
        """
        return Answering(self._catalog.read(base_model), None)

    def of_model(self, model: TunedModel) -> Answering:
        """Return what answers for a tuned model; see :meth:`of`."""
        base = self._catalog.load(model.base_model)
        with self._lock:
            if model.id not in self._tuned:
                self._store.model(model.id)
                folder = self._store.model_folder(model.id)
                self._tuned[model.id] = load_tuned(base, folder)
            tuned = self._tuned[model.id]
        card = tuned.card
        soft_prompt = self._soft_prompt(model.id, tuned)
        limit, spoken = card.max_input_tokens, self._spoken(model, tuned)
        return Answering(tuned.base, soft_prompt, card.template, limit, tuned.probe, spoken)

    def _spoken(self, model: TunedModel, tuned: TunedLM) -> Answers | None:
        if tuned.probe is not None:
            return None
        if model.id not in self._answers:
            texts = [model.labels.surface(name) for name in model.labels]
            found = Answers(tuned.base, texts, ended=True, rule=tuned.card.answers)
            self._answers[model.id] = found
        return self._answers[model.id]

    def _soft_prompt(self, key: str, tuned: TunedLM) -> Prefix | Suffix | None:
        if tuned.prompt is None:
            return None if tuned.state is None else Prefix(None, tuned.state)
        base, weights = tuned.base, tuned.prompt.to(tuned.base.device)
        if tuned.prompt_position == "suffix":
            return Suffix(weights, TextReader(base, self._texts, alone=False))
        if not base.state_exact:
            return Prefix(weights)
        state = self._caches.get(key, lambda: read_state(base, weights, tuned.opening))
        return Prefix(weights, state, tuned.opening)

    def cache_details(self, model: TunedModel) -> dict[str, Any]:
        """Return what a deployment of ``model`` should say about the memory of its prompt."""
        answering = self.of_model(model)
        prompt = answering.soft_prompt
        if prompt is None:
            return {}
        if isinstance(prompt, Suffix):
            kept = "kept by text, within text_cache_mb" if answering.base.text_exact else "none"
            return {"text_cache": kept}
        state = prompt.state
        if state is None:
            return {"prompt_cache": "none: the model reads the prompt with every text"}
        trained = prompt.weights is None  # nothing could read it again
        fits = trained or state.nbytes <= self._caches.limit
        reason = "kept" if fits else "read for each call: larger than prompt_cache_mb"
        return {"prompt_cache": reason, "prompt_cache_bytes": state.nbytes}

    def forget(self, model: TunedModel) -> None:
        """Let a tuned model go; asked again, it is read again."""
        with self._lock:
            self._tuned.pop(model.id, None)
            self._answers.pop(model.id, None)
        self._caches.forget(model.id)


class LocalDeployer(Deployer):
    """A deployment is a record in the store; the soft prompt is checked when it is made."""

    def __init__(self, answerers: Answerers, store: Store) -> None:
        """Write into ``store``."""
        self._answerers = answerers
        self._store = store

    def deploy(self, model: TunedModel, name: str) -> Deployment:
        """Deploy ``model``; the same model under the same name again is the same deployment."""
        for known in self._store.deployments():
            if known.model.id == model.id and known.name == name:
                return known
        self._store.model(model.id)
        details = self._answerers.cache_details(model)
        deployment = Deployment(
            id=str(uuid.uuid4()),
            name=name,
            backend=BACKEND,
            base_model=model.base_model,
            model=model,
            details=details,
        )
        self._store.put_deployment(deployment)
        return deployment

    def get(self, deployment_id: str) -> Deployment:
        """Return a deployment by id."""
        return self._store.deployment(deployment_id)

    def list(self) -> list[Deployment]:
        """Return the deployments, oldest first."""
        return self._store.deployments()

    def undeploy(self, deployment: Deployment) -> None:
        """Remove a deployment; the tuned model stays, its cached prompt goes with the last."""
        self._store.remove_deployment(deployment.id)
        if all(left.model.id != deployment.model.id for left in self._store.deployments()):
            self._answerers.forget(deployment.model)


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
        answering = self._answering(targets)
        rows: dict[BaseLM, dict[int, tuple[Prefix | Suffix | None, EncodedPrompt]]] = {}
        probed: dict[Answering, dict[int, EncodedPrompt]] = {}
        for index, (target, text) in enumerate(zip(targets, inputs, strict=True)):
            who = answering[target_key(target)]
            encoded = who.encode(text, limit)
            if who.probe is None:
                rows.setdefault(who.base, {})[index] = (who.soft_prompt, encoded)
            else:
                probed.setdefault(who, {})[index] = encoded
        found: dict[int, Generation] = {}
        for who, own in probed.items():
            found |= zip(own, self._probe(who, list(own.values()), params), strict=True)
        for base, part in rows.items():
            texts = generate_mixed(base, list(part.values()), params, batch_size=self._batch_size)
            found |= zip(part, texts, strict=True)
        return [found[index] for index in range(len(inputs))]

    def _probe(
        self, who: Answering, encoded: Sequence[EncodedPrompt], params: GenerationParams | None
    ) -> list[Generation]:
        assert who.probe is not None  # noqa: S101  # the callers look
        return probe_answers.answer(who.base, who.probe, encoded, params, self._batch_size)

    def _answering(self, targets: Sequence[Target]) -> dict[TargetKey, Answering]:
        distinct = {target_key(target): target for target in targets}
        return {key: self._answerers.of(target) for key, target in distinct.items()}

    def stream(
        self, target: Target, text: str, params: GenerationParams | None = None
    ) -> Iterator[Generation]:
        """Generate piece by piece; joined, the pieces are the text of :meth:`generate`."""
        _check_return_options(params)
        answering = self._answerers.of(target)
        limit = None if params is None else params.truncate_input_tokens
        encoded = answering.encode(text, limit)
        if answering.probe is not None:
            return iter(self._probe(answering, [encoded], params))
        return stream(answering.base, answering.soft_prompt, encoded, params)

    def tokenize(self, target: Target, inputs: Sequence[str]) -> list[tuple[str, ...]]:
        """Return the tokens of each input as it stands, without a template."""
        tokenizer = self._answerers.tokenizer_of(target)
        encoded = [list(encode_prompt(tokenizer, text).token_ids) for text in inputs]
        return [tuple(tokenizer.convert_ids_to_tokens(ids)) for ids in encoded]

    def classify(
        self, target: Target, inputs: Sequence[str], labels: Iterable[str]
    ) -> list[Classification]:
        """Return the probability of each label for each input.

        A label's score is the probability of its tokens as they continue the prompt, normalized
        over ``labels``. For a deployment, a label is spelled as it was tuned, and ends. A linear
        probe gives its own probabilities.
        """
        names = list(labels)
        who = self._answerers.of(target)
        if who.probe is not None and isinstance(target, Deployment):
            prompts = [who.encode(text) for text in inputs]
            known = target.model.labels.names
            return probe_answers.classify(
                who.base, who.probe, prompts, names, known, self._batch_size
            )
        texts = [_surface(target, name) for name in names]
        return classifications(names, log_probs(who, inputs, texts, self._batch_size))

    def prompts(self, deployment: Deployment, inputs: Sequence[str]) -> list[str]:
        """Return what a deployment reads for each input, after template and cut."""
        who = self._answerers.of(deployment)
        return [who.prompt(text).text for text in inputs]

    def chat_text(self, base_model: str, messages: Sequence[Message]) -> str | None:
        """Return a conversation in the model's chat template; None if it has none."""
        return rendered(self._answerers.unchecked(base_model).base, messages)

    def check_labels(
        self,
        base_model: str,
        prompts: Sequence[str],
        labels: Sequence[str],
        params: GenerationParams,
    ) -> None:
        """Refuse labels that the model could not write behind ``prompts``."""
        who = self._answerers.unchecked(base_model)
        longest, label = who.answers(labels).check(who.prompt(text) for text in prompts)
        room = params.max_new_tokens
        if room is not None and room < longest:
            raise ExperimentError(
                f"generation.max_new_tokens is {room}, but label {label!r} is {longest} tokens "
                f"for {base_model!r}; raise it"
            )

    def label_tokens(
        self, base_model: str, prompts: Sequence[str], labels: Sequence[str]
    ) -> dict[str, LabelTokens]:
        """Return how the untuned model would write each label behind ``prompts``."""
        who = self._answerers.unchecked(base_model)
        masses = log_probs(who, prompts, labels, self._batch_size).exp().mean(0).tolist()
        spelled = who.answers(labels).behind(who.prompt(prompts[0])).answers
        spell = who.base.tokenizer.convert_ids_to_tokens
        return {
            label: LabelTokens(tokens=tuple(spell(list(tokens))), mass=mass)
            for label, tokens, mass in zip(labels, spelled, masses, strict=True)
        }


def _surface(target: Target, label: str) -> str:
    if isinstance(target, Deployment) and label in target.model.labels:
        return target.model.labels.surface(label)
    return label


def _check_return_options(params: GenerationParams | None) -> None:
    asked = {k for k, v in ((params and params.return_options) or {}).items() if v}
    if not asked <= RETURN_OPTIONS:
        raise UnsupportedError(
            f"return_options {', '.join(sorted(asked - RETURN_OPTIONS))}: backend {BACKEND!r} "
            f"honors {', '.join(sorted(RETURN_OPTIONS))}"
        )
