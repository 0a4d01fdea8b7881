"""Deployments: another backend of this process serves what the cluster has tuned."""

from __future__ import annotations

from tunesmith.backend import Backend, Deployer
from tunesmith.records import Deployment, TunedModel
from tunesmith_kubeflow.store import SERVING

BACKEND = "kubeflow"
TUNES = "local"
"""The backend that tunes in the pod and serves here."""


class ServedDeployer(Deployer):
    """The deployments of the serving backend, under the name of this one."""

    def __init__(self, serving: Backend) -> None:
        """Deploy on ``serving``."""
        self._serving = serving

    def deploy(self, model: TunedModel, name: str) -> Deployment:
        """Deploy ``model`` on this machine; see :meth:`tunesmith.backend.Deployer.deploy`."""
        return _ours(self._serving.deployer.deploy(model, name))

    def get(self, deployment_id: str) -> Deployment:
        """Return a deployment by id."""
        return _ours(self._serving.deployer.get(deployment_id))

    def list(self) -> list[Deployment]:
        """Return the deployments, oldest first."""
        return [_ours(deployment) for deployment in self._serving.deployer.list()]

    def undeploy(self, deployment: Deployment) -> None:
        """Remove a deployment; the tuned model stays."""
        self._serving.deployer.undeploy(deployment)


def our_model(model: TunedModel, job_id: str | None = None) -> TunedModel:
    """Return a tuned model of the serving backend as one of this backend.

    Args:
        model: in the store of the serving backend.
        job_id: the id of the TrainJob; by default that of the model.
    """
    place = None if model.location is None else f"{SERVING}/{model.location}"
    update = {"backend": BACKEND, "location": place, "job_id": job_id or model.job_id}
    return model.model_copy(update=update)


def _ours(deployment: Deployment) -> Deployment:
    return deployment.model_copy(update={"backend": BACKEND})
