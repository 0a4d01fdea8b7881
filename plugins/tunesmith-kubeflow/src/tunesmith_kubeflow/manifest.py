"""The TrainJob of a tuning. It holds no row, no setting of the tuning and no secret."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kubeflow.trainer import CustomTrainerContainer
from kubeflow.trainer.options import (
    ContainerPatch,
    JobSetSpecPatch,
    JobSetTemplatePatch,
    JobSpecPatch,
    JobTemplatePatch,
    Labels,
    Name,
    PodSpecPatch,
    PodTemplatePatch,
    ReplicatedJobPatch,
    RuntimePatch,
    TrainerArgs,
    TrainerCommand,
    TrainingRuntimeSpecPatch,
)

from tunesmith_kubeflow.options import KubeflowOptions
from tunesmith_kubeflow.secret_files import SECRETS

NODE = "node"
"""The SDK's name for the container and the part of a runtime that trains."""
QUEUE = "kueue.x-k8s.io/queue-name"
MOUNTED_AT = "/var/run/tunesmith/secret"
# OpenShift runs containers as a user without a home; caches and pip need one.
SCRIPT = """\
[ -w "${HOME:-/}" ] || export HOME=/tmp
url=$1
shift
[ $# -eq 0 ] || python -m pip install --quiet "$@" || exit 3
exec python -m tunesmith_kubeflow.worker "$url"
"""
"""Its arguments are the URL of the job, and what pip installs."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The arguments of ``TrainerClient.train``."""

    name: str
    trainer: CustomTrainerContainer
    options: tuple[Callable[..., None], ...]


def manifest(name: str, url: str, image: str, options: KubeflowOptions) -> Manifest:
    """Return the TrainJob ``name``, which tunes the job at ``url`` in one container of ``image``.

    One node, because a tuning uses one device; a runtime may have another default.
    """
    asked: dict[str, Any] = {"cpu": options.cpus, "memory": options.memory}
    asked["gpu"] = options.gpus or None
    resources = {kind: amount for kind, amount in asked.items() if amount is not None}
    labels = {"app.kubernetes.io/managed-by": "tunesmith"}
    if options.queue is not None:
        labels[QUEUE] = options.queue
    environment = {"PYTHONUNBUFFERED": "1"}
    chosen: list[Callable[..., None]] = [
        Name(name),
        Labels(labels),
        TrainerCommand(["sh", "-c", SCRIPT, "tunesmith"]),
        # Separate from the command, so that they replace those of the runtime.
        TrainerArgs([url, *options.packages.split()]),
    ]
    if options.secret is not None:
        environment[SECRETS] = MOUNTED_AT
        chosen.append(_mounted(options.secret))
    trainer = CustomTrainerContainer(
        image=image, num_nodes=1, resources_per_node=resources or None, env=environment
    )
    return Manifest(name, trainer, tuple(chosen))


def _mounted(secret: str) -> RuntimePatch:
    """Return the patch that mounts a Secret as files.

    The Trainer refuses patches of the container's environment, and the SDK's trainer has values
    only, so a reference to a Secret cannot be an environment variable.
    """
    volume = "tunesmith-secret"
    mount = {"name": volume, "mountPath": MOUNTED_AT, "readOnly": True}
    pod = PodSpecPatch(
        volumes=[{"name": volume, "secret": {"secretName": secret}}],
        containers=[ContainerPatch(name=NODE, volume_mounts=[mount])],
    )
    job = JobTemplatePatch(spec=JobSpecPatch(template=PodTemplatePatch(spec=pod)))
    jobs = JobSetSpecPatch(replicated_jobs=[ReplicatedJobPatch(name=NODE, template=job)])
    return RuntimePatch(TrainingRuntimeSpecPatch(template=JobSetTemplatePatch(spec=jobs)))
