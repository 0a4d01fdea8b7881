"""Deployments, predictions under a rate limit, and cleaning up."""

from __future__ import annotations

import re

import pytest

from tunesmith.errors import BackendError, DeploymentError, NotFoundError, QuotaError
from tunesmith.testing.rows import TEST, TRAIN
from tunesmith_watsonx.backend import WatsonxBackend
from tunesmith_watsonx.deployments import serving_name

INPUTS = [row.input for row in TEST]
GENERATION = "POST /ml/v1/deployments/*/text/generation"


@pytest.fixture
def deployment(backend, tuned):
    return backend.deployer.deploy(tuned, "it")


def sent(emulator):
    return sum(r["path"].endswith("/text/generation") for r in emulator.requests)


def left_at_the_service(backend):
    client = backend._connection.client
    with backend._connection.call("asking"):
        return {
            "assets": len(client.data_assets.get_details()["resources"]),
            "trainings": len(client.training.get_details()["resources"]),
            "deployments": len(client.deployments.get_details(_silent=True)["resources"]),
        }


NOTHING = {"assets": 0, "trainings": 0, "deployments": 0}


def test_a_name_is_fit_for_an_address(tuned):
    names = [serving_name(tuned, name) for name in ("A Run/2026-10-01!", "a" * 99, "ä", "it")]
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{0,35}", name) for name in names)
    assert len(set(names)) == 4
    other = tuned.model_copy(update={"id": "other"})
    assert serving_name(tuned, "it") == serving_name(tuned, "it") != serving_name(other, "it")


def test_deploying_twice_gives_one_deployment(backend, connect, tuned, deployment, tmp_path):
    assert backend.deployer.deploy(tuned, "it") == deployment
    # Even if a crash prevented the writing of the record.
    assert connect(store=tmp_path / "elsewhere").deployer.deploy(tuned, "it") == deployment
    assert left_at_the_service(backend)["deployments"] == 1


def test_a_deployment_that_is_gone_at_the_service(backend, deployment):
    with backend._connection.call("deleting"):
        backend._connection.client.deployments.delete(deployment.id)
    assert backend.deployer.list() == []
    with pytest.raises(NotFoundError, match=deployment.id):
        backend.deployer.get(deployment.id)
    backend.deployer.undeploy(deployment)


def test_a_refused_deployment_gives_the_reason(emulator, backend, tuned):
    emulator.fail("POST /ml/v4/deployments", status=400)
    with pytest.raises(DeploymentError, match="deploying model"):
        backend.deployer.deploy(tuned, "refused")


def test_a_storm_of_refusals_changes_no_answer(emulator, backend, deployment):
    expected = backend.predictor.generate(deployment, INPUTS)
    before = sent(emulator)
    emulator.fail(GENERATION, status=429, times=5, retry_after=0)
    assert backend.predictor.generate(deployment, INPUTS) == expected
    assert sent(emulator) - before == len(INPUTS) + 5


def test_a_limit_that_does_not_end_is_a_quota_error(emulator, connect, deployment):
    emulator.fail(GENERATION, status=429, times=None)
    with pytest.raises(QuotaError, match=r"did not end within 0\.1 s"):
        connect(patience_seconds=0.1).predictor.generate(deployment, INPUTS)


def test_a_stream_waits_for_the_limit_too(emulator, backend, deployment):
    expected = backend.predictor.generate(deployment, INPUTS[:1])[0].text
    emulator.fail("POST /ml/v1/deployments/*/text/generation_stream", status=429, retry_after=0)
    pieces = backend.predictor.stream(deployment, INPUTS[0])
    assert "".join(piece.text for piece in pieces) == expected


def test_tokens_of_a_deployment_are_those_of_its_base_model(emulator, backend, deployment):
    emulator.fail("POST /ml/v1/text/tokenization", status=403)
    with pytest.raises(BackendError, match=deployment.base_model):
        backend.predictor.tokenize(deployment, ["a few words"])


def test_counts_and_reasons_are_reported(backend, deployment):
    generations = backend.predictor.generate(deployment, INPUTS)
    for text, generation in zip(INPUTS, generations, strict=True):
        assert generation.prompt is None
        assert generation.stop_reason == "eos_token"
        assert generation.input_token_count == len(text.split())
        assert generation.generated_token_count == 1


def test_clean_up_leaves_nothing(backend, deployment):
    assert left_at_the_service(backend) == {"assets": 1, "trainings": 1, "deployments": 1}
    removed = backend.clean_up()
    assert left_at_the_service(backend) == NOTHING
    assert [what.split(" ")[0] for what in removed] == [
        "deployment",
        "tuned",
        "training",
        "uploaded",
    ]
    assert backend.clean_up() == []


def test_clean_up_cancels_running_jobs(emulator, backend, experiment):
    emulator.set_pace(running=60.0)
    backend.tuner.submit(experiment(), TRAIN)
    backend.clean_up()
    assert left_at_the_service(backend) == NOTHING


def test_clean_up_continues_after_an_error_and_can_be_repeated(emulator, backend, deployment):
    emulator.fail("DELETE /ml/v4/trainings/*", status=400)
    with pytest.raises(BackendError, match="1 things could not be removed"):
        backend.clean_up()
    assert left_at_the_service(backend) == {**NOTHING, "trainings": 1}
    backend.clean_up()
    assert left_at_the_service(backend) == NOTHING


def test_the_option_cleans_up_what_this_instance_made(connect, backend, tuned, experiment):
    with connect(clean_up=True) as other:
        other.deployer.deploy(other.tuner.submit(experiment(), TRAIN).wait(timeout=60), "other")
    left = left_at_the_service(backend)
    assert left == {"assets": 1, "trainings": 1, "deployments": 0}
    assert backend.deployer.deploy(tuned, "still there")


def test_the_option_does_not_touch_running_jobs(emulator, backend, connect, experiment):
    emulator.set_pace(running=2.0)
    with connect(clean_up=True) as other:
        job_id = other.tuner.submit(experiment(), TRAIN).id
    assert backend.tuner.resume(job_id).wait(timeout=60)


def test_after_an_error_nothing_is_cleaned_up(options_for, emulator, backend, experiment):
    def fail():
        with WatsonxBackend(options_for(emulator, clean_up=True)) as other:
            other.tuner.submit(experiment(), TRAIN).wait(timeout=60)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert left_at_the_service(backend)["trainings"] == 1


def test_a_whole_run(backend, experiment, tmp_path):
    run = experiment().run(backend, runs_dir=tmp_path / "runs")
    assert run.record.emulated
    assert any("'tfidf_logreg'" in note for note in run.record.notes)
    assert "made through the emulator over 'sklearn'" in run.record.notes
    assert run.record.evaluations["tuned"].accuracy > 0.5


def test_a_failed_deployment_gives_the_reason_and_is_removed(emulator, backend, tuned, monkeypatch):
    def fail(*args):
        raise DeploymentError("the disk of the service is full")

    monkeypatch.setattr(type(emulator.services.engine.backend.deployer), "deploy", fail)
    with pytest.raises(DeploymentError, match=r"'it' failed: \w"):
        backend.deployer.deploy(tuned, "it")
    assert left_at_the_service(backend)["deployments"] == 0
