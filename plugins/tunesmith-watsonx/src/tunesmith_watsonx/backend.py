"""The watsonx backend: soft prompts on IBM watsonx.ai or on its emulator."""

from __future__ import annotations

from importlib.metadata import version
from typing import ClassVar

from tunesmith.backend import Backend, BackendOptions, Capabilities
from tunesmith.records import BaseModelInfo
from tunesmith_watsonx.catalog import BACKEND, Catalog
from tunesmith_watsonx.cleaning import Cleaning
from tunesmith_watsonx.connection import Connection
from tunesmith_watsonx.deployments import WatsonxDeployer
from tunesmith_watsonx.options import WatsonxOptions
from tunesmith_watsonx.prediction import WatsonxPredictor
from tunesmith_watsonx.store import Store
from tunesmith_watsonx.tuning import WatsonxTuner


class WatsonxBackend(Backend):
    """Tunes, deploys and generates through the ``ibm-watsonx-ai`` SDK."""

    name: ClassVar[str] = BACKEND
    options_model: ClassVar[type[BackendOptions]] = WatsonxOptions

    def __init__(self, options: BackendOptions | None = None) -> None:
        """Prepare the backend; it connects when it is first used."""
        given = options if options is not None else WatsonxOptions()
        own = given if isinstance(given, WatsonxOptions) else WatsonxOptions(store=given.store)
        super().__init__(own)
        self._clean_up_on_exit = own.clean_up
        self._connection = Connection(own)
        self._catalog = Catalog(self._connection)
        self._store = Store(own.store)
        self._deployer = WatsonxDeployer(self._connection, self._store)
        self._predictor = WatsonxPredictor(self._connection, self._catalog, own.patience_seconds)
        self._tuner = WatsonxTuner(
            self._connection, self._catalog, self._store, self, self._predictor
        )

    @property
    def tuner(self) -> WatsonxTuner:
        """The tuner."""
        return self._tuner

    @property
    def deployer(self) -> WatsonxDeployer:
        """The deployer."""
        return self._deployer

    @property
    def predictor(self) -> WatsonxPredictor:
        """The predictor."""
        return self._predictor

    def base_models(self) -> list[BaseModelInfo]:
        """Return the base models that the service has now."""
        return [spec.info for spec in self._catalog.served().values()]

    def base_model(self, name: str) -> BaseModelInfo:
        """Return the base model ``name``. If it is missing, the error has the date and a remedy."""
        return self._catalog.find(name).info

    def capabilities(self, base_model: str) -> Capabilities:
        """Return the capabilities that the service advertises for ``base_model``."""
        return self._catalog.capabilities(base_model)

    def scripted(self) -> int:
        """Return how many answers an emulator was told to give, in place of a model's."""
        return self._predictor.scripted

    def versions(self) -> dict[str, str]:
        """Return the version of the SDK."""
        return {"ibm-watsonx-ai": version("ibm-watsonx-ai")}

    def clean_up(self) -> list[str]:
        """Delete all resources in the store from the service, and return their names.

        These are deployments, tuned models, trainings (running ones are cancelled) and uploaded
        rows.

        Raises:
            BackendError: a resource could not be deleted; all others were.
        """
        cleaning = Cleaning(self._connection, self._store, self._deployer)
        cleaning.everything()
        return cleaning.removed

    def close(self) -> None:
        """Close the connection. Trainings continue at the service."""
        self._connection.close()

    def __exit__(self, *exc_info: object) -> None:
        try:
            # After an error, paid resources must be kept for the resumed run.
            if self._clean_up_on_exit and not any(exc_info):
                Cleaning(self._connection, self._store, self._deployer).own()
        finally:
            super().__exit__(*exc_info)
