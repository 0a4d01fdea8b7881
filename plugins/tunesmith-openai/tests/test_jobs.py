"""Fine-tuning jobs: what is uploaded and sent, and how a job is followed and stopped."""

from __future__ import annotations

import json

import pytest

from tunesmith.errors import BackendError, NotFoundError, TuningError, UnsupportedError
from tunesmith.spec import TuningSpec
from tunesmith.testing.rows import TRAIN, VALIDATION
from tunesmith_openai.methods import ProviderFinetune

MODEL = "classifier-1"


def spec(**settings):
    settings = {"num_epochs": 2, "verbalizer": "Comment: {{input}}", **settings}
    return TuningSpec(
        name="a job, of mine", base_model=MODEL, labels=["0", "1"], seed=7,
        method=ProviderFinetune(**settings),
    )  # fmt: skip


def test_rows_are_uploaded_as_chat_messages(provider, connect):
    connect().tuner.submit(spec(), TRAIN, VALIDATION)
    lines = [json.loads(line) for line in provider.files["file-0"].decode().splitlines()]
    assert lines == [
        {
            "messages": [
                {"role": "user", "content": f"Comment: {row.input}"},
                {"role": "assistant", "content": row.output},
            ]
        }
        for row in TRAIN
    ]
    assert len(provider.files["file-1"].splitlines()) == len(VALIDATION)


def test_only_given_hyperparameters_are_sent(provider, connect):
    tuner = connect().tuner
    tuner.submit(spec(learning_rate_multiplier=0.5), TRAIN)
    tuner.submit(spec(num_epochs=None), TRAIN, VALIDATION)
    first, second = provider.requests["jobs"]
    sent = [body["method"]["supervised"]["hyperparameters"] for body in (first, second)]
    assert sent == [{"n_epochs": 2, "learning_rate_multiplier": 0.5}, {}]
    assert (first["seed"], first["suffix"], first["model"]) == (7, "a-job-of-mine", MODEL)
    assert "validation_file" not in first
    assert second["validation_file"] == "file-2"


def test_the_model_says_what_the_provider_did(provider, connect):
    model = connect().tuner.submit(spec(), TRAIN, VALIDATION).wait(timeout=60)
    assert model.id == f"ft:{MODEL}:tests:a-job-of-mine:ftjob-0"
    assert model.details["hyperparameters"]["n_epochs"] == 2
    assert model.details["trained_tokens"] == len(provider.files["file-0"])
    assert model.details["checkpoints"][0]["model"] == f"{model.id}:ckpt-step-2"
    assert [step.step for step in model.curve.steps] == [1, 2]
    assert all(epoch.validation_loss for epoch in model.curve.epochs)


def test_a_failed_start_deletes_the_uploaded_rows(provider, connect):
    backend = connect()
    backend.capabilities(MODEL)
    provider.rows = lambda file_id: 1 / 0
    with pytest.raises(BackendError, match="starting the fine-tuning"):
        backend.tuner.submit(spec(), TRAIN, VALIDATION)
    assert len(provider.requests["jobs"]) == 1  # a second request could start a second job
    assert provider.files == {}


def test_a_provider_without_jobs_is_named(provider, connect):
    provider.refused.add("/v1/fine_tuning/jobs")
    with pytest.raises(UnsupportedError, match=r"127\.0\.0\.1 offers no fine-tuning here"):
        connect().tuner.submit(spec(), TRAIN)
    assert provider.files == {}


def test_a_paused_job_is_continued_by_resume(provider, connect):
    provider.pace = 60
    tuner = connect().tuner
    job = tuner.submit(spec(), TRAIN)
    job.pause()
    assert (job.status(), provider.jobs[job.id].status) == ("interrupted", "paused")
    with pytest.raises(TuningError, match="is interrupted"):
        job.result()
    provider.jobs[job.id].pace = 0
    resumed = connect().tuner.resume(job.id)
    assert resumed.wait(timeout=60).job_id == job.id
    told = [event.status for event in resumed.events() if event.kind == "status"]
    assert told == ["queued", "running", "interrupted", "completed"]
    notes = [event.message for event in resumed.events() if event.kind == "note"]
    assert notes.count("Created fine-tuning job") == 1
    assert [step.step for step in resumed.learning_curve().steps] == [1, 2]


def test_a_paused_job_can_be_cancelled(provider, connect):
    provider.pace = 60
    job = connect().tuner.submit(spec(), TRAIN)
    job.pause()
    job.cancel()
    assert (job.status(), provider.jobs[job.id].status) == ("cancelled", "cancelled")


def test_a_provider_that_does_not_pause_says_so(provider, connect):
    provider.pace = 60
    job = connect().tuner.submit(spec(), TRAIN)
    provider.refused.add(f"/v1/fine_tuning/jobs/{job.id}/pause")
    with pytest.raises(BackendError, match=f"asking to pause job {job.id}"):
        job.pause()
    job.cancel()


def test_two_processes_make_the_same_record(connect):
    job = connect().tuner.submit(spec(), TRAIN)
    other = connect().tuner.resume(job.id)
    assert job.wait(timeout=60) == other.wait(timeout=60)
    assert list(job.events()) == list(other.events())


def test_many_events_are_read_page_by_page(connect):
    job = connect().tuner.submit(spec(num_epochs=50), TRAIN)
    curve = job.wait(timeout=60).curve
    assert [step.step for step in curve.steps] == list(range(1, 51))
    assert [epoch.epoch for epoch in curve.epochs] == list(range(1, 51))


def test_without_the_store_the_error_names_what_is_missing(connect, tmp_path):
    job = connect().tuner.submit(spec(), TRAIN)
    job.wait(timeout=60)
    elsewhere = connect(store=tmp_path / "elsewhere")
    with pytest.raises(NotFoundError, match=r"has the job \(succeeded\), but not its labels"):
        elsewhere.tuner.resume(job.id)
    with pytest.raises(NotFoundError, match=r"nosuchjob.*no such job either"):
        elsewhere.tuner.resume("nosuchjob")
