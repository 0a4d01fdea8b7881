"""The deployer: a tuned model answers under its name, so a deployment is a record."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from tunesmith.backend import Deployer
from tunesmith.errors import NotFoundError
from tunesmith.records import Deployment, TunedModel
from tunesmith_openai.catalog import BACKEND, Catalog
from tunesmith_openai.connection import Connection
from tunesmith_openai.store import Store


class OpenAIDeployer(Deployer):
    """Keeps the records of deployments."""

    def __init__(self, connection: Connection, catalog: Catalog, store: Store) -> None:
        self._connection = connection
        self._catalog = catalog
        self._store = store

    def deploy(self, model: TunedModel, name: str) -> Deployment:
        """Make a record, if the service has the model. The same model and name give the same one.

        Raises:
            NotFoundError: the service no longer has the model.
        """
        if not self._catalog.exists(model.id):
            raise NotFoundError(
                f"{self._connection.options.host} has no model {model.id!r}; it was deleted, or "
                "belongs to another project of the provider"
            )
        deployment_id = hashlib.sha256(f"{model.id} {name}".encode()).hexdigest()[:32]
        try:
            return self._store.deployments.get(deployment_id)
        except NotFoundError:
            deployment = Deployment(
                id=deployment_id,
                name=name,
                backend=BACKEND,
                base_model=model.base_model,
                model=model,
            )
            self._store.deployments.put(deployment.id, deployment)
            return deployment

    def get(self, deployment_id: str) -> Deployment:
        """Return a deployment.

        Raises:
            NotFoundError: it is not in this store.
        """
        return self._store.deployments.get(deployment_id)

    def list(self) -> Sequence[Deployment]:
        """Return the deployments of this store, oldest first."""
        return sorted(self._store.deployments.all(), key=lambda one: (one.created_at, one.id))

    def undeploy(self, deployment: Deployment) -> None:
        """Remove the record. The model stays at the service, where it costs nothing."""
        self._store.deployments.remove(deployment.id)
