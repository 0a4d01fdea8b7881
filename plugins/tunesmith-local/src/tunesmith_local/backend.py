"""The local backend: tuning on this machine."""

from __future__ import annotations

from functools import cached_property
from importlib.metadata import version
from typing import Any, ClassVar

import torch

from tunesmith.backend import Backend, BackendOptions, Capabilities, Range
from tunesmith.methods import AUTO_SETTINGS
from tunesmith.records import BaseModelInfo
from tunesmith_local.catalog import BACKEND, Catalog
from tunesmith_local.engine.generation import GENERATION_PARAMETERS
from tunesmith_local.engine.state_cache import StateCache
from tunesmith_local.engine.text_states import TextCache
from tunesmith_local.methods.method import TuningMethod
from tunesmith_local.methods.ranges import ranges_of
from tunesmith_local.methods.registry import methods
from tunesmith_local.model.launched import follows
from tunesmith_local.options import LocalOptions
from tunesmith_local.serving.answerers import Answerers
from tunesmith_local.serving.deployer import LocalDeployer
from tunesmith_local.serving.predictor import LocalPredictor
from tunesmith_local.store import Store
from tunesmith_local.training.follower import follow
from tunesmith_local.training.tuner import LocalTuner

_LIBRARIES = ("torch", "transformers", "peft", "safetensors", "tokenizers", "scikit-learn")


class LocalBackend(Backend):
    """Tunes and serves through torch, transformers and PEFT."""

    name: ClassVar[str] = BACKEND
    options_model: ClassVar[type[BackendOptions]] = LocalOptions

    def __init__(self, options: BackendOptions | None = None) -> None:
        """Prepare the backend; nothing is loaded before it is used."""
        given = options if options is not None else LocalOptions()
        # Options of the base class alone (a store) are enough; the rest has defaults.
        local = given if isinstance(given, LocalOptions) else LocalOptions(store=given.store)
        super().__init__(local)
        self._catalog = Catalog(local)
        if follows():
            follow(self._catalog, local)
            raise SystemExit(0)  # rank 0 has ended
        store = Store(local.store)
        self.prompt_caches = StateCache[str](int(local.prompt_cache_mb * 2**20))
        """KV caches or states of the prompts in use; ``sizes()`` gives the bytes by tuned model."""
        self.text_cache: TextCache = StateCache(int(local.text_cache_mb * 2**20))
        """KV caches or states of texts before a soft prompt, by base model and token ids."""
        answerers = Answerers(self._catalog, store, self.prompt_caches, self.text_cache)
        self._tuner = LocalTuner(self._catalog, store, local, self, self.text_cache)
        self._deployer = LocalDeployer(answerers, store)
        self._predictor = LocalPredictor(answerers, local.predict_batch_size)

    @property
    def tuner(self) -> LocalTuner:
        """The tuner."""
        return self._tuner

    @property
    def deployer(self) -> LocalDeployer:
        """The deployer."""
        return self._deployer

    @property
    def predictor(self) -> LocalPredictor:
        """The predictor."""
        return self._predictor

    def base_models(self) -> list[BaseModelInfo]:
        """Return the base models that are on this machine; the hub has more."""
        return self._catalog.infos()

    def base_model(self, name: str) -> BaseModelInfo:
        """Return the embedded model, directory or hub model that serves as ``name``."""
        return self._catalog.info(name)

    def capabilities(self, base_model: str) -> Capabilities:
        """Return the capabilities with ``base_model``: those that differ are read of its files."""
        self.base_model(base_model)
        return Capabilities(
            methods=tuple(self._methods),
            hyperparameters=self._ranges,
            auto_settings=frozenset(AUTO_SETTINGS),
            generation_parameters=GENERATION_PARAMETERS,
            max_sequence_length=self._catalog.positions(base_model),
            base_inference=True,
            validation=True,
            label_scores=True,
            base_label_scores=True,
            chat=self._catalog.has_chat_template(base_model),
            learning_curve=True,
            seeded=True,
            batch_independent=True,
            mixed_targets=True,
            resumable=True,
            cancellable=True,
            streaming=True,
            tokenize=True,
            embedding_dimension=self._catalog.width(base_model),
            exports_adapter=True,
        )

    @cached_property
    def _methods(self) -> dict[str, TuningMethod[Any, Any]]:
        return methods()

    @cached_property
    def _ranges(self) -> dict[str, Range]:
        return ranges_of(method.settings for method in self._methods.values())

    def versions(self) -> dict[str, str]:
        """Return the versions of the libraries, and the device that ``auto`` means here."""
        device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
        return {name: version(name) for name in _LIBRARIES} | {"device": device}

    def figures(self) -> dict[str, float]:
        """Return the bytes of the kept states of prompts and texts, and how often they were found.

        See :meth:`tunesmith.backend.Backend.figures`.
        """
        caches = (self.prompt_caches, self.text_cache)
        return {
            "cache_bytes": sum(cache.nbytes for cache in caches),
            "cache_hits": sum(cache.hits for cache in caches),
            "cache_misses": sum(cache.misses for cache in caches),
        }

    def close(self) -> None:
        """Stop running jobs at their last optimizer step and let the models go."""
        self._tuner.close()
        self.prompt_caches.clear()
        self.text_cache.clear()
        self._catalog.clear()
