"""The kubeflow backend: it tunes on a cluster, and another backend serves on this machine."""

from __future__ import annotations

from importlib.metadata import version
from typing import ClassVar

from tunesmith.backend import Backend, BackendOptions, Capabilities, Predictor
from tunesmith.backends.connect import connect
from tunesmith.backends.record_folder import RecordFolder
from tunesmith.records import BaseModelInfo
from tunesmith_kubeflow.connection import Connection
from tunesmith_kubeflow.options import KubeflowOptions
from tunesmith_kubeflow.serving import BACKEND, TUNES, ServedDeployer
from tunesmith_kubeflow.store import SERVING, JobRecord
from tunesmith_kubeflow.tuning import KubeflowTuner

_NOTE = "tunings run on a Kubernetes cluster; every model answers on this machine"


class KubeflowBackend(Backend):
    """Tunes through the TrainerClient of the ``kubeflow`` SDK.

    Base models, capabilities and answers are those of the backend that serves.
    """

    name: ClassVar[str] = BACKEND
    options_model: ClassVar[type[BackendOptions]] = KubeflowOptions

    def __init__(self, options: BackendOptions | None = None) -> None:
        """Prepare the backend; it connects to the cluster when it is first used."""
        given = options if options is not None else KubeflowOptions()
        own = given if isinstance(given, KubeflowOptions) else KubeflowOptions(store=given.store)
        super().__init__(own)
        self._own = own
        self._serving = connect(TUNES, store=own.store / SERVING)
        self._connections: dict[str | None, Connection] = {}
        jobs = RecordFolder(own.store / "jobs", JobRecord, "tuning job")
        self._tuner = KubeflowTuner(own, self._connected, jobs, self._serving, self)
        self._deployer = ServedDeployer(self._serving)

    @property
    def tuner(self) -> KubeflowTuner:
        """The tuner."""
        return self._tuner

    @property
    def deployer(self) -> ServedDeployer:
        """The deployer."""
        return self._deployer

    @property
    def predictor(self) -> Predictor:
        """The predictor of the backend that serves."""
        return self._serving.predictor

    def base_models(self) -> list[BaseModelInfo]:
        """Return the base models that this machine serves."""
        return self._serving.base_models()

    def base_model(self, name: str) -> BaseModelInfo:
        """Return the base model that serves as ``name``."""
        return self._serving.base_model(name)

    def capabilities(self, base_model: str) -> Capabilities:
        """Return the capabilities of the backend that serves, which also tunes in the pod."""
        found = self._serving.capabilities(base_model)
        return found.model_copy(update={"notes": (*found.notes, _NOTE)})

    def versions(self) -> dict[str, str]:
        """Return the version of the SDK, and what decides the answers."""
        return {"kubeflow": version("kubeflow")} | self._serving.versions()

    def figures(self) -> dict[str, float]:
        """Return the figures of the backend that serves."""
        return self._serving.figures()

    def close(self) -> None:
        """Close the connections, and let the models go. Jobs continue on the cluster."""
        for connection in self._connections.values():
            connection.close()
        self._serving.close()

    def _connected(self, namespace: str | None) -> Connection:
        if namespace not in self._connections:
            self._connections[namespace] = Connection(self._own, namespace)
        return self._connections[namespace]
