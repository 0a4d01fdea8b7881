"""The emulator of OpenAI's fine-tuning as a context manager."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tunesmith
from tunesmith.atomic import file_lock
from tunesmith.backend import Backend
from tunesmith.errors import ExperimentError
from tunesmith.methods import Method
from tunesmith_emulator.files import usable
from tunesmith_emulator.lifetime import Lifetime, valid
from tunesmith_emulator.openai_api.files import Files
from tunesmith_emulator.openai_api.jobs import Jobs
from tunesmith_emulator.openai_api.requests import NewJob, method_of
from tunesmith_emulator.openai_api.routes import Routes
from tunesmith_emulator.openai_api.store import Store
from tunesmith_emulator.settings import STAND_IN, is_loopback
from tunesmith_serve.app import create_app
from tunesmith_serve.refusals import Refusal
from tunesmith_serve.server import Server
from tunesmith_serve.service import Service
from tunesmith_serve.settings import Settings

log = logging.getLogger("tunesmith_emulator")


class OpenAIEmulator(Lifetime):
    """OpenAI's API on this machine: files and fine-tuning jobs, and what ``tunesmith serve`` has.

    Args:
        backend: the tunesmith backend that tunes and generates.
        base_model: the backend's name of the base model.
        names: further names of it, e.g. ``gpt-4o-mini``, which this emulator answers as.
        method: that tunes: a name such as ``lora``, or ``name`` and settings.
        seed: of a job that names none.
        data_dir: the folder for state that survives the process; None takes a temporary one.
        host: the address to listen on.
        port: 0 picks a free one.
        api_keys: the accepted keys; if empty, no key is needed.
        backend_options: options of the backend.

    Raises:
        ExperimentError: a setting is wrong, the port or the data directory is in use.
        PluginError: the backend is not installed.
    """

    def __init__(
        self,
        backend: str = "local",
        *,
        base_model: str = STAND_IN,
        names: Sequence[str] = (),
        method: str | Mapping[str, Any] = "prompt_tuning",
        seed: int = 0,
        data_dir: Path | str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        api_keys: Sequence[str] = (),
        backend_options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self._backend, self._options = backend, dict(backend_options or {})
        self._base_model, self._method, self._seed = base_model, method_of(method), seed
        self._data_dir = None if data_dir is None else Path(data_dir).resolve()
        self._settings = valid(
            Settings, host=host, port=port, api_keys=tuple(api_keys), base_names=tuple(names)
        )

    @property
    def url(self) -> str:
        """The address for ``OPENAI_BASE_URL``, e.g. ``http://127.0.0.1:8443/v1``."""
        return f"{self._server.url}/v1"

    @property
    def base_model(self) -> str:
        """The base model of all jobs."""
        return self._base_model

    @property
    def names(self) -> tuple[str, ...]:
        """The further names of the base model."""
        return self._settings.base_names

    @property
    def needs_key(self) -> bool:
        """Whether a client needs a key."""
        return bool(self._settings.api_keys)

    @property
    def method(self) -> Method:
        """The method of all jobs."""
        return self._method

    def _serve(self) -> None:
        host, opened = self._settings.host, self._opened
        if not is_loopback(host) and not self._settings.api_keys:
            log.warning("%s is open to the network; set an API key", host)
        folder = self._data_dir or self._temporary_folder()
        busy = ExperimentError(
            f"{folder}: another emulator uses this folder; stop it or give another --data-dir"
        )
        with usable(folder):
            folder.mkdir(parents=True, exist_ok=True)
            opened.enter_context(file_lock(folder / "lock", busy))
        options = {"store": folder / "store" / self._backend, **self._options}
        backend = opened.enter_context(tunesmith.connect(self._backend, **options))
        self._check_method(backend)
        settings = self._settings.model_copy(update={"prompts": folder})
        self.service = service = Service(backend, self._base_model, settings)
        opened.callback(service.close)
        store = Store(folder)
        files = Files(store)
        jobs = Jobs(service.load(), store, files, self._method, self._seed)
        opened.callback(jobs.stop)
        routes = Routes(files, jobs, settings.max_body_bytes)
        self._server = Server(
            create_app(service, routes.router, bodies=[NewJob]),
            settings.host,
            settings.port,
            envelope=lambda text: Refusal(400, text).shaped("openai")[1],
        )
        opened.callback(self._server.stop)
        jobs.start()
        self._server.start()

    def _check_method(self, backend: Backend) -> None:
        declared, name = backend.capabilities(self._base_model).methods, self._method.name
        if name not in declared:
            raise ExperimentError(
                f"method.name: backend {self._backend!r} does not tune {self._base_model!r} with "
                f"{name!r}; it has: {', '.join(declared) or 'no method'}"
            )
