"""One base model and its prompts, behind a shared backend."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock, Thread
from typing import Self, TypeVar

from tunesmith.backend import Backend
from tunesmith.backends.shared import SharedBackend
from tunesmith.clock import now
from tunesmith.errors import ExperimentError, TunesmithError
from tunesmith_serve.deciding import Decider
from tunesmith_serve.generating import Generator
from tunesmith_serve.metrics import Metrics
from tunesmith_serve.prompts import Prompts, ServedPrompt, read_source
from tunesmith_serve.refusals import Refusal
from tunesmith_serve.registry import Registry
from tunesmith_serve.settings import Settings

ALIAS = "jev-latest"
"""The model that clients of the System One API ask by default."""
RETRY_SECONDS = 1
"""The time after which a refused client may come back."""
T = TypeVar("T")
_LOG = logging.getLogger("tunesmith_serve")


class Service:
    """Answers for one base model and the prompts that were tuned from it.

    Args:
        backend: is closed by the caller, after :meth:`close`.
        base_model: as the backend names it.
        settings: of the server.
    """

    def __init__(self, backend: Backend, base_model: str, settings: Settings) -> None:
        self.settings = settings
        self.base_model = base_model
        self.backend = backend
        self.started_at = now()
        self.metrics = Metrics()
        self.metrics.watch(self._figures)
        self.shared = SharedBackend(backend, self.metrics.batch_rows.observe)
        self.prompts = Prompts(backend, base_model)
        self.decider = Decider(self.shared, base_model)
        self.generator = Generator(self.shared, base_model)
        self.ready = False
        self._registry = None if settings.prompts is None else Registry(settings.prompts)
        self._changing = Lock()
        self._requests = 0
        self._unopened: list[ServedPrompt] = []
        self._opening = Thread(target=self._open_kept, name="opening", daemon=True)
        self._closed = False

    def load(self) -> Self:
        """Load the base model and serve the kept prompts, which are opened in the background.

        A prompt that cannot be loaded is left out, and the log has the reason.

        Raises:
            NotFoundError: there is no such base model.
            ExperimentError: the prompt that is to be the default is not served.
        """
        for name, path in (self._registry.entries() if self._registry else {}).items():
            with self._left_out(name):
                self._unopened.append(self.prompts.add(read_source(path), name, opened=False))
        self._check_default()
        if self.shared.capabilities(self.base_model).base_label_scores:
            self.backend.predictor.classify(self.base_model, ["Ready?"], ["Yes", "No"])
        self.ready = True
        # A thousand take half a minute, and until then a request opens the prompt that it asks.
        self._opening.start()
        return self

    def model(self, name: str) -> ServedPrompt | None:
        """Return the prompt that is asked by ``name``, or None if that is the base model.

        Raises:
            Refusal: 404, neither.
        """
        if name == ALIAS and self.settings.default is not None:
            name = self.settings.default
        prompt = self.prompts.find(name)
        if prompt is None and name not in (ALIAS, self.base_model, *self.settings.base_names):
            raise Refusal(
                404,
                f"no model {name!r:.200} here.{self.prompts.near(name)} GET /v1/models lists them",
                code="model_not_found",
            )
        return prompt

    def name_of(self, prompt: ServedPrompt | None) -> str:
        """Return the name of a prompt, or of the base model for None."""
        return self.base_model if prompt is None else prompt.name

    def add(self, name: str, path: str) -> ServedPrompt:
        """Serve the prompt at ``path`` below the folder of prompts, also after a restart.

        Raises:
            Refusal: 403, there is no such folder; 400, the prompt cannot be loaded.
            OSError: the registry cannot be written; the prompt is not served.
        """
        registry = self._registry
        if registry is None:
            raise Refusal(403, "no prompt is added here; start the server with --prompts DIR")
        with self._changing:
            known = self.prompts.find(name)
            try:
                place = registry.below(path)
                prompt = self.prompts.add(read_source(place), name)
            except TunesmithError as error:
                raise Refusal(400, str(error), code="prompt_refused") from error
            try:
                registry.put(name, place)
            except BaseException:
                if known is None:
                    self.prompts.remove(name)
                raise
        return prompt

    def remove(self, name: str) -> None:
        """Stop serving the prompt ``name``, also after a restart.

        Raises:
            Refusal: 404, there is none; 409, it is the default.
            OSError: the registry cannot be written; the prompt is still served.
        """
        with self._changing:
            if self.prompts.find(name) is None:
                hint = self.prompts.near(name)
                raise Refusal(404, f"no prompt {name!r:.200} here.{hint}", code="model_not_found")
            if name == self.settings.default:
                raise Refusal(409, f"{name!r} is the default; start the server with another one")
            if self._registry is not None:
                self._registry.drop(name)
            self.prompts.remove(name)

    def refusal(self) -> Refusal | None:
        """Return why no further request is accepted now, or None."""
        if not self.ready:
            return Refusal(503, "the server is stopping", retry_after=RETRY_SECONDS)
        if self._requests >= self.settings.max_requests:
            return Refusal(
                429,
                f"{self._requests} requests wait already; try again",
                code="rate_limit_exceeded",
                retry_after=RETRY_SECONDS,
            )
        return None

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Count a request while it is answered."""
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1

    async def in_time(self, answer: Awaitable[T]) -> T:
        """Wait for ``answer`` within the time limit; its waiting rows are not asked after it.

        Raises:
            Refusal: 429, the time is over.
        """
        seconds = self.settings.request_seconds
        try:
            return await asyncio.wait_for(answer, seconds)
        except TimeoutError:
            raise Refusal(
                429, f"no answer within {seconds:g} s; try again", retry_after=RETRY_SECONDS
            ) from None

    def close(self) -> None:
        """Answer no more."""
        self.ready, self._closed = False, True
        if self._opening.is_alive():
            self._opening.join()
        self.shared.close()

    def _open_kept(self) -> None:
        for prompt in self._unopened:
            if self._closed:
                return
            if self.prompts.find(prompt.name) is prompt:
                with self._left_out(prompt.name):
                    self.prompts.open(prompt)

    @contextmanager
    def _left_out(self, name: str) -> Iterator[None]:
        """Log why the kept prompt ``name`` is not served, and go on without it."""
        try:
            yield
        except (TunesmithError, OSError) as error:
            self.prompts.remove(name)
            _LOG.warning("the prompt %r is not served: %s", name, error)

    def _check_default(self) -> None:
        default = self.settings.default
        if default is not None and self.prompts.find(default) is None:
            hint = self.prompts.near(default)
            raise ExperimentError(f"--default {default}: no prompt of this name is served.{hint}")

    def _figures(self) -> Mapping[str, float]:
        return {
            "prompts": len(self.prompts.all()),
            "requests_in_progress": self._requests,
            "waiting_rows": self.shared.waiting,
            **self.backend.figures(),
        }
