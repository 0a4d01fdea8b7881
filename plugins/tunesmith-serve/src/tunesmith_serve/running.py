"""A server that runs: the backend, the service over it, and its address."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from tunesmith.backend import Backend
from tunesmith.cli.connection import Connection
from tunesmith.errors import TunesmithError
from tunesmith.pipeline.asking import reopen_backend
from tunesmith.plugins import DEFAULT_BASE_MODEL
from tunesmith_serve.app import create_app
from tunesmith_serve.logs import log_to_stderr
from tunesmith_serve.prompts import Source, read_source
from tunesmith_serve.refusals import Refusal
from tunesmith_serve.server import Server
from tunesmith_serve.service import Service
from tunesmith_serve.settings import Settings

S = TypeVar("S")
T = TypeVar("T")
Named = tuple[str | None, Path]
"""A prompt: its name, or None for that of its run, and its path."""
_LOG = logging.getLogger("tunesmith_serve")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Running:
    """Serves from its start to its end; a context manager.

    Args:
        settings: of the server.
        prompts: to serve from the start. One that cannot be loaded is left out.
        base: the base model; None takes that of the first prompt, or the embedded one.
        connection: the backend if there is no prompt, and options that replace those of its run.
        note: gets why a prompt is left out.

    Raises:
        TunesmithError: none of ``prompts`` can be loaded, or nothing can be served.
    """

    def __init__(
        self,
        settings: Settings,
        prompts: Sequence[Named],
        base: str | None,
        connection: Connection,
        note: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._opened = ExitStack()
        self._note = note
        sources = self._loaded(prompts, lambda one: (one[0], read_source(one[1])))
        first = sources[0][1] if sources else None
        backend = self._opened.enter_context(_backend(first, connection, settings))
        base_model = base or (first.deployment.base_model if first else DEFAULT_BASE_MODEL)
        self.service = Service(backend, base_model, settings)
        self._opened.callback(self.service.close)
        with self._opened.pop_all() as opened:
            self._loaded(sources, lambda one: self.service.prompts.add(one[1], one[0]))
            self.service.load()
            self._server = Server(
                create_app(self.service),
                settings.host,
                settings.port,
                envelope=lambda text: Refusal(400, text).shaped("openai")[1],
                stop_seconds=settings.stop_seconds,
            )
            self._opened = opened.pop_all()

    @property
    def url(self) -> str:
        """The address, e.g. ``http://127.0.0.1:8000``."""
        return self._server.url

    def start(self) -> Self:
        """Accept requests."""
        log_to_stderr()
        if self._settings.host not in _LOOPBACK and not self._settings.api_keys:
            _LOG.warning("%s is open to the network: set --api-key", self._settings.host)
        self._server.start()
        return self

    def stop(self) -> None:
        """Refuse further requests, answer the accepted ones, and close the backend."""
        self.service.ready = False
        self._server.stop()
        self._opened.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _loaded(self, items: Sequence[S], load: Callable[[S], T]) -> list[T]:
        """Return what ``load`` returns; why an item fails is noted, or raised if all of them do."""
        found: list[T] = []
        errors: list[TunesmithError] = []
        for item in items:
            try:
                found.append(load(item))
            except TunesmithError as error:
                errors.append(error)
        if errors and not found:
            raise errors[0]
        for left_out in errors:
            self._note(f"not served: {left_out}")
        return found


def _backend(first: Source | None, connection: Connection, settings: Settings) -> Backend:
    if first is None:
        runs_dir = settings.prompts or connection.runs_dir
        return Connection(connection.backend, connection.options, runs_dir).open()
    if first.run is not None:
        return reopen_backend(first.run, connection.options)
    return connection.open(first.backend)
