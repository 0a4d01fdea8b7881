"""The cluster, through the SDK's TrainerClient."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from kubeflow.common.constants import DEFAULT_NAMESPACE
from kubeflow.common.types import KubernetesBackendConfig
from kubeflow.common.utils import is_running_in_k8s
from kubeflow.trainer import Runtime, TrainerClient
from kubeflow.trainer.backends.kubernetes import backend as kubernetes_backend
from kubeflow.trainer.types.types import TrainJob
from kubernetes.client import ApiClient, ApiException, Configuration, VersionApi
from kubernetes.config import (
    list_kube_config_contexts,
    load_incluster_config,
    load_kube_config,
)

from tunesmith.errors import AuthenticationError, BackendError, NotFoundError
from tunesmith_kubeflow.errors import api_error, names_missing, translated
from tunesmith_kubeflow.manifest import Manifest
from tunesmith_kubeflow.options import KubeflowOptions

_PENDING = ("Pending", None)
_PATIENCE = (10, 60)
"""Seconds to connect to the API server, and for its answer."""
_NO_LOG = (400, 403, 404)
"""The container has not started, the account may not read logs, or the pod is gone."""
_TROUBLES = ("Failed", "BackOff", "Err", "Evicted", "Preempt", "Unhealthy")
"""How the reasons of events begin that explain why nothing happens."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """An event of the cluster that delays a job."""

    reason: str
    message: str


class Connection:
    """One namespace of a cluster. It connects when it is first used."""

    def __init__(self, options: KubeflowOptions, namespace: str | None = None) -> None:
        """Use the cluster of ``options``; ``namespace`` is that of an earlier job."""
        self.options = options
        self._given = namespace or options.namespace

    @cached_property
    def _client(self) -> TrainerClient:
        file, context = self.options.kubeconfig, self.options.context
        named = None if file is None else str(file.expanduser())
        with translated("connecting to the cluster", self._given or ""):
            # The SDK looks for the namespace in the default kubeconfig alone.
            namespace = self._given or (named and _namespace_in(named, context))
            configuration = _configuration(named, context)
            _check_there(configuration)
            with _quiet():
                return TrainerClient(
                    KubernetesBackendConfig(
                        namespace=namespace, context=context, client_configuration=configuration
                    )
                )

    @property
    def namespace(self) -> str:
        """The namespace, by default that of the context."""
        return self._given or str(self._kubernetes.namespace)

    def runtime(self) -> Runtime:
        """Return the runtime of the options.

        Raises:
            NotFoundError: the cluster has none of that name; the message names those that it has.
        """
        name = self.options.runtime
        try:
            with self._call(f"asking for the runtime {name!r}"):
                return self._client.get_runtime(name)
        except NotFoundError as error:
            if "no Kubeflow Trainer" in str(error):
                raise
            raise NotFoundError(
                f"option runtime: {error}; the cluster has: {', '.join(self._runtimes()) or 'none'}"
            ) from error

    def create(self, manifest: Manifest, runtime: Runtime) -> None:
        """Create a TrainJob."""
        with self._call(f"creating TrainJob {manifest.name!r}"):
            self._client.train(
                runtime=runtime, trainer=manifest.trainer, options=list(manifest.options)
            )

    def job(self, name: str) -> TrainJob | None:
        """Return a TrainJob; None if it was removed."""
        try:
            with self._call(f"asking for TrainJob {name!r}"):
                return self._client.get_job(name)
        except NotFoundError as error:
            if names_missing(error, "trainjobs"):
                return None
            raise

    def log(self, job: TrainJob) -> list[str]:
        """Return the lines that the container has written; none if they cannot be had."""
        if all(step.status in _PENDING for step in job.steps):
            return []
        try:
            with self._call(f"reading the log of TrainJob {job.name!r}"):
                return list(self._client.get_job_logs(job.name))
        except BackendError as error:
            refusal = api_error(error)
            if refusal is not None and refusal.status in _NO_LOG:
                return []
            raise

    def troubles(self, name: str) -> list[Trouble]:
        """Return the events of a TrainJob and its pods that explain a delay, oldest first.

        None if the account may not read events, because a job does not need them.
        """
        try:
            with self._call(f"asking for the events of TrainJob {name!r}"):
                found = self._client.get_job_events(name)
        except AuthenticationError:
            return []
        return [
            Trouble(event.reason, event.message)
            for event in found
            if event.reason.startswith(_TROUBLES)
        ]

    def delete(self, name: str) -> None:
        """Remove a TrainJob and its pods; does nothing if it is already gone."""
        try:
            with self._call(f"removing TrainJob {name!r}"):
                self._client.delete_job(name)
        except NotFoundError as error:
            if not names_missing(error, "trainjobs"):
                raise

    def remedy(self, name: str, verb: Literal["logs", "describe"]) -> str:
        """Return the kubectl command that shows more of a TrainJob."""
        place = f"--namespace {self.namespace}"
        if self.options.context is not None:
            place = f"--context {self.options.context} {place}"
        if verb == "logs":
            label = f"jobset.sigs.k8s.io/jobset-name={name}"
            return f"kubectl logs {place} --selector {label} --tail 100"
        return f"kubectl describe trainjob {name} {place}"

    def close(self) -> None:
        """Close the connection. Jobs continue on the cluster."""
        if "_client" in self.__dict__:
            self._kubernetes.core_api.api_client.close()
            del self.__dict__["_client"]

    @property
    def _kubernetes(self) -> kubernetes_backend.KubernetesBackend:
        backend: kubernetes_backend.KubernetesBackend = self._client.backend
        return backend

    def _runtimes(self) -> list[str]:
        with self._call("listing the runtimes"):
            return sorted(runtime.name for runtime in self._client.list_runtimes())

    @contextmanager
    def _call(self, doing: str) -> Iterator[None]:
        namespace = self.namespace
        with translated(f"{doing} in namespace {namespace!r}", namespace):
            yield


def _namespace_in(kubeconfig: str, context: str | None) -> str:
    contexts, current = list_kube_config_contexts(config_file=kubeconfig)
    chosen = next((one for one in contexts if one["name"] == context), current)
    return str(chosen["context"].get("namespace") or DEFAULT_NAMESPACE)


def _configuration(kubeconfig: str | None, context: str | None) -> Configuration:
    found = Configuration()
    found.retries = 1
    if kubeconfig is None and is_running_in_k8s():
        load_incluster_config(client_configuration=found)
    else:
        load_kube_config(kubeconfig, context, client_configuration=found)
    return found


def _check_there(configuration: Configuration) -> None:
    """Ask the API server for its version; a refusal is an answer too.

    The first request of the SDK has no time limit: it would wait minutes for a host that is off.
    """
    with ApiClient(configuration) as client, suppress(ApiException):
        VersionApi(client).get_code(_request_timeout=_PATIENCE, _preload_content=False)


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out the SDK's warning that it cannot read the version of the Trainer.

    Many accounts may not read it. If a request fails later, its error is shown then.
    """
    logger = logging.getLogger(kubernetes_backend.__name__)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
