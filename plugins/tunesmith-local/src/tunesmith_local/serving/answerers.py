"""From a target to its answerer; loaded models and their caches are kept."""

from __future__ import annotations

import threading
from typing import Any

from transformers import PreTrainedTokenizerBase

from tunesmith.backend import Target
from tunesmith.records import TunedModel
from tunesmith_local.catalog import Catalog
from tunesmith_local.engine.answerer import Answerer, LanguageModelAnswerer
from tunesmith_local.engine.state_cache import StateCache
from tunesmith_local.engine.text_states import TextCache
from tunesmith_local.methods.adapter import load_tuned
from tunesmith_local.methods.tuned import Served, Tuned
from tunesmith_local.store import Store


class Answerers:
    """Finds the answerer of a target, and keeps loaded tuned models."""

    def __init__(
        self, catalog: Catalog, store: Store, states: StateCache[str], texts: TextCache
    ) -> None:
        """Use the models of ``catalog`` and the tuned models of ``store``.

        Args:
            catalog: the base models.
            store: the tuned models and deployments.
            states: keeps the KV caches or states of deployed soft prompts, by tuned model.
            texts: keeps those of texts before a soft prompt.
        """
        self._catalog = catalog
        self._store = store
        self._states = states
        self._texts = texts
        self._tuned: dict[str, Tuned] = {}
        self._lock = threading.Lock()

    def of(self, target: Target) -> Answerer:
        """Return the answerer of a deployment or a base model.

        Raises:
            NotFoundError: no such deployment, tuned model or base model.
            AdapterError: the adapter is damaged or belongs to another base model.
        """
        if isinstance(target, str):
            return LanguageModelAnswerer(base=self._catalog.load(target))
        model = self._store.deployment(target.id).model
        return self._load(model).answerer(self._served(model))

    def tokenizer_of(self, target: Target) -> PreTrainedTokenizerBase:
        """Return the tokenizer of a target; see :meth:`of`. A base model is read, not checked."""
        base = self._catalog.read(target) if isinstance(target, str) else self.of(target).base
        return base.tokenizer

    def unchecked(self, base_model: str) -> LanguageModelAnswerer:
        """Return a slow answerer of a base model: its short cuts are neither checked nor used.

        Raises:
            NotFoundError: no such base model.
        """
        return LanguageModelAnswerer(base=self._catalog.read(base_model))

    def details(self, model: TunedModel) -> dict[str, Any]:
        """Return facts for the record of a deployment of ``model``; this loads it."""
        return self._load(model).details(self._served(model))

    def forget(self, model: TunedModel) -> None:
        """Let a tuned model go; it is loaded again when it is used again."""
        with self._lock:
            self._tuned.pop(model.id, None)
        self._states.forget(model.id)

    def _load(self, model: TunedModel) -> Tuned:
        base = self._catalog.load(model.base_model)
        with self._lock:
            if model.id not in self._tuned:
                self._store.model(model.id)
                folder = self._store.model_folder(model.id)
                self._tuned[model.id] = load_tuned(base, folder)
            return self._tuned[model.id]

    def _served(self, model: TunedModel) -> Served:
        return Served(model.id, model.labels, self._states, self._texts)
