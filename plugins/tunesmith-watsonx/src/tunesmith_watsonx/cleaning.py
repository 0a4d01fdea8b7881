"""Deletes the resources that this backend made at the service."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tunesmith.errors import BackendError, NotFoundError, TunesmithError
from tunesmith.records import FINISHED, Deployment
from tunesmith_watsonx.connection import Connection
from tunesmith_watsonx.deployments import WatsonxDeployer
from tunesmith_watsonx.store import JobRecord, Store


class Cleaning:
    """One cleaning. It continues after errors, and reports all of them at the end."""

    def __init__(self, connection: Connection, store: Store, deployer: WatsonxDeployer) -> None:
        self._connection = connection
        self._store = store
        self._deployer = deployer
        self.removed: list[str] = []
        self._problems: list[str] = []

    def everything(self) -> None:
        """Delete all resources in the store; running trainings are cancelled."""
        self._run(self._store.deployments(), self._store.jobs())
        for asset_id in self._store.assets():
            if self._gone(f"uploaded rows {asset_id}", partial(self._asset, asset_id)):
                self._store.remove_asset(asset_id)
        self._finish()

    def own(self) -> None:
        """Delete the resources of this instance, except running trainings."""
        deployments = [d for d in self._store.deployments() if d.id in self._store.own_deployments]
        jobs = [j for j in self._store.jobs() if j.id in self._store.own_jobs]
        self._run(deployments, [job for job in jobs if job.status in FINISHED])
        self._finish()

    def _run(self, deployments: list[Deployment], jobs: list[JobRecord]) -> None:
        for deployment in deployments:
            self._gone(
                f"deployment {deployment.id} ({deployment.name})",
                partial(self._deployer.undeploy, deployment),
            )
        for job in jobs:
            self._job(job)

    def _job(self, job: JobRecord) -> None:
        model = job.model
        # The model, then its training, then its rows: each refers to the next one.
        done = [
            model is None or self._gone(f"tuned model {model.id}", partial(self._model, model.id)),
            self._gone(f"training {job.id}", partial(self._training, job.id)),
            self._gone(f"uploaded rows {job.asset_id}", partial(self._asset, job.asset_id)),
        ]
        if all(done):
            self._store.remove_job(job.id)

    def _gone(self, what: str, remove: Callable[[], object]) -> bool:
        try:
            with self._connection.call(f"removing {what}"):
                remove()
        except NotFoundError:
            return True
        except TunesmithError as error:
            self._problems.append(str(error))
            return False
        self.removed.append(what)
        return True

    def _model(self, model_id: str) -> None:
        self._connection.client.repository.delete(model_id)

    def _training(self, training_id: str) -> None:
        # Not ``training.delete``: it guesses another asset from the tags, and fails if the guess
        # is wrong.
        self._connection.client.training.cancel(training_id, hard_delete=True)

    def _asset(self, asset_id: str) -> None:
        self._connection.client.data_assets.delete(asset_id, purge_on_delete=True)

    def _finish(self) -> None:
        if self._problems:
            raise BackendError(
                f"{len(self._problems)} things could not be removed and stay in the store; run "
                "'tunesmith watsonx-clean-up' again with the same options: "
                f"{'; '.join(self._problems)}"
            )
