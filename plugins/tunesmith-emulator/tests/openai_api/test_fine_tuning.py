"""Code that was written for OpenAI's fine-tuning, through its unchanged SDK."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from jobs_over_sdk import (
    ALIAS,
    beyond,
    chat_file,
    created,
    ended,
    long_job,
    metrics,
    steps,
    uploaded,
)
from openai import AsyncOpenAI, BadRequestError, NotFoundError

from tunesmith.testing.rows import TEST, TRAIN, VALIDATION

TEXT = TEST[0].input
ASKED = [{"role": "user", "content": TEXT}]


@pytest.fixture(scope="module")
def tuned(client):
    """A job with validation rows that has succeeded."""
    files = uploaded(client), uploaded(client, VALIDATION)
    job = client.fine_tuning.jobs.create(
        model=ALIAS,
        training_file=files[0],
        validation_file=files[1],
        method={
            "type": "supervised",
            "supervised": {
                "hyperparameters": {
                    "n_epochs": 3,
                    "batch_size": 4,
                    "learning_rate_multiplier": 0.5,
                }
            },
        },
        seed=7,
        suffix="tried",
        metadata={"made by": "a test"},
    )
    assert job.status == "validating_files"
    assert job.fine_tuned_model is None
    return ended(client, job)


def behind(emulator, name):
    """Return the backend and the deployment that answer for a fine-tuned model."""
    return emulator.service.backend, emulator.service.prompts.find(name).deployment


def test_a_job_shows_what_it_did(client, tuned):
    assert tuned.status == "succeeded", tuned.error
    assert tuned.fine_tuned_model == f"ft:{ALIAS}:tunesmith:tried:{tuned.id[-8:]}"
    assert tuned.hyperparameters.model_dump() == {
        "n_epochs": 3, "batch_size": 4, "learning_rate_multiplier": 0.5,
    }  # fmt: skip
    assert (tuned.seed, tuned.metadata) == (7, {"made by": "a test"})
    assert tuned.trained_tokens % 3 == 0
    assert tuned.trained_tokens > 3 * len(TRAIN)
    assert tuned.id in [job.id for job in client.fine_tuning.jobs.list()]


def test_events_have_the_losses_of_the_tuning(client, emulator, tuned):
    curve = behind(emulator, tuned.fine_tuned_model)[1].model.curve
    found = metrics(client, tuned)
    assert [event.data["train_loss"] for event in found] == [step.loss for step in curve.steps]
    held_out = [e.data["full_valid_loss"] for e in found if "full_valid_loss" in e.data]
    assert held_out == [epoch.validation_loss for epoch in curve.epochs]
    assert {event.data["total_steps"] for event in found} == {12}
    told = [event.message for event in client.fine_tuning.jobs.list_events(tuned.id)]
    assert told[-1] == f"Created fine-tuning job: {tuned.id}"
    assert told[0] == "The job has successfully completed"
    assert any("Is the customer satisfied?" in message for message in told), "it is left out"


def test_the_rate_is_a_multiple_of_the_usual_one(emulator, tuned):
    method = behind(emulator, tuned.fine_tuned_model)[1].model.method
    assert method["learning_rate"] == emulator.method.learning_rate * 0.5
    assert (method["name"], method["num_virtual_tokens"]) == ("prompt_tuning", 20)


def test_pages_of_events_are_all_events(client, tuned):
    listed = client.fine_tuning.jobs.list_events
    whole = [event.id for event in listed(tuned.id, limit=100)]
    assert [event.id for event in listed(tuned.id, limit=3)] == whole
    assert len(set(whole)) == len(whole)


def test_the_results_are_a_file(client, tuned):
    (result,) = tuned.result_files
    lines = client.files.content(result).text.splitlines()
    assert lines[0] == "step,train_loss,full_valid_loss"
    last = metrics(client, tuned)[-1].data
    assert lines[-1] == f"12,{last['train_loss']},{last['full_valid_loss']}"
    assert client.files.retrieve(result).purpose == "fine-tune-results"


def test_the_model_answers_as_the_backend_does(client, emulator, tuned):
    name = tuned.fine_tuned_model
    backend, deployment = behind(emulator, name)
    written = backend.predictor.generate(deployment, [TEXT])[0].text
    assert client.chat.completions.create(model=name, messages=ASKED).choices[
        0
    ].message.content == (written)
    chunks = client.chat.completions.create(model=name, messages=ASKED, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == written
    completed = client.completions.create(model=name, prompt=TEXT, max_tokens=20)
    assert completed.choices[0].text == written


def test_the_model_answers_later(client, emulator, tuned):
    name = tuned.fine_tuned_model

    async def ask():
        async with AsyncOpenAI(base_url=emulator.url, api_key="any") as later:
            job = await later.fine_tuning.jobs.retrieve(tuned.id)
            whole = await later.chat.completions.create(model=name, messages=ASKED)
            chunks = await later.chat.completions.create(model=name, messages=ASKED, stream=True)
            parts = [chunk.choices[0].delta.content or "" async for chunk in chunks]
        return job, whole.choices[0].message.content, "".join(parts)

    whole = client.chat.completions.create(model=name, messages=ASKED).choices[0].message.content
    assert asyncio.run(ask()) == (tuned, whole, whole)


def test_the_model_decides_as_the_backend_does(client, emulator, tuned):
    name = tuned.fine_tuned_model
    backend, deployment = behind(emulator, name)
    expected = backend.predictor.classify(deployment, [TEXT], ["0", "1"])[0].probabilities
    question = {"type": "choice", "instructions": "?", "choices": [{"value": "0"}, {"value": "1"}]}
    decided = client.decisions.create(model=name, input=TEXT, questions=[question])
    found = {one.value: one.probability for one in decided.answers[0].probabilities}
    assert found == pytest.approx(expected, abs=1e-5)


def test_the_base_model_has_two_names(client, emulator):
    answers = [
        client.chat.completions.create(model=name, messages=ASKED, max_tokens=4)
        for name in (ALIAS, emulator.base_model)
    ]
    assert answers[0].choices[0].message == answers[1].choices[0].message
    assert answers[0].model == emulator.base_model, "who really answered"


def test_the_checkpoint_is_the_model(client, emulator, tuned):
    (checkpoint,) = client.fine_tuning.jobs.checkpoints.list(tuned.id)
    assert checkpoint.fine_tuned_model_checkpoint == tuned.fine_tuned_model
    curve = behind(emulator, tuned.fine_tuned_model)[1].model.curve
    best = curve.epochs[curve.best_epoch - 1]
    assert checkpoint.step_number == 4 * best.epoch
    assert checkpoint.metrics.full_valid_loss == best.validation_loss
    assert checkpoint.metrics.train_loss == curve.steps[checkpoint.step_number - 1].loss


def test_requests_are_counted_by_their_route(emulator, tuned):
    counted = httpx.get(f"{emulator.url.removesuffix('/v1')}/metrics").text
    assert 'route="/v1/fine_tuning/jobs/{job_id}"' in counted
    assert tuned.id not in counted


def test_auto_takes_more_epochs_for_few_rows(client):
    job = client.fine_tuning.jobs.create(model=ALIAS, training_file=uploaded(client))
    assert job.hyperparameters.model_dump() == {
        "n_epochs": 25, "batch_size": 8, "learning_rate_multiplier": 1.0,
    }  # fmt: skip
    assert client.fine_tuning.jobs.cancel(job.id).status == "cancelled"


def test_a_job_is_paused_resumed_and_cancelled(client):
    jobs, job = client.fine_tuning.jobs, long_job(client)
    beyond(client, job, 0)
    assert jobs.pause(job.id).status == "paused"
    reached = steps(client, job)
    assert len(reached) < 400
    assert steps(client, job) == reached
    assert jobs.resume(job.id).status == "queued"
    further = beyond(client, job, len(reached))
    assert further == list(range(1, len(further) + 1)), "it went on, and did not begin again"
    cancelled = jobs.cancel(job.id)
    assert (cancelled.status, cancelled.fine_tuned_model) == ("cancelled", None)
    assert cancelled.finished_at >= cancelled.created_at
    told = [event.message for event in jobs.list_events(job.id) if event.type == "message"][::-1]
    assert [message for message in told if message.startswith("Fine-tuning job")] == [
        "Fine-tuning job started",
        "Fine-tuning job paused",
        "Fine-tuning job resumed",
        "Fine-tuning job started",
        "Fine-tuning job cancelled",
    ]
    for act in (jobs.pause, jobs.resume, jobs.cancel):
        with pytest.raises(BadRequestError, match="is cancelled") as caught:
            act(job.id)
        assert caught.value.code == "invalid_job_state"


def test_a_paused_job_can_be_cancelled(client):
    job = long_job(client)
    assert client.fine_tuning.jobs.pause(job.id).status == "paused"
    assert client.fine_tuning.jobs.cancel(job.id).status == "cancelled"


def test_what_the_backend_finds_out_fails_the_job(client, emulator):
    longest = emulator.service.backend.capabilities(emulator.base_model).max_sequence_length
    answer = "very " * longest
    rows = [row.model_copy(update={"output": f"{answer}{row.output}"}) for row in TRAIN]
    job = ended(client, created(client, rows))
    assert (job.status, job.fine_tuned_model) == ("failed", None)
    assert (job.error.code, job.error.param) == ("invalid_training_file", "training_file")
    assert job.error.message in client.fine_tuning.jobs.list_events(job.id).data[0].message


def test_files_are_listed_read_and_deleted(client):
    first, second = uploaded(client), uploaded(client, VALIDATION)
    listed = [file.id for file in client.files.list(purpose="fine-tune")]
    assert listed.index(second) < listed.index(first)
    oldest = [file.id for file in client.files.list(purpose="fine-tune", order="asc", limit=2)]
    assert oldest == listed[::-1]
    assert client.files.content(first).read() == chat_file(TRAIN)
    file = client.files.retrieve(first)
    assert (file.filename, file.bytes, file.status) == (
        "rows.jsonl", len(chat_file(TRAIN)), "processed",
    )  # fmt: skip
    assert client.files.delete(first).deleted
    with pytest.raises(NotFoundError, match="no file") as caught:
        client.files.content(first)
    assert caught.value.param == "id"


def test_a_deleted_model_answers_no_more(client):
    name = ended(client, created(client)).fine_tuned_model
    assert name in [model.id for model in client.models.list()]
    assert client.models.retrieve(name).id == name
    assert client.models.delete(name).deleted
    assert name not in [model.id for model in client.models.list()]
    with pytest.raises(NotFoundError) as caught:
        client.chat.completions.create(model=name, messages=ASKED)
    assert caught.value.code == "model_not_found"
    with pytest.raises(NotFoundError):
        client.models.delete(name)
