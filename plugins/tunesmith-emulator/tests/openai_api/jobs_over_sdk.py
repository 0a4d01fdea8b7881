"""Helpers of the tests in this folder: they write rows as files, and wait for a state of a job."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

from tunesmith.records import Row
from tunesmith.testing.rows import TRAIN
from tunesmith_emulator import OpenAIEmulator

ALIAS = "gpt-4o-mini"
"""The name of a model of OpenAI, under which the embedded model answers."""
SECONDS = 600.0
T = TypeVar("T")
ENDED = ("succeeded", "failed", "cancelled")


def client_of(emulator: OpenAIEmulator) -> OpenAI:
    return OpenAI(base_url=emulator.url, api_key="any", max_retries=0)


def chat_file(rows: Sequence[Row]) -> bytes:
    lines = [
        {
            "messages": [
                {"role": "system", "content": "Is the customer satisfied?"},
                {"role": "user", "content": row.input},
                {"role": "assistant", "content": row.output},
            ]
        }
        for row in rows
    ]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def uploaded(client: OpenAI, rows: Sequence[Row] = TRAIN) -> str:
    return client.files.create(file=("rows.jsonl", chat_file(rows)), purpose="fine-tune").id


def created(client: OpenAI, rows: Sequence[Row] = TRAIN, epochs: int = 1) -> FineTuningJob:
    return client.fine_tuning.jobs.create(
        model=ALIAS, training_file=uploaded(client, rows), hyperparameters={"n_epochs": epochs}
    )


def long_job(client: OpenAI) -> FineTuningJob:
    """Start a job of 400 optimizer steps."""
    return created(client, TRAIN * 4, epochs=50)


def ended(client: OpenAI, job: FineTuningJob) -> FineTuningJob:
    return until(lambda: client.fine_tuning.jobs.retrieve(job.id), lambda job: job.status in ENDED)


def metrics(client: OpenAI, job: FineTuningJob) -> list[FineTuningJobEvent]:
    """Return the events with metrics, oldest first."""
    events = client.fine_tuning.jobs.list_events(job.id, limit=100)
    return [event for event in events if event.type == "metrics"][::-1]


def steps(client: OpenAI, job: FineTuningJob) -> list[int]:
    return [event.data["step"] for event in metrics(client, job)]


def beyond(client: OpenAI, job: FineTuningJob, number: int) -> list[int]:
    """Wait until a job that tunes has told more than ``number`` steps; return them all."""

    def reached() -> list[int]:
        now = client.fine_tuning.jobs.retrieve(job.id)
        assert now.status not in ENDED, now
        return steps(client, job)

    return until(reached, lambda found: len(found) > number)


def until(ask: Callable[[], T], fits: Callable[[T], bool]) -> T:
    deadline = time.monotonic() + SECONDS
    while not fits(found := ask()):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found
