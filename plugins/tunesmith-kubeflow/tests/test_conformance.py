"""The kubeflow backend runs the suite of every backend, over a cluster on this machine."""

from __future__ import annotations

from typing import ClassVar

import pytest

pytest.importorskip("kubeflow", reason="make test-kubeflow installs the Kubeflow SDK")
from kubernetes_server import Cluster, served

from tunesmith.testing.conformance import BackendConformance
from tunesmith_kubeflow.backend import KubeflowBackend
from tunesmith_kubeflow.options import KubeflowOptions


@pytest.mark.slow
class TestKubeflow(BackendConformance):
    backend_class = KubeflowBackend
    experiment_values: ClassVar = {
        "base_model": "tunesmith/micro-granite",
        "method": {
            "name": "prompt_tuning",
            "num_virtual_tokens": 8,
            "num_epochs": 4,
            "learning_rate": 0.01,
            "batch_size": 4,
            "accumulate_steps": 2,
            "init_method": "sample_vocab",
            "max_output_tokens": 8,
            "search_epochs": 20,
        },
    }

    @pytest.fixture(scope="class")
    @classmethod
    def make_backend(cls, store, tmp_path_factory):
        folder = tmp_path_factory.mktemp("cluster")
        with served(Cluster(folder)) as (config, _):
            options = KubeflowOptions(
                store=store, kubeconfig=config, artifacts=f"file://{folder}/artifacts"
            )
            yield lambda: KubeflowBackend(options)
