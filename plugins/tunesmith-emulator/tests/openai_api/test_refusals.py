"""Wrong requests: each is refused in OpenAI's shape, which names the field."""

from __future__ import annotations

import json

import httpx
import pytest
from jobs_over_sdk import ALIAS, chat_file, created, ended, uploaded
from openai import APIStatusError, BadRequestError

from tunesmith.testing.rows import TEST, TRAIN

SUPERVISED = "method.supervised.hyperparameters"


def refused(status, param, call, *given, **named):
    """Expect a refusal that names ``param``; returns its message."""
    with pytest.raises(APIStatusError) as caught:
        call(*given, **named)
    error = caught.value
    assert (error.status_code, error.param) == (status, param), error
    assert error.body.keys() == {"message", "type", "param", "code"}
    assert error.type == "invalid_request_error"
    return error.body["message"]


def turns(**said):
    return {"messages": [{"role": role, "content": text} for role, text in said.items()]}


@pytest.fixture(scope="module")
def file_id(client):
    return uploaded(client)


def new_job(client, **body):
    return client.fine_tuning.jobs.create(**{"model": ALIAS, **body})


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"hyperparameters": {"n_epochs": 0}}, "hyperparameters.n_epochs"),
        ({"hyperparameters": {"n_epochs": 51}}, "hyperparameters.n_epochs"),
        ({"hyperparameters": {"n_epochs": 1.5}}, "hyperparameters.n_epochs"),
        ({"hyperparameters": {"n_epochs": "many"}}, "hyperparameters.n_epochs"),
        ({"hyperparameters": {"batch_size": 0}}, "hyperparameters.batch_size"),
        ({"hyperparameters": {"learning_rate_multiplier": -1}},
         "hyperparameters.learning_rate_multiplier"),
        ({"hyperparameters": {"learning_rate_multiplier": 100}},
         "hyperparameters.learning_rate_multiplier"),
        ({"hyperparameters": {"beta": 1}}, "hyperparameters.beta"),
        ({"method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 0}}}},
         f"{SUPERVISED}.n_epochs"),
        ({"method": {"type": "dpo", "dpo": {}}}, "method.type"),
        ({"suffix": "x" * 65}, "suffix"),
        ({"seed": -1}, "seed"),
        ({"metadata": {"a": "x" * 513}}, "metadata.a"),
        ({"integrations": [{"type": "wandb", "wandb": {"project": "p"}}]}, "integrations"),
        ({"training_file": "file-nosuchfile"}, "training_file"),
        ({"training_file": "../jobs/x"}, "training_file"),
        ({"validation_file": "file-nosuchfile"}, "validation_file"),
        ({"extra_body": {"learning_rate": 1}}, "learning_rate"),
    ],
)  # fmt: skip
def test_a_wrong_job_names_the_field(client, file_id, body, param):
    refused(400, param, new_job, client, **{"training_file": file_id, **body})


def test_hyperparameters_stand_in_one_place(client, file_id):
    supervised = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 1}}}
    given = {"hyperparameters": {"n_epochs": 2}, "method": supervised}
    message = refused(400, "hyperparameters", new_job, client, training_file=file_id, **given)
    assert "method.supervised" in message


def test_an_unknown_model_is_named(client, file_id):
    refused(404, "model", new_job, client, model="gpt-9", training_file=file_id)


def test_a_fine_tuned_model_is_not_tuned_again(client, file_id):
    name = ended(client, created(client)).fine_tuned_model
    message = refused(400, "model", new_job, client, model=name, training_file=file_id)
    assert "its base model" in message


def test_a_file_of_another_purpose_is_refused(client):
    other = client.files.create(file=("r.jsonl", chat_file(TRAIN)), purpose="user_data").id
    message = refused(400, "training_file", new_job, client, training_file=other)
    assert "'fine-tune'" in message


def test_a_deleted_file_is_refused(client):
    file_id = uploaded(client)
    client.files.delete(file_id)
    refused(400, "training_file", new_job, client, training_file=file_id)


