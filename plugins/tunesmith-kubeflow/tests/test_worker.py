"""The command of the container: its environment, its lines, and its exit codes."""

from __future__ import annotations

import os

import pytest

pytest.importorskip("kubeflow", reason="make test-kubeflow installs the Kubeflow SDK")

from fsspec.config import conf
from fsspec.implementations.memory import MemoryFileSystem

from tunesmith.errors import ExperimentError
from tunesmith.records import TuningEvent
from tunesmith_kubeflow.folder import JobFolder, Outcome
from tunesmith_kubeflow.log_lines import ended_line, event_line, read
from tunesmith_kubeflow.secret_files import SECRETS, set_environment
from tunesmith_kubeflow.worker import main


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """A copy of the environment, which the worker may change."""
    monkeypatch.setattr(os, "environ", dict(os.environ))


def test_the_keys_of_a_secret_become_variables(tmp_path, monkeypatch):
    (tmp_path / "..data").mkdir()  # as Kubernetes mounts it
    for key, value in {
        "HF_TOKEN": "hf-77\n", "HOME": "/nowhere", "AWS_S3_ENDPOINT": "https://minio:9000",
        "FSSPEC_MEMORY_ENDPOINT": "here",
    }.items():  # fmt: skip
        (tmp_path / key).write_text(value)
    os.environ[SECRETS] = str(tmp_path)
    before = os.environ["HOME"]
    set_environment()
    assert os.environ["HF_TOKEN"] == "hf-77"
    assert os.environ["HOME"] == before
    assert os.environ["AWS_ENDPOINT_URL_S3"] == "https://minio:9000"
    assert conf.pop("memory") == {"endpoint": "here"}


def test_a_secret_that_is_not_mounted(tmp_path, capsys):
    os.environ[SECRETS] = str(tmp_path / "none")
    with pytest.raises(ExperimentError, match=r"is not mounted at .*runtimePatches"):
        set_environment()
    assert main(["file:///nowhere"]) == 1
    assert "is not mounted" in capsys.readouterr().err


def test_lines_are_read_back():
    events = [
        TuningEvent(kind="step", step=1, epoch=1, loss=0.5),
        TuningEvent(kind="note", message="a line\nand another \u2028"),
    ]
    lines = [event_line(number, event) for number, event in enumerate(events)]
    cut = lines[1][:-9]
    found = read(["downloading", *lines, cut, "TUNESMITH 1", ended_line()])
    assert found.events == dict(enumerate(events))
    assert found.ended
    assert found.others == ["downloading", cut, "TUNESMITH 1"]
    # The log of a pod is cut into lines as str.splitlines does.
    assert all(line.splitlines() == [line] for line in lines)


def test_without_a_job_there_is_a_failed_outcome(tmp_path, capsys):
    url = f"file://{tmp_path}/job"
    assert main([url]) == 1
    outcome = JobFolder(url).outcome()
    assert outcome is not None
    assert outcome.status == "failed"
    assert "there is no job; submit the tuning again" in outcome.error
    assert outcome.error in capsys.readouterr().err


def test_an_outcome_stays(tmp_path, capsys):
    folder = JobFolder(f"file://{tmp_path}/job")
    folder.put_outcome(Outcome(status="completed"), ())
    assert main([folder.url]) == 0
    assert capsys.readouterr().out == f"{ended_line()}\n"
    assert not list((tmp_path / "job").glob(".*"))


def test_usage_and_artifacts_that_cannot_be_reached(tmp_path, capsys):
    assert main([]) == 1
    assert main(["nosuch://a"]) == 1
    (tmp_path / "file").write_text("no folder")
    assert main([f"file://{tmp_path}/file/job"]) == 1
    told = capsys.readouterr().err
    assert "usage: python -m tunesmith_kubeflow.worker URL" in told
    assert "Protocol not known" in told
    assert "check the option artifacts" in told


def test_a_damaged_outcome(tmp_path):
    (tmp_path / "outcome.json").write_text('{"status": "somewhere"}')
    with pytest.raises(Exception, match=r"outcome\.json is damaged.*submit the tuning again"):
        JobFolder(f"file://{tmp_path}").outcome()


def test_no_bucket_is_made(monkeypatch):
    def makedirs(*_, **__):
        pytest.fail("this would make a bucket")

    monkeypatch.setattr(MemoryFileSystem, "protocol", ("s3", "s3a"))
    monkeypatch.setattr(MemoryFileSystem, "makedirs", makedirs)
    folder = JobFolder("memory://bucket/job")
    folder.put_outcome(Outcome(status="completed"), ())
    assert folder.outcome() is not None
    folder.remove()
    folder.remove()
    assert folder.outcome() is None
