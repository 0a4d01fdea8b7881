"""Jobs: what is written and sent, and how a job is followed, lost, found again and cancelled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("kubeflow", reason="make test-kubeflow installs the Kubeflow SDK")
from kubernetes_server import Refusal

from tunesmith.errors import BackendError, NotFoundError, TuningError
from tunesmith.records import Row
from tunesmith.runs.provenance import own_version
from tunesmith.spec import TuningSpec
from tunesmith.testing.rows import TEST, TRAIN, VALIDATION

LIMIT = 120


def follow(job):
    events = []
    return job.wait(events.append, timeout=LIMIT), events


def python_as(cluster, script):
    """Give the containers another Python: ``script`` in sh, with the real one in ``$PYTHON``."""
    folder = cluster.folder / "bin"
    folder.mkdir()
    (folder / "python").write_text(f"#!/bin/sh\nPYTHON={sys.executable}\n{script}\n")
    (folder / "python").chmod(0o755)
    cluster.environment["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_a_tuning_on_the_cluster_is_served_here(cluster, connect, spec, tmp_path):
    backend = connect(
        gpus=1, cpus="2", memory="4Gi", image="registry/tunesmith:1", packages="a b", queue="q"
    )
    python_as(cluster, '[ "$2" = pip ] && echo pip "$@" && exit; exec "$PYTHON" "$@"')
    job = backend.tuner.submit(spec, TRAIN, VALIDATION)
    model, events = follow(job)
    assert [e.status for e in events if e.kind == "status"] == ["queued", "running", "completed"]
    assert [e.step for e in events if e.kind == "step"] == [1, 2]
    assert all(e.validation_loss is not None for e in events if e.kind == "epoch")
    assert (model.backend, model.job_id) == ("kubeflow", job.id)
    deployment = backend.deployer.deploy(model, "here")
    assert deployment.backend == "kubeflow"
    found = backend.predictor.classify(deployment, [row.input for row in TEST], ["0", "1"])
    assert len(found) == len(TEST)

    (manifest,) = cluster.manifests
    assert manifest["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "q"
    trainer = manifest["spec"]["trainer"]
    assert trainer["args"][1:] == ["a", "b"]
    assert (trainer["image"], trainer["numNodes"]) == ("registry/tunesmith:1", 1)
    asked = {"cpu": "2", "memory": "4Gi", "nvidia.com/gpu": 1}
    assert trainer["resourcesPerNode"] == {"limits": asked, "requests": asked}
    assert "pip -m pip install --quiet a b" in cluster.jobs[job.id].log.read_text()
    assert not [row.input for row in TRAIN if row.input in json.dumps(manifest)]

    backend.tuner.export(model, tmp_path / "adapter")
    adopted = backend.tuner.adopt(tmp_path / "adapter")
    assert (adopted.id, adopted.backend) == (model.id, "kubeflow")


def test_the_artifact_is_a_tuned_model_of_the_local_backend(connect, spec, tmp_path, artifacts):
    from tunesmith.backends.connect import connect as connect_to

    job = connect().tuner.submit(spec, TRAIN)
    model = job.wait(timeout=LIMIT)
    folder = Path(artifacts.removeprefix("file://")) / job.id / "adapter"
    with connect_to("local", store=tmp_path / "other") as local:
        deployment = local.deployer.deploy(local.tuner.adopt(folder), "passed on")
        assert local.predictor.generate(deployment, ["Great!"])
        here = local.tuner.tune(spec, TRAIN)
    losses = [[step.loss for step in one.curve.steps] for one in (model, here)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_a_secret_is_mounted_and_never_in_a_manifest(cluster, connect, spec, artifacts):
    cluster.secrets["storage"] = {"AWS_SECRET_ACCESS_KEY": "s3cr3t-91", "HF_TOKEN": "hf-77"}
    python_as(cluster, 'cat "$TUNESMITH_SECRETS/HF_TOKEN"; exit 1')
    job = connect(secret="storage").tuner.submit(spec, TRAIN)
    with pytest.raises(TuningError):
        job.wait(timeout=LIMIT)
    assert cluster.jobs[job.id].log.read_text() == "hf-77"
    written = [path.read_text() for path in Path(artifacts.removeprefix("file://")).rglob("*.json")]
    for text in (json.dumps(cluster.manifests), *written):
        assert "s3cr3t-91" not in text
        assert "hf-77" not in text
    (patch,) = cluster.manifests[0]["spec"]["runtimePatches"]
    assert "env" not in json.dumps(patch)


def test_cancel(cluster, connect, spec):
    job = connect().tuner.submit(spec, TRAIN)
    process = cluster.jobs[job.id].process
    job.cancel()
    assert job.status() == "cancelled"
    assert not cluster.jobs
    assert process.poll() is not None
    with pytest.raises(TuningError, match="is cancelled"):
        job.result()
    assert connect().tuner.resume(job.id).status() == "cancelled"


def test_an_account_that_may_read_neither_logs_nor_events(cluster, connect, spec):
    cluster.unreadable = ("log", "events")
    job = connect().tuner.submit(spec, TRAIN)
    assert [event.step for event in follow(job)[1] if event.kind == "step"] == [1, 2]


def test_a_process_that_dies_while_it_cancels(cluster, connect, spec, monkeypatch):
    job = connect().tuner.submit(spec, TRAIN)
    monkeypatch.setattr(type(job), "_follow_until", lambda *_: None)
    job.cancel()
    assert connect().tuner.resume(job.id).status() == "cancelled"


def test_a_job_of_another_machine(connect, spec, tmp_path):
    job = connect().tuner.submit(spec, TRAIN)
    other = {"store": tmp_path / "empty"}
    found = connect(**other).tuner.resume(job.id)
    assert found.wait(timeout=LIMIT).job_id == job.id
    with pytest.raises(NotFoundError, match="has no such job either"):
        connect(**other).tuner.resume("tunesmith-000000000000")
    with pytest.raises(NotFoundError, match="the option artifacts finds"):
        connect(**other, artifacts=None).tuner.resume("tunesmith-000000000000")


def test_the_outcome_outlives_the_train_job(cluster, connect, spec):
    """Clusters remove TrainJobs some time after their end."""
    backend = connect()
    job = backend.tuner.submit(spec, TRAIN)
    assert cluster.jobs[job.id].process.wait(LIMIT) == 0
    cluster.delete(job.id)
    model, events = follow(job)
    assert len(model.curve.steps) == 2
    assert [e.step for e in events if e.kind == "step"] == [1, 2]
    assert connect().tuner.resume(job.id).result() == model


def test_a_removed_train_job(cluster, connect, spec):
    job = connect().tuner.submit(spec, TRAIN)
    cluster.delete(job.id)
    with pytest.raises(TuningError, match="removed from namespace 'team' before it ended"):
        job.wait(timeout=LIMIT)


def test_a_pod_that_starts_again(cluster, connect, spec):
    """Each event is reported once, and a job with an outcome is not tuned again."""
    job = connect().tuner.submit(spec, TRAIN)
    running = cluster.jobs[job.id]
    while "TUNESMITH [0" not in running.log.read_text():
        time.sleep(0.05)
    job.look()
    running.stop()
    running.process = cluster.start(running.manifest["spec"], running.log)
    model, events = follow(job)
    assert [e.step for e in events if e.kind == "step"] == [1, 2]
    again = cluster.start(running.manifest["spec"], cluster.folder / "again.log")
    assert again.wait(LIMIT) == 0
    assert (cluster.folder / "again.log").read_text() == 'TUNESMITH "ended"\n'
    assert model.curve == job.learning_curve()


def test_a_pending_pod_tells_why(cluster, connect, spec):
    cluster.schedules = False
    job = connect().tuner.submit(spec, TRAIN)
    cluster.events = [
        {
            "metadata": {"name": f"e{number}", "namespace": "team"},
            "involvedObject": {"kind": "Pod", "name": f"{job.id}-node-0-0-x7k2p"},
            "reason": reason, "message": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
            "firstTimestamp": "2026-11-29T12:00:00Z",
        }
        for number, reason in enumerate(("FailedScheduling", "FailedScheduling", "Scheduled"))
    ]  # fmt: skip
    job.look()
    job.look()
    notes = [event.message for event in job.events() if event.kind == "note"]
    assert len(notes) == 1
    assert "FailedScheduling: 0/3 nodes" in notes[0]
    assert job.status() == "queued"


@pytest.mark.parametrize(
    ("script", "told"),
    [
        # The image has a Python without tunesmith.
        ('exec "$PYTHON" -I -S "$@"', "'any:1' lacks tunesmith-kubeflow; give an image that has"),
        ("echo working; kill -9 $$", "ended without an outcome.*working.*kubectl logs"),
        ("echo 'TUNESMITH \"ended\"'; exec sleep 60", "is complete, but file://.* has no outcome"),
        ("echo done", "is complete, but file://.* has no outcome.*option artifacts"),
    ],
)
def test_a_container_that_ends_without_an_outcome(cluster, connect, spec, script, told):
    python_as(cluster, script)
    job = connect(image="any:1").tuner.submit(spec, TRAIN)
    with pytest.raises(TuningError, match=told):
        job.wait(timeout=LIMIT)


def test_a_container_of_another_version(connect, spec, monkeypatch):
    monkeypatch.setattr("tunesmith_kubeflow.tuning.own_version", lambda: "9.9.9")
    job = connect().tuner.submit(spec, TRAIN)
    told = f"container: it has tunesmith {own_version()}, the submission 9.9.9; give an image"
    with pytest.raises(TuningError, match=told):
        job.wait(timeout=LIMIT)


def test_a_container_without_a_plugin(connect, spec, monkeypatch):
    def values(given: TuningSpec):
        return {**given.model_dump(mode="json"), "method": {"name": "of_a_plugin"}}

    monkeypatch.setattr("tunesmith_kubeflow.tuning.spec_values", values)
    job = connect().tuner.submit(spec, TRAIN)
    with pytest.raises(TuningError, match=r"in the container: .*'of_a_plugin'.*kubectl logs"):
        job.wait(timeout=LIMIT)


def test_the_api_server_ends_and_comes_back(cluster, connect, spec):
    backend = connect()
    job = backend.tuner.submit(spec, TRAIN)
    job.look()
    cluster.refusal = Refusal(503, "the server is currently unable to handle the request")
    with pytest.raises(BackendError, match=r"unable to handle.*HTTP 503.*try again later"):
        job.look()
    patient = connect(patience_seconds=60).tuner.resume
    with pytest.raises(BackendError, match="503"):
        patient(job.id)  # it never answered this process
    cluster.refusal = None
    other = patient(job.id)
    cluster.refusal = Refusal(503, "the server is currently unable to handle the request")
    assert other.look() in ("queued", "running")
    cluster.refusal = None
    assert other.wait(timeout=LIMIT).job_id == job.id


@pytest.mark.slow
def test_a_run_is_killed_and_resumed(cluster, artifacts, tmp_path):
    """The command line, to the verdict."""
    for name, rows in (("train", TRAIN * 2), ("test", VALIDATION + TEST_ROWS)):
        (tmp_path / f"{name}.json").write_text(json.dumps([row.model_dump() for row in rows]))
    (tmp_path / "experiment.yaml").write_text(
        "name: killed\nlabels: ['0', '1']\ndata: {train: train.json, test: test.json}\n"
        "method: {name: prompt_tuning, num_epochs: 2, num_virtual_tokens: 4}\n"
    )
    options = [f"--option=artifacts={artifacts}", f"--option=kubeconfig={cluster.config}"]
    command = [sys.executable, "-m", "tunesmith"]
    run = [*command, "run", "experiment.yaml", "--backend", "kubeflow", *options]
    process = subprocess.Popen(run, cwd=tmp_path, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + LIMIT
    while not list(tmp_path.glob("runs/store/kubeflow/jobs/*.json")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)
    process.kill()
    process.wait()
    (directory,) = tmp_path.glob("runs/*killed*")
    resumed = subprocess.run(
        [*command, "resume", str(directory), *options], cwd=tmp_path, capture_output=True, text=True
    )
    assert resumed.returncode == 0, resumed.stderr
    assert len(cluster.manifests) == 1
    record = json.loads((directory / "run.json").read_text())
    assert record["job_id"] == cluster.manifests[0]["metadata"]["name"]
    assert (directory / "report.html").is_file()
    assert (directory / "adapter" / "adapter_model.safetensors").is_file()


TEST_ROWS = tuple(
    Row(input=text, output=label)
    for text, label in (("Great kind staff.", "1"), ("Rude and dirty.", "0"))
)
