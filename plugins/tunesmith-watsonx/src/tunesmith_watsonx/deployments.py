"""The deployer: online deployments of tuned models."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.backend import Deployer
from tunesmith.backends.remote_job import FIRST_LOOK, longer
from tunesmith.clock import now
from tunesmith.errors import DeploymentError, NotFoundError, TunesmithError
from tunesmith.records import Deployment, TunedModel
from tunesmith_watsonx.connection import Connection
from tunesmith_watsonx.job import BACKEND
from tunesmith_watsonx.metrics import moment
from tunesmith_watsonx.store import Store

_UNDER_WAY = ("initializing", "updating", "DEPLOY_IN_PROGRESS")
_READY = ("ready", "DEPLOY_SUCCESS")

Details = Mapping[str, Any]
"""A deployment as the service describes it."""


class WatsonxDeployer(Deployer):
    """Deploys at the service, and stores the records of the deployments."""

    def __init__(self, connection: Connection, store: Store) -> None:
        self._connection = connection
        self._store = store

    def deploy(self, model: TunedModel, name: str) -> Deployment:
        """Deploy, and wait until it is ready. The same model and name give the same deployment.

        Raises:
            NotFoundError: the service no longer has the model.
            DeploymentError: the deployment failed; the message has the service's reason.
        """
        serving = serving_name(model, name)
        details = self._existing(model, serving) or self._create(model, name, serving)
        ready = self._wait(details, name)
        deployment = Deployment(
            id=str(ready["metadata"]["id"]),
            name=name,
            backend=BACKEND,
            base_model=model.base_model,
            model=model,
            created_at=moment(ready["metadata"].get("created_at")) or now(),
            details={"serving_name": serving},
        )
        self._store.put_deployment(deployment)
        return deployment

    def get(self, deployment_id: str) -> Deployment:
        """Return a deployment that is in this store and at the service.

        Raises:
            NotFoundError: it is missing in one of them.
        """
        deployment = self._store.deployment(deployment_id)
        self._ask(deployment_id)
        return deployment

    def list(self) -> Sequence[Deployment]:
        """Return the deployments of this store that the service still has, oldest first."""
        there = {str(details["metadata"]["id"]) for details in self._all()}
        return [deployment for deployment in self._store.deployments() if deployment.id in there]

    def undeploy(self, deployment: Deployment) -> None:
        """Delete a deployment. Does nothing if the service no longer has it."""
        client = self._connection.client
        try:
            with self._connection.call(f"removing deployment {deployment.id}"):
                client.deployments.delete(deployment.id)
        except NotFoundError:
            pass
        self._store.remove_deployment(deployment.id)

    def _existing(self, model: TunedModel, serving: str) -> Details | None:
        for details in self._all(serving_name=serving):
            entity = details["entity"]
            named = (entity.get("online") or {}).get("parameters", {}).get("serving_name")
            failed = entity["status"]["state"] not in (*_UNDER_WAY, *_READY)
            if named == serving and entity["asset"]["id"] == model.id and not failed:
                return details
        return None

    def _create(self, model: TunedModel, name: str, serving: str) -> Details:
        client = self._connection.client
        names = client.deployments.ConfigurationMetaNames
        meta = {names.NAME: name, names.ONLINE: {}, names.SERVING_NAME: serving}
        with self._connection.call(f"deploying model {model.id!r} as {name!r}", DeploymentError):
            # In the background, because the SDK waits five seconds before its first check.
            details: Details = client.deployments.create(model.id, meta, background_mode=True)
        return details

    def _wait(self, details: Details, name: str) -> Details:
        pause = FIRST_LOOK
        while details["entity"]["status"]["state"] in _UNDER_WAY:
            time.sleep(pause)
            pause = longer(pause)
            details = self._ask(str(details["metadata"]["id"]))
        if details["entity"]["status"]["state"] not in _READY:
            self._discard(str(details["metadata"]["id"]))
            raise DeploymentError(f"deployment {name!r} failed: {_reason(details)}")
        return details

    def _discard(self, deployment_id: str) -> None:
        try:
            with self._connection.call("removing a failed deployment"):
                self._connection.client.deployments.delete(deployment_id)
        except TunesmithError:
            pass  # the user needs the failure itself

    def _ask(self, deployment_id: str) -> Details:
        client = self._connection.client
        with self._connection.call(f"asking for deployment {deployment_id}"):
            details: Details = client.deployments.get_details(deployment_id, _silent=True)
        return details

    def _all(self, serving_name: str | None = None) -> Sequence[Details]:
        client = self._connection.client
        with self._connection.call("asking for the deployments"):
            answer = client.deployments.get_details(
                serving_name=serving_name, get_all=True, _silent=True
            )
        resources: Sequence[Details] = answer["resources"]
        return resources


def serving_name(model: TunedModel, name: str) -> str:
    """Return the serving name of a model under a name; it is always the same.

    The service accepts up to 36 lower-case letters, digits and underscores. Names are unique.
    """
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:20] or "model"
    digest = hashlib.sha256(f"{model.id} {name}".encode()).hexdigest()
    return f"ts_{slug}_{digest[:10]}"


def _reason(details: Details) -> str:
    status = details["entity"]["status"]
    errors = (status.get("failure") or {}).get("errors") or ()
    told = [str(e.get("message", e)) if isinstance(e, dict) else str(e) for e in errors]
    return "; ".join(told) or f"its state is {status['state']!r}"
