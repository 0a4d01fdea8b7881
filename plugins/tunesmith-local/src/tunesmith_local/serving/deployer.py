"""Deployments: records in the store."""

from __future__ import annotations

import uuid

from tunesmith.backend import Deployer
from tunesmith.records import Deployment, TunedModel
from tunesmith_local.catalog import BACKEND
from tunesmith_local.serving.answerers import Answerers
from tunesmith_local.store import Store


class LocalDeployer(Deployer):
    """A deployment is a record in the store; the tuned model is loaded when it is made."""

    def __init__(self, answerers: Answerers, store: Store) -> None:
        """Write into ``store``."""
        self._answerers = answerers
        self._store = store

    def deploy(self, model: TunedModel, name: str) -> Deployment:
        """Deploy ``model``; the same model under the same name again is the same deployment."""
        for known in self._store.deployments():
            if known.model.id == model.id and known.name == name:
                return known
        self._store.model(model.id)
        details = self._answerers.details(model)
        deployment = Deployment(
            id=str(uuid.uuid4()),
            name=name,
            backend=BACKEND,
            base_model=model.base_model,
            model=model,
            details=details,
        )
        self._store.put_deployment(deployment)
        return deployment

    def get(self, deployment_id: str) -> Deployment:
        """Return a deployment by id."""
        return self._store.deployment(deployment_id)

    def list(self) -> list[Deployment]:
        """Return the deployments, oldest first."""
        return self._store.deployments()

    def undeploy(self, deployment: Deployment) -> None:
        """Remove a deployment; the tuned model stays, its loaded copy goes with the last one."""
        self._store.remove_deployment(deployment.id)
        if all(left.model.id != deployment.model.id for left in self._store.deployments()):
            self._answerers.forget(deployment.model)
