"""The backend behind the service. It is connected at its first use and called in batches."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import tunesmith
from tunesmith.backend import Backend, Capabilities, Target, target_key
from tunesmith.errors import UnsupportedError
from tunesmith.hookspecs import MethodEntry
from tunesmith.plugins import registry
from tunesmith.records import Deployment, Generation, Message
from tunesmith.spec import GenerationParams
from tunesmith_emulator.batching import Batcher, Item, Lane, Statistics
from tunesmith_emulator.settings import Settings

PROMPT_TUNING = "prompt_tuning"
MOST_ROWS = 32
"""Rows in one call. More rows gain nothing on a CPU, and the first one waits for the last."""


class Engine:
    """A tunesmith backend for many threads.

    Args:
        settings: names the backend and its options.
        store: folder under which the backend gets its own store, unless an option names one.
    """

    def __init__(self, settings: Settings, store: Path) -> None:
        self._name = settings.backend
        self._options = {"store": store / settings.backend, **settings.backend_options}
        self._lock = threading.Lock()
        self._backend: Backend | None = None
        self._capabilities: dict[str, Capabilities] = {}
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="loading")
        self._loading: dict[str, Future[Capabilities]] = {}
        self._lock_of_loading = threading.Lock()
        self._batcher = Batcher(self._run)

    @property
    def name(self) -> str:
        """The name of the backend."""
        return self._name

    @property
    def connected(self) -> bool:
        """Whether the backend has been used yet."""
        return self._backend is not None

    @property
    def backend(self) -> Backend:
        """The backend; the first use connects it.

        Raises:
            PluginError: it is not installed.
            ExperimentError: one of its options is wrong.
        """
        with self._lock:
            if self._backend is None:
                self._backend = tunesmith.connect(self._name, **self._options)
            return self._backend

    @property
    def statistics(self) -> Statistics:
        """The numbers of generated rows and of calls; streams are not counted."""
        return self._batcher.statistics

    def capabilities(self, base_model: str) -> Capabilities:
        """Return the capabilities of the backend for ``base_model``; they are cached.

        Raises:
            NotFoundError: the backend has no such base model.
        """
        if base_model not in self._capabilities:
            self._capabilities[base_model] = self.backend.capabilities(base_model)
        return self._capabilities[base_model]

    def loaded(self, base_model: str, patience: float) -> bool:
        """Return whether :meth:`capabilities` answers for ``base_model`` without loading anything.

        If not, this loads it in the background and waits at most ``patience`` seconds. An error
        counts as an answer: ``capabilities`` raises it.
        """
        if base_model in self._capabilities:
            return True
        with self._lock_of_loading:
            work = self._loading.get(base_model)
            if work is None:
                work = self._loader.submit(self.capabilities, base_model)
                self._loading[base_model] = work
        wait([work], patience)
        return work.done()

    def tuning_method(self, base_model: str) -> str:
        """Return the method that tunes: prompt tuning, else the *stand-in method*.

        The stand-in method is the one with the highest place on the ladder, of the baselines if
        there are some: they need nothing else and are fitted at once. A constant answer is only
        taken if the backend has no other method.

        Raises:
            NotFoundError: the backend has no such base model.
            UnsupportedError: the backend tunes nothing.
        """
        methods = self.capabilities(base_model).methods
        if PROMPT_TUNING in methods:
            return PROMPT_TUNING
        entries = [entry for name, entry in registry().methods().items() if name in methods]
        if not entries:
            raise UnsupportedError(f"backend {self._name!r} does not tune {base_model!r}")
        return max(entries, key=_as_stand_in).name

    def generate(self, target: Target, text: str, params: GenerationParams) -> Generation:
        """Generate for one input, in one call with other inputs that wait for the same model.

        If the backend declares ``mixed_targets``, the rows of a base model and of all its
        deployments share calls.

        Raises:
            TunesmithError: as ``Predictor.generate`` raises it for this input.
            ServiceError: 503, the engine is closed.
        """
        lane = self._lane(target, params)
        return self._batcher.submit(Item(target, text, params), lane).result()

    def stream(self, target: Target, text: str, params: GenerationParams) -> Iterator[Generation]:
        """Generate piece by piece, or in one piece if the backend cannot stream."""
        if self.capabilities(base_model_of(target)).streaming:
            yield from self.backend.predictor.stream(target, text, params)
        else:
            yield self.generate(target, text, params)

    def tokenize(self, target: Target, text: str) -> tuple[str, ...]:
        """Return the tokens of ``text``.

        Raises:
            UnsupportedError: the backend counts no tokens.
        """
        return self.backend.predictor.tokenize(target, [text])[0]

    def chat_text(self, base_model: str, messages: Sequence[Message]) -> str:
        """Return a conversation as ``base_model`` reads it.

        Raises:
            ExperimentError: its chat template refuses the conversation.
            UnsupportedError: the backend has no chat template for it.
        """
        text = self.backend.predictor.chat_text(base_model, messages)
        if text is None:
            raise UnsupportedError(
                f"backend {self._name!r} gives no text for a chat with {base_model!r}"
            )
        return text

    def close(self) -> None:
        """Fail the waiting requests, wait for a backend that is loading, and close it."""
        self._batcher.close()
        self._loader.shutdown(cancel_futures=True)
        with self._lock:
            if self._backend is not None:
                self._backend.close()

    def _run(self, items: Sequence[Item]) -> list[Generation]:
        targets = [item.target for item in items]
        texts = [item.text for item in items]
        params = items[0].params  # a lane holds one set of parameters
        return self.backend.predictor.generate_each(targets, texts, params)

    def _lane(self, target: Target, params: GenerationParams) -> Lane:
        base_model = base_model_of(target)
        capabilities = self.capabilities(base_model)
        who = target_key(base_model if capabilities.mixed_targets else target)
        # All rows of a call share a time limit, so rows with a limit are generated one by one.
        alone = not capabilities.batch_independent or params.time_limit is not None
        return Lane((*who, params.model_dump_json()), 1 if alone else MOST_ROWS)


def base_model_of(target: Target) -> str:
    """Return the backend's name of the base model behind ``target``."""
    return target.base_model if isinstance(target, Deployment) else target


def _as_stand_in(entry: MethodEntry) -> tuple[bool, bool, int]:
    return entry.kind != "constant", entry.baseline, entry.place
