"""What is refused before anything runs, and by whom: this machine, the cluster, the artifacts."""

from __future__ import annotations

import errno
import shutil

import pytest

pytest.importorskip("kubeflow", reason="make test-kubeflow installs the Kubeflow SDK")
import yaml
from kubernetes_server import Refusal, kubeconfig

from tunesmith.errors import (
    AuthenticationError,
    BackendError,
    DatasetError,
    ExperimentError,
    NotFoundError,
    PluginError,
    QuotaError,
)
from tunesmith.labels import LabelSet
from tunesmith.records import Row
from tunesmith.testing.rows import TRAIN
from tunesmith_micro_granite import path


@pytest.fixture
def refused(connect, spec, cluster):
    """Submit, expect a refusal that matches, and return the backend. Nothing was created."""

    def submit(kind, told, **options):
        backend = connect(**options)
        with pytest.raises(kind, match=told) as caught:
            backend.tuner.submit(spec, TRAIN)
        assert type(caught.value) is kind or issubclass(type(caught.value), kind)
        assert not cluster.manifests
        return caught.value

    return submit


def test_a_cluster_that_is_not_there(cluster, refused):
    cluster.stop()
    refused(BackendError, r"127.0.0.1:\d+: .*Connection refused; .*kubectl cluster-info")


def test_no_kubeconfig(refused, tmp_path):
    refused(ExperimentError, "set KUBECONFIG or the option", kubeconfig=tmp_path / "none.yaml")


def test_an_unknown_context(refused):
    refused(ExperimentError, "nowhere.*check the option context", context="nowhere")


def test_a_token_that_has_expired(cluster, refused):
    config = yaml.safe_load(cluster.config.read_text())
    address = config["clusters"][0]["cluster"]["server"]
    cluster.config.write_text(yaml.safe_dump(kubeconfig(address, "old-token-88")))
    error = refused(AuthenticationError, "Unauthorized.*HTTP 401.*log in again")
    assert "old-token-88" not in str(error)


@pytest.mark.parametrize(
    ("refusal", "kind", "told"),
    [
        (Refusal(403, "trainjobs is forbidden: User 'ann'"), AuthenticationError,
         "forbidden: User 'ann'.*can-i create trainjobs.* --namespace team"),
        (Refusal(403, "exceeded quota: gpus"), QuotaError, "exceeded quota.*higher quota"),
        (Refusal(429, "too many requests"), QuotaError, "too many requests"),
        (Refusal(500, "etcd: timed out"), BackendError, "etcd: timed out.*try again later"),
    ],
)  # fmt: skip
def test_the_api_server_refuses(cluster, refused, refusal, kind, told):
    cluster.refusal = refusal
    refused(kind, told)


def test_an_unknown_runtime(refused):
    told = "option runtime: .*'torch-x'.*the cluster has: torch-distributed"
    refused(NotFoundError, told, runtime="torch-x")


def test_an_unknown_namespace(refused, tmp_path):
    refused(NotFoundError, 'namespaces "x" not found.*option namespace', namespace="x")
    assert not list((tmp_path / "artifacts").iterdir())


def test_a_cluster_without_the_trainer(cluster, refused):
    cluster.has_trainer = False
    refused(NotFoundError, "no Kubeflow Trainer 2: kubectl get crd")


def test_a_refused_train_job_leaves_nothing(cluster, connect, spec, tmp_path, monkeypatch):
    def create(manifest):
        raise Refusal(403, "admission webhook denied the request")

    monkeypatch.setattr(cluster, "create", create)
    with pytest.raises(AuthenticationError, match="admission webhook denied"):
        connect().tuner.submit(spec, TRAIN)
    assert not list((tmp_path / "artifacts").iterdir())
    assert not list((tmp_path / "store/jobs").iterdir())


def test_artifacts_are_needed(refused):
    refused(ExperimentError, "option artifacts .* is missing.*TUNESMITH_ARTIFACTS", artifacts=None)


def test_artifacts_that_cannot_be_written(refused, tmp_path):
    (tmp_path / "file").write_text("no folder")
    place = f"file://{tmp_path}/file/artifacts"
    refused(BackendError, f"writing {place}.*check the option artifacts", artifacts=place)


def test_a_full_disk(refused, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("fsspec.implementations.local.LocalFileSystem.pipe_file", full)
    refused(BackendError, "No space left.*check the option artifacts")


def test_artifacts_of_an_unknown_kind(refused):
    refused(PluginError, "nosuch", artifacts="nosuch://a/b")


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("artifacts", "folder/here", "must be a URL such as s3://"),
        ("artifacts", "simplecache::s3://bucket/x", "must be a URL such as s3://"),
        ("artifacts", "s3://key:secret@bucket/x", "no credentials.*option secret"),
        ("artifacts", "s3://bucket/x?sig=1", "no credentials"),
        ("packages", "git+https://me:token@host/x", "no credentials.*build an image"),
        ("packages", "x@ https://me:token@host/x", "no credentials.*build an image"),
        ("gpus", 2, "gpus"),
        ("nodes", 2, "has no option 'nodes'"),
    ],
)
def test_a_wrong_option(connect, option, value, told):
    with pytest.raises(ExperimentError, match=told) as caught:
        connect(**{option: value})
    assert "secret@" not in str(caught.value)
    assert "token" not in str(caught.value)


def test_a_folder_is_no_base_model(connect, spec, tmp_path, cluster):
    folder = tmp_path / "model"
    shutil.copytree(path(), folder)
    with pytest.raises(ExperimentError, match=r"is a file or folder of this machine.*TUNESMITH_MO"):
        connect().tuner.submit(spec.model_copy(update={"base_model": str(folder)}), TRAIN)
    assert not cluster.manifests


def test_the_checks_of_the_local_backend_come_first(connect, spec, cluster):
    tuner = connect().tuner
    with pytest.raises(DatasetError, match="'2' is not one of the labels"):
        tuner.submit(spec, [*TRAIN, Row(input="x", output="2")])
    patient = spec.method.model_copy(update={"early_stopping_patience": 1})
    with pytest.raises(ExperimentError, match="needs validation rows"):
        tuner.submit(spec.model_copy(update={"method": patient}), TRAIN)
    # What only the base model tells: the label has more tokens than are tuned.
    labels = LabelSet.model_validate({"0": "rude " * 300 + "and late", "1": "1"})
    long = spec.model_copy(update={"labels": labels})
    with pytest.raises(ExperimentError, match="max_output_tokens"):
        tuner.submit(long, TRAIN)
    assert not cluster.manifests
