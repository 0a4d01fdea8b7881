"""The entry of this plugin. It is text, so the SDK is not imported."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.hookspecs import BackendEntry, hookimpl

__all__ = ["register_backends"]


@hookimpl
def register_backends() -> Sequence[BackendEntry]:
    """Name the backend. Its methods are those of the local backend."""
    return [
        BackendEntry(
            name="kubeflow",
            summary="Tuning on a Kubernetes cluster, by Kubeflow Trainer; served on this machine",
            target="tunesmith_kubeflow.backend:KubeflowBackend",
            requires=("kubeflow", "kubernetes", "fsspec"),
            install="pip install 'tunesmith[kubeflow]'",
        )
    ]