def test_a_job_survives_the_deletion_of_its_file(client):
    job = created(client)
    client.files.delete(job.training_file)
    assert ended(client, job).status in ("succeeded", "failed")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([turns(user="Good.", assistant="1"), turns(user="Bad.")], "line 2.*no answer"),
        ([turns(user="Good.", assistant="1"), turns(assistant="1")], "line 2.*of the user"),
        ([turns(user="Good.", assistant="1"), {"messages": ["Bad."]}], r"line 2.*messages\[0\]"),
        ([turns(user="Good.", assistant="1"), turns(tool="x")], "line 2.*role"),
    ],
)
@pytest.mark.parametrize("field", ["training_file", "validation_file"])
def test_a_wrong_row_is_named(client, file_id, rows, told, field):
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    wrong = client.files.create(file=("mine.jsonl", content), purpose="fine-tune").id
    with pytest.raises(BadRequestError, match=told) as caught:
        new_job(client, **{"training_file": file_id, field: wrong})
    assert caught.value.param == field
    assert caught.value.code == f"invalid_{field}"
    assert "mine.jsonl" in caught.value.body["message"]


def test_training_rows_have_two_answers(client):
    one = uploaded(client, TRAIN[:1])
    message = refused(400, "training_file", new_job, client, training_file=one)
    assert "every output is '1'" in message


def test_an_answer_that_no_training_row_has_is_named(client, file_id):
    rows = [TEST[0], TEST[1].model_copy(update={"output": "perhaps"})]
    given = {"training_file": file_id, "validation_file": uploaded(client, rows)}
    assert "row 2" in refused(400, "validation_file", new_job, client, **given)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"\n\n", "no rows"),
        (b"Good,1\n", "line 1 is no JSON"),
        (b'{"messages": []}\n{"mess', "line 2 is no JSON"),
        (b'[{"messages": []}]', "line 1 has no list 'messages'"),
        (b'{"prompt": "Good.", "completion": "1"}', "line 1 has no list 'messages'"),
        ("é".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_file_that_is_no_chat_file_is_refused(client, content, told):
    upload = {"file": ("rows.jsonl", content), "purpose": "fine-tune"}
    assert told in refused(400, "file", client.files.create, **upload)


def test_an_unknown_purpose_is_refused(client):
    refused(400, "purpose", client.files.create, file=("r", b"x"), purpose="nosuchpurpose")


def test_an_expiry_is_not_ignored(client):
    expiry = {"anchor": "created_at", "seconds": 3600}
    upload = {"file": ("r", b"x"), "purpose": "user_data", "expires_after": expiry}
    assert "expires_after" in refused(400, "expires_after[anchor]", client.files.create, **upload)


def test_an_upload_without_a_file_is_refused(client, emulator):
    form = {"purpose": (None, "fine-tune")}
    answer = httpx.post(f"{emulator.url}/files", files=form)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "file")
    assert httpx.post(f"{emulator.url}/files", json={}).status_code == 415
    kind = {"Content-Type": "multipart/form-data"}
    answer = httpx.post(f"{emulator.url}/files", content=b"x", headers=kind)
    assert answer.json()["error"]["message"].startswith("the body is no form")


@pytest.mark.parametrize("act", ["retrieve", "cancel", "pause", "resume", "list_events"])
def test_an_unknown_job_is_named(client, act):
    call = getattr(client.fine_tuning.jobs, act)
    refused(404, "fine_tuning_job_id", call, "ftjob-nosuchjob")


@pytest.mark.parametrize(
    ("query", "param"),
    [({"limit": 0}, "limit"), ({"limit": 101}, "limit"), ({"after": "ftjob-x"}, "after")],
)
def test_a_wrong_page_is_named(client, query, param):
    refused(400, param, client.fine_tuning.jobs.list, **query)


@pytest.mark.parametrize("act", ["retrieve", "content", "delete"])
def test_an_unknown_file_is_named(client, act):
    refused(404, "id", getattr(client.files, act), "file-nosuchfile")


def test_an_order_that_is_none_is_named(client):
    refused(400, "order", client.files.list, order="newest")
