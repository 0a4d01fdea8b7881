"""The life of a training: what is sent, how it is followed, resumed, cancelled and how it fails."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tunesmith.errors import BackendError, NotFoundError, TuningError
from tunesmith.testing.rows import TRAIN
from tunesmith_emulator import Emulator
from tunesmith_watsonx.backend import WatsonxBackend
from tunesmith_watsonx.tuning import _SENT

SUBMIT = """
import json, os, sys
from tunesmith.experiment import Experiment
from tunesmith.testing.rows import TRAIN
from tunesmith_watsonx.backend import WatsonxBackend
from tunesmith_watsonx.options import WatsonxOptions
given, experiment = json.loads(sys.argv[1])
backend = WatsonxBackend(WatsonxOptions.model_validate(given))
job = backend.tuner.submit(Experiment.from_values(experiment), TRAIN)
print(job.id, flush=True)
os._exit(1)  # a laptop that dies
"""


def details(backend, job_id):
    with backend._connection.call("asking"):
        return backend._connection.client.training.get_details(job_id)


def test_a_job_is_resumed_from_another_process(emulator, options_for, connect, experiment):
    emulator.set_pace(running=1.0)
    secrets = {"api_key": emulator.credentials["api_key"]}
    given = {**options_for(emulator).model_dump(mode="json", exclude_none=True), **secrets}
    values = experiment().model_dump(mode="json")
    arguments = [sys.executable, "-c", SUBMIT, json.dumps([given, values])]
    died = subprocess.run(arguments, capture_output=True, text=True)
    assert died.returncode == 1, died.stderr
    job_id = died.stdout.strip()
    model = connect().tuner.resume(job_id).wait(timeout=60)
    assert model.job_id == job_id
    assert connect().tuner.resume(job_id).wait() == model


def test_a_finished_job_is_known_without_the_service(connect, backend, tuned):
    connect().tuner.resume(tuned.job_id).wait()
    with backend._connection.call("deleting"):
        backend._connection.client.training.cancel(tuned.job_id, hard_delete=True)
    job = connect().tuner.resume(tuned.job_id)
    assert job.wait() == tuned
    assert job.learning_curve() == tuned.curve


def test_rows_that_were_cut_are_noted_as_in_a_local_run(options_for, experiment, tmp_path):
    rows = [*TRAIN, *(row.model_copy(update={"input": "gentle " * 300}) for row in TRAIN[:3])]
    method = {"name": "prompt_tuning", "num_epochs": 1, "max_input_tokens": 128,
              "max_output_tokens": 8, "accumulate_steps": 1}  # fmt: skip
    with Emulator(backend="local") as local, WatsonxBackend(options_for(local)) as backend:
        model = backend.tuner.submit(experiment(method=method), rows).wait(timeout=120)
        deployment = backend.deployer.deploy(model, "cut")
        texts = [rows[0].input, rows[-1].input]
        answers = backend.predictor.generate(deployment, texts)
    assert "3 rows were cut on the left to 128 input tokens" in model.details["notes"]
    assert [answer.truncated for answer in answers] == [False, True]


def test_two_processes_make_the_same_record(connect, backend, experiment):
    job = backend.tuner.submit(experiment(), TRAIN)
    other = connect().tuner.resume(job.id)
    assert job.wait(timeout=60) == other.wait(timeout=60)
    assert list(job.events()) == list(other.events())


def test_without_the_store_the_error_names_what_is_missing(connect, tuned, tmp_path):
    elsewhere = connect(store=tmp_path / "elsewhere")
    with pytest.raises(NotFoundError, match=r"has the training \(completed\), but not its labels"):
        elsewhere.tuner.resume(tuned.job_id)
    with pytest.raises(NotFoundError, match=r"nosuchjob.*no such training either"):
        elsewhere.tuner.resume("nosuchjob")


def test_rows_are_uploaded_with_the_words_of_the_labels(backend, experiment):
    labels = {"0": ["bad", "poor"], "1": ["good"]}
    model = backend.tuner.submit(experiment(labels=labels), TRAIN).wait(timeout=60)
    with backend._connection.call("reading"):
        content = backend._connection.client.data_assets.get_content(model.details["asset_id"])
    words = {"0": "bad", "1": "good"}
    assert json.loads(content) == [
        {"input": row.input, "output": words[row.output]} for row in TRAIN
    ]


def test_every_hyperparameter_is_sent(backend, experiment):
    method = {"name": "prompt_tuning", "init_method": "text", "init_text": "Classify:"}
    job = backend.tuner.submit(experiment(method=method), TRAIN)
    sent = details(backend, job.id)["entity"]["prompt_tuning"]
    chosen = experiment(method=method).method
    assert {name: sent[name] for name in _SENT} == {name: getattr(chosen, name) for name in _SENT}
    assert sent["task_id"] == "classification"


def test_the_record_is_marked_as_emulated(tuned):
    assert "made through the emulator over 'sklearn'" in tuned.details["notes"]
    # A text classifier tunes: the stand-in is a method, not a base model.
    assert (
        "the emulator tuned with the method 'tfidf_logreg' in its place" in tuned.details["notes"]
    )
    assert tuned.stand_in is None


def test_a_running_job_is_cancelled(emulator, backend, experiment):
    emulator.set_pace(running=60.0)
    job = backend.tuner.submit(experiment(), TRAIN)
    job.cancel()
    assert job.status() == "cancelled"
    assert job.events()[-1].status == "cancelled"
    with pytest.raises(TuningError, match="cancelled"):
        job.wait()


def test_a_failed_training_gives_the_reason_of_the_service(emulator, backend, experiment):
    emulator.set_pace(pending=3.0)
    job = backend.tuner.submit(experiment(), TRAIN)
    asset_id = backend._store.job(job.id).asset_id
    with backend._connection.call("deleting"):
        backend._connection.client.data_assets.delete(asset_id, purge_on_delete=True)
    with pytest.raises(TuningError, match=f"failed.*: .*{asset_id}"):
        job.wait(timeout=60)
    assert job.status() == "failed"


def test_a_training_that_was_deleted_while_it_ran(emulator, backend, experiment):
    emulator.set_pace(running=60.0)
    job = backend.tuner.submit(experiment(), TRAIN)
    with backend._connection.call("deleting"):
        backend._connection.client.training.cancel(job.id, hard_delete=True)
    with pytest.raises(NotFoundError, match=job.id):
        job.wait(timeout=60)


def test_a_service_that_stumbles_does_not_lose_the_job(emulator, backend, experiment):
    job = backend.tuner.submit(experiment(), TRAIN)
    emulator.fail("GET /ml/v4/trainings/*", status=400)
    with pytest.raises(BackendError, match="asking for training"):
        job.wait(timeout=60)
    assert backend.tuner.resume(job.id).wait(timeout=60).job_id == job.id


def test_a_training_that_began_is_kept_although_its_details_were_refused(
    emulator, backend, experiment
):
    emulator.fail("GET /ml/v4/trainings/*", status=400)
    job = backend.tuner.submit(experiment(), TRAIN)
    assert job.wait(timeout=60).job_id == job.id
