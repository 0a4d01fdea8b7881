"""Prompts that come and go while the server runs, and what is refused at load."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from served_prompts import MICRO, client_of

from tunesmith import connect
from tunesmith.errors import ExperimentError, RunError, TunesmithError
from tunesmith.runs.run import RunDirectory
from tunesmith_serve.prompts import read_source
from tunesmith_serve.registry import FILE
from tunesmith_serve.service import Service
from tunesmith_serve.settings import Settings

ADMIN = {"Authorization": "Bearer admin"}


@pytest.fixture
def folder(tuned: Any, tmp_path: Path) -> Path:
    """A folder of prompts with one run in it."""
    shutil.copytree(tuned.other, tmp_path / "run")
    return tmp_path


@pytest.fixture
def alone(tuned: Any, tmp_path: Path) -> Path:
    """An adapter folder without its run."""
    return Path(shutil.copytree(tuned.other / "adapter", tmp_path / "alone"))


def bare(tuned: Any, folder: Path) -> Service:
    return Service(tuned.backend, MICRO, Settings(prompts=folder, admin_key="admin")).load()


def names(client: Any) -> list[str]:
    return [one["name"] for one in client.get("/v1/prompts", headers=ADMIN).json()["prompts"]]


@pytest.mark.parametrize("name", ["late", "ft:a/model:me::1"])
def test_an_added_prompt_answers_and_is_there_after_a_restart(
    tuned: Any, folder: Path, name: str
) -> None:
    service = bare(tuned, folder)
    client = client_of(service)
    added = client.post(f"/v1/prompts/{name}", json={"path": "run"}, headers=ADMIN)
    assert added.json()["labels"] == ["0", "1"]
    question = {"type": "choice", "criteria": {"0": None, "1": None}}
    body = {"model": name, "state": "Rude.", "questions": {"q": question}}
    answer = client.post("/v1/systemone", json=body).json()["answers"]["q"]
    assert answer["x_answered_by"] == name
    service.close()
    again = bare(tuned, folder)
    assert names(client_of(again)) == [name]
    assert client_of(again).delete(f"/v1/prompts/{name}", headers=ADMIN).json()["deleted"] is True
    again.close()
    last = bare(tuned, folder)
    assert names(client_of(last)) == []
    last.close()


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "nothing", "run/run.json"])
def test_a_path_must_lead_to_a_prompt_below_the_folder(tuned: Any, folder: Path, path: str) -> None:
    service = bare(tuned, folder)
    response = client_of(service).post("/v1/prompts/x", json={"path": path}, headers=ADMIN)
    assert response.status_code == 400, response.text
    assert not (folder / FILE).exists()
    service.close()


def test_a_link_out_of_the_folder_is_refused(tuned: Any, folder: Path) -> None:
    (folder / "link").symlink_to(tuned.grooming)
    service = bare(tuned, folder)
    response = client_of(service).post("/v1/prompts/x", json={"path": "link"}, headers=ADMIN)
    assert "not below the folder" in response.json()["error"]["message"]
    service.close()


def test_only_the_admin_key_changes_prompts(tuned: Any, folder: Path, client: Any) -> None:
    service = bare(tuned, folder)
    with_keys = client_of(service)
    for headers in ({}, {"Authorization": "Bearer other"}):
        response = with_keys.post("/v1/prompts/x", json={"path": "run"}, headers=headers)
        assert response.status_code == 401
    service.close()
    assert client.post("/v1/prompts/x", json={"path": "run"}, headers=ADMIN).status_code == 403


def test_a_name_is_taken_once(tuned: Any, folder: Path) -> None:
    service = bare(tuned, folder)
    client = client_of(service)
    service.prompts.add(read_source(tuned.grooming), "x")
    response = client.post("/v1/prompts/x", json={"path": "run"}, headers=ADMIN)
    assert "the name of another prompt" in response.json()["error"]["message"]
    service.close()


def test_a_registry_that_cannot_be_written_changes_nothing(
    tuned: Any, folder: Path, monkeypatch: Any
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(28, os.strerror(28), str(folder / FILE))

    service = bare(tuned, folder)
    client = client_of(service)
    monkeypatch.setattr("tunesmith_serve.registry.write_atomically", full)
    response = client.post("/v1/prompts/x", json={"path": "run"}, headers=ADMIN)
    assert response.status_code == 507
    assert "free some space" in response.json()["error"]["message"]
    assert names(client) == []
    service.close()


def test_a_kept_prompt_that_is_gone_is_left_out_with_the_reason(
    tuned: Any, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / FILE).write_text(json.dumps({"gone": "nothing", "there": "run"}), "utf-8")
    service = bare(tuned, folder)
    assert list(service.prompts.all()) == ["there"]
    assert "'gone' is not served" in caplog.text
    service.close()


def test_a_kept_prompt_is_opened_after_the_start_and_left_out_if_its_weights_are_damaged(
    alone: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with connect("local", store=tmp_path / "store") as backend:
        deployment = backend.deployer.deploy(backend.tuner.adopt(alone), "kept")
    (tmp_path / "kept.json").write_text(deployment.to_json(), "utf-8")
    (tmp_path / FILE).write_text(json.dumps({"kept": "kept.json"}), "utf-8")
    for weights in (tmp_path / "store" / "models").rglob("adapter_model.safetensors"):
        weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    with connect("local", store=tmp_path / "store") as backend:
        service = Service(backend, MICRO, Settings(prompts=tmp_path)).load()
        assert service.ready
        until = time.monotonic() + 30
        while service.prompts.all() and time.monotonic() < until:
            time.sleep(0.02)
        service.close()
    assert "'kept' is not served" in caplog.text
    assert json.loads((tmp_path / FILE).read_text("utf-8")) == {"kept": "kept.json"}


def test_a_damaged_registry_is_named(tuned: Any, folder: Path) -> None:
    (folder / FILE).write_text("{", "utf-8")
    with pytest.raises(ExperimentError, match=r"served-prompts\.json: damaged"):
        bare(tuned, folder)


def changed(folder: Path, tuned: Any, **changes: Any) -> Path:
    """Return a copy of a run whose deployment has other fields."""
    run = RunDirectory.load(folder / "run")
    deployment = run.record.deployment
    assert deployment is not None
    run.update(deployment=deployment.model_copy(update=changes))
    return run.directory


def test_a_prompt_of_another_base_model_or_backend_is_refused(
    service: Any, tuned: Any, folder: Path
) -> None:
    with pytest.raises(ExperimentError, match="tuned from 'other/model'"):
        service.prompts.add(read_source(changed(folder, tuned, base_model="other/model")), "x")
    with pytest.raises(ExperimentError, match="backend 'sklearn'"):
        service.prompts.add(read_source(changed(folder, tuned, backend="sklearn")), "x")


def test_a_prompt_of_another_store_or_a_damaged_one_is_refused(
    service: Any, tuned: Any, folder: Path
) -> None:
    with pytest.raises(TunesmithError, match="no deployment 'gone' in the store"):
        service.prompts.add(read_source(changed(folder, tuned, id="gone")), "x")


def test_the_adapter_of_a_run_is_its_prompt(tuned: Any) -> None:
    adapter, run = read_source(tuned.grooming / "adapter"), read_source(tuned.grooming)
    assert (adapter.path, adapter.deployment) == (run.path, run.deployment)
    assert adapter.calibration == run.calibration is not None


def test_a_deployment_file_is_a_prompt_without_calibration(tuned: Any, tmp_path: Path) -> None:
    run = read_source(tuned.grooming)
    file = tmp_path / "deployment.json"
    file.write_text(run.deployment.to_json(), "utf-8")
    found = read_source(file)
    assert (found.deployment, found.calibration) == (run.deployment, None)
    assert found.name == run.deployment.name


def test_a_run_that_tuned_nothing_is_no_prompt(folder: Path) -> None:
    run = RunDirectory.load(folder / "run")
    run.update(deployment=None)
    with pytest.raises(RunError, match="tunes nothing"):
        read_source(run.directory)


@pytest.mark.parametrize("name", ["a b", "", "../x", MICRO, "x" * 200])
def test_a_name_is_part_of_an_address(service: Any, tuned: Any, name: str) -> None:
    source = read_source(tuned.other)
    if name == "":
        assert service.prompts.add(source, name).name == tuned.other.name
        return
    with pytest.raises(ExperimentError, match="cannot be the name"):
        service.prompts.add(source, name)


def asked(client: Any, name: str) -> dict[str, Any]:
    question = {"type": "choice", "criteria": {"0": None, "1": None}}
    body = {"model": name, "state": "Rude.", "questions": {"q": question}}
    answer: dict[str, Any] = client.post("/v1/systemone", json=body).json()["answers"]["q"]
    return answer


def test_an_adapter_without_its_run_is_served_by_another_machine(
    tuned: Any, alone: Path, tmp_path: Path
) -> None:
    service = bare(tuned, tmp_path)
    service.prompts.add(read_source(tuned.other), "run")
    expected = asked(client_of(service), "run")
    service.close()
    settings = Settings(prompts=tmp_path, admin_key="admin")
    with connect("local", store=tmp_path / "elsewhere") as backend:
        for _ in range(2):  # the second start finds the deployment of the first
            service = Service(backend, MICRO, settings).load()
            client = client_of(service)
            client.post("/v1/prompts/alone", json={"path": "alone"}, headers=ADMIN)
            answer = asked(client, "alone")
            assert answer["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-6)
            assert len(backend.deployer.list()) == 1
            service.close()


def test_a_damaged_copy_of_a_served_adapter_is_refused_and_the_original_stays(
    tuned: Any, alone: Path, tmp_path: Path
) -> None:
    service = bare(tuned, tmp_path)
    service.prompts.add(read_source(tuned.other), "run")
    client = client_of(service)
    before = asked(client, "run")
    weights = alone / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    refused = client.post("/v1/prompts/alone", json={"path": "alone"}, headers=ADMIN)
    assert refused.status_code == 400
    assert "the store has other weights of the tuned model" in refused.json()["error"]["message"]
    assert asked(client, "run") == before
    (alone / "tuned_model.json").write_text("{}")
    refused = client.post("/v1/prompts/alone", json={"path": "alone"}, headers=ADMIN)
    assert "tuned_model.json: damaged" in refused.json()["error"]["message"]
    service.close()
