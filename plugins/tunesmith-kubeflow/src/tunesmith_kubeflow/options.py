"""Options of the kubeflow backend: the cluster, the container, and the place of the artifacts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from tunesmith.backend import BackendOptions
from tunesmith.errors import ExperimentError


def _env(name: str) -> Any:
    return Field(json_schema_extra={"env": name})


class KubeflowOptions(BackendOptions):
    """A cluster, a container and a place for artifacts. None of them is a secret."""

    artifacts: Annotated[str | None, _env("TUNESMITH_ARTIFACTS")] = None
    """The URL, for fsspec, of a folder that this machine and the pods write, e.g.
    ``s3://bucket/tunings``. Each job has its own folder there."""
    namespace: str | None = None
    """By default that of the context."""
    context: str | None = None
    """A context of the kubeconfig; by default the current one."""
    kubeconfig: Path | None = None
    """By default what ``KUBECONFIG`` names, else ``~/.kube/config``; in a pod, its account."""
    runtime: str = "torch-distributed"
    """The TrainingRuntime of the namespace, or the ClusterTrainingRuntime."""
    image: str | None = None
    """The container image. It needs Python, and the tunesmith of this machine unless ``packages``
    bring it. By default the image of the runtime."""
    packages: str = ""
    """What pip installs in the container before the tuning, separated by spaces."""
    gpus: Annotated[int, Field(ge=0, le=1)] = 0
    """A tuning uses one device at most. 0 leaves the devices to the runtime."""
    cpus: str | None = None
    """Processors for the container, as Kubernetes writes them, e.g. ``4``."""
    memory: str | None = None
    """Memory for the container, as Kubernetes writes it, e.g. ``16Gi``."""
    queue: str | None = None
    """The LocalQueue of Kueue, if the namespace has queues."""
    secret: str | None = None
    """The name of a Secret of the namespace. Its keys become environment variables of the tuning,
    e.g. ``AWS_ACCESS_KEY_ID`` and ``HF_TOKEN``."""
    patience_seconds: Annotated[float, Field(ge=0)] = 120.0
    """The longest time for which a cluster that no longer answers is asked again."""

    @field_validator("artifacts")
    @classmethod
    def _check_artifacts(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        # A chain of file systems ("::") may hold a cache, which would hide an outcome.
        if not parts.scheme or "://" not in value or "::" in value:
            raise ValueError("must be a URL such as s3://bucket/folder or file:///shared/folder")
        # The URL is a part of the manifest and of records.
        if parts.username or parts.password or re.search(r"[?&]", value):
            raise ValueError(
                "must hold no credentials: put them into the environment here, and into a Secret "
                "for the pods (option secret)"
            )
        return value.rstrip("/")

    @field_validator("packages")
    @classmethod
    def _check_packages(cls, value: str) -> str:
        if any("@" in urlsplit(part.split("@ ")[-1]).netloc for part in value.split()):
            raise ValueError(
                "must hold no credentials, because everyone who reads the TrainJob can read them; "
                "build an image with the packages (option image)"
            )
        return value

    @property
    def place(self) -> str:
        """The URL under which jobs are kept.

        Raises:
            ExperimentError: none is given.
        """
        if self.artifacts is None:
            raise ExperimentError(
                "option artifacts of backend 'kubeflow' is missing: name a folder that this "
                "machine and the pods write, e.g. --option artifacts=s3://BUCKET/tunings, or set "
                "TUNESMITH_ARTIFACTS"
            )
        return self.artifacts
