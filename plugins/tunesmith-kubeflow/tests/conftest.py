"""A cluster on this machine, and backends for it."""

from __future__ import annotations

import contextlib
import sys
import warnings
from pathlib import Path

import pytest

from tunesmith.backends.connect import connect as connect_to
from tunesmith.spec import TuningSpec

sys.path.insert(0, str(Path(__file__).parent))  # the test modules share kubernetes_server.py

with warnings.catch_warnings(), contextlib.suppress(ImportError):
    # The SDK configures a model of pydantic in an old way.
    warnings.simplefilter("ignore", DeprecationWarning)
    import kubeflow.trainer  # noqa: F401

METHOD = {"name": "prompt_tuning", "num_epochs": 2, "num_virtual_tokens": 4}


@pytest.fixture
def cluster(tmp_path_factory):
    from kubernetes_server import Cluster, served  # needs the SDK

    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    with served(cluster) as (config, stop):
        cluster.config, cluster.stop = config, stop
        yield cluster


@pytest.fixture
def artifacts(tmp_path):
    return f"file://{tmp_path}/artifacts"


@pytest.fixture
def connect(cluster, tmp_path, artifacts):
    """A function that connects to the cluster; options may be changed."""
    opened = []

    def connected(**options):
        given = {
            "store": tmp_path / "store", "artifacts": artifacts, "kubeconfig": cluster.config,
            "patience_seconds": 0, **options,
        }  # fmt: skip
        opened.append(connect_to("kubeflow", **given))
        return opened[-1]

    yield connected
    for backend in opened:
        backend.close()


@pytest.fixture
def spec():
    return TuningSpec(name="a job", labels=["0", "1"], method=METHOD)
