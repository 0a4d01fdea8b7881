"""The backend behind the service. It is connected at its first use and shared by all requests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import tunesmith
from tunesmith.backend import Backend, Capabilities, Target
from tunesmith.backends.batching import Statistics
from tunesmith.backends.shared import SharedBackend
from tunesmith.errors import UnsupportedError
from tunesmith.hookspecs import MethodEntry
from tunesmith.plugins import registry
from tunesmith.records import Generation
from tunesmith.spec import GenerationParams
from tunesmith.targets import base_model_of
from tunesmith_emulator.settings import Settings

PROMPT_TUNING = "prompt_tuning"


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
        self._shared: SharedBackend | None = None
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="loading")
        self._loading: dict[str, Future[Capabilities]] = {}
        self._lock_of_loading = threading.Lock()

    @property
    def name(self) -> str:
        """The name of the backend."""
        return self._name

    @property
    def connected(self) -> bool:
        """Whether the backend has been used yet."""
        return self._shared is not None

    @property
    def backend(self) -> Backend:
        """The backend; the first use connects it.

        Raises:
            PluginError: it is not installed.
            ExperimentError: one of its options is wrong.
        """
        return self._connect().backend

    def _connect(self) -> SharedBackend:
        with self._lock:
            if self._shared is None:
                self._shared = SharedBackend(tunesmith.connect(self._name, **self._options))
            return self._shared

    @property
    def shared(self) -> SharedBackend:
        """The backend for many threads; see :attr:`backend`."""
        return self._connect()

    @property
    def statistics(self) -> Statistics:
        """The numbers of generated rows and of calls; streams are not counted."""
        return Statistics() if self._shared is None else self._shared.statistics

    def capabilities(self, base_model: str) -> Capabilities:
        """Return the capabilities of the backend for ``base_model``; they are cached.

        Raises:
            NotFoundError: the backend has no such base model.
        """
        return self._connect().capabilities(base_model)

    def loaded(self, base_model: str, patience: float) -> bool:
        """Return whether :meth:`capabilities` answers for ``base_model`` without loading anything.

        If not, this loads it in the background and waits at most ``patience`` seconds. An error
        counts as an answer: ``capabilities`` raises it.
        """
        if self._shared is not None and self._shared.knows(base_model):
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
            ClosedError: the engine is closed.
        """
        return self._connect().generate(target, text, params).result()

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

    def close(self) -> None:
        """Fail the waiting requests, wait for a backend that is loading, and close it."""
        if self._shared is not None:
            self._shared.close()
        self._loader.shutdown(cancel_futures=True)
        with self._lock:
            if self._shared is not None:
                self._shared.backend.close()


def _as_stand_in(entry: MethodEntry) -> tuple[bool, bool, int]:
    return entry.kind != "constant", entry.baseline, entry.place
