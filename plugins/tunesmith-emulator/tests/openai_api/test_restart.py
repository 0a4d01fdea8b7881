"""Files, jobs and models survive the end of the process, and so does a job that was tuning."""

from __future__ import annotations

from functools import partial

import pytest
from jobs_over_sdk import ALIAS, beyond, client_of, created, ended, long_job, steps

from tunesmith.errors import ExperimentError
from tunesmith.testing.rows import TEST
from tunesmith_emulator import OpenAIEmulator

ASKED = [{"role": "user", "content": TEST[0].input}]


def said(client, name):
    answer = client.chat.completions.create(model=name, messages=ASKED, logprobs=True)
    return [(token.token, token.logprob) for token in answer.choices[0].logprobs.content]


def test_a_second_start_goes_on(tmp_path):
    make = partial(OpenAIEmulator, names=[ALIAS], data_dir=tmp_path)
    with make() as emulator, client_of(emulator) as client:
        done = ended(client, created(client))
        paused = long_job(client)
        client.fine_tuning.jobs.pause(paused.id)
        running = long_job(client)
        beyond(client, running, 0)
        before = said(client, done.fine_tuned_model)
        with pytest.raises(ExperimentError, match="another emulator uses this folder"), make():
            pass
    with make(method={"name": "lora", "rank": 2}) as emulator, client_of(emulator) as client:
        jobs = client.fine_tuning.jobs
        assert jobs.retrieve(done.id) == done
        assert said(client, done.fine_tuned_model) == before
        assert client.files.retrieve(done.training_file).status == "processed"
        assert jobs.retrieve(paused.id).status == "paused"
        reached = len(steps(client, running))
        further = beyond(client, running, reached)
        assert further == list(range(1, len(further) + 1))
        assert jobs.cancel(running.id).status == "cancelled"
        assert jobs.cancel(paused.id).status == "cancelled"
        check_lora(emulator, client)


def check_lora(emulator, client):
    """A later job tunes with the method of the later start."""
    job = ended(client, created(client))
    deployment = emulator.service.prompts.find(job.fine_tuned_model).deployment
    assert (deployment.model.method["name"], deployment.model.method["rank"]) == ("lora", 2)
    written = emulator.service.backend.predictor.generate(deployment, [TEST[0].input])[0].text
    answer = client.chat.completions.create(model=job.fine_tuned_model, messages=ASKED)
    assert answer.choices[0].message.content == written


def test_a_method_that_the_backend_lacks_is_named(tmp_path):
    emulator = OpenAIEmulator("sklearn", base_model="any", method="lora", data_dir=tmp_path)
    with pytest.raises(ExperimentError, match="does not tune 'any' with 'lora'"):
        emulator.start()


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("nosuchmethod", "no method 'nosuchmethod'"),
        ("zero_shot", "tunes nothing"),
        ({"name": "lora", "rank": 0}, "method.rank"),
    ],
)
def test_a_wrong_method_is_named(method, told):
    with pytest.raises(ExperimentError, match=told):
        OpenAIEmulator(method=method)
