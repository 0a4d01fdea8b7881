"""The openai backend: every provider with OpenAI's API."""

from __future__ import annotations

from importlib.metadata import version
from typing import ClassVar

from tunesmith.backend import Backend, BackendOptions, Capabilities
from tunesmith.records import BaseModelInfo, Usage
from tunesmith_openai.catalog import BACKEND, Catalog
from tunesmith_openai.connection import Connection
from tunesmith_openai.deployments import OpenAIDeployer
from tunesmith_openai.options import OpenAIOptions
from tunesmith_openai.prediction import OpenAIPredictor
from tunesmith_openai.store import Store
from tunesmith_openai.tuning import OpenAITuner


class OpenAIBackend(Backend):
    """Decides, chats and fine-tunes through the ``openai`` SDK."""

    name: ClassVar[str] = BACKEND
    options_model: ClassVar[type[BackendOptions]] = OpenAIOptions

    def __init__(self, options: BackendOptions | None = None) -> None:
        """Prepare the backend; it connects when it is first used."""
        given = options if options is not None else OpenAIOptions()
        own = given if isinstance(given, OpenAIOptions) else OpenAIOptions(store=given.store)
        super().__init__(own)
        store = Store(own.store)
        self._connection = Connection(own)
        self._catalog = Catalog(self._connection, store)
        self._deployer = OpenAIDeployer(self._connection, self._catalog, store)
        self._predictor = OpenAIPredictor(self._connection, self._catalog, store)
        self._tuner = OpenAITuner(self._connection, store, self)

    @property
    def tuner(self) -> OpenAITuner:
        """The tuner."""
        return self._tuner

    @property
    def deployer(self) -> OpenAIDeployer:
        """The deployer."""
        return self._deployer

    @property
    def predictor(self) -> OpenAIPredictor:
        """The predictor."""
        return self._predictor

    def base_models(self) -> list[BaseModelInfo]:
        """Return the models that the service lists, fine-tuned ones included."""
        return list(self._catalog.served().values())

    def base_model(self, name: str) -> BaseModelInfo:
        """Return the model ``name``; near misses are named if there is none."""
        return self._catalog.find(name)

    def capabilities(self, base_model: str) -> Capabilities:
        """Return the capabilities for ``base_model``; the first time, the server is asked."""
        return self._catalog.capabilities(base_model)

    def usage(self) -> Usage:
        """Return the tokens of all requests so far, as the provider counts them."""
        return self._connection.used

    def versions(self) -> dict[str, str]:
        """Return the version of the SDK."""
        return {"openai": version("openai")}

    def close(self) -> None:
        """Close the connection. Jobs continue at the service."""
        self._connection.close()
