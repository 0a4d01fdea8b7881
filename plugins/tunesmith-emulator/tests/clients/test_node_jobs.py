"""OpenAI's Node SDK: files and fine-tuning jobs, with the emulator's second face."""

from __future__ import annotations

import json
from typing import Any

import pytest
from client_programs import run_node

from tunesmith.testing.rows import TEST, TRAIN
from tunesmith_emulator import OpenAIEmulator

ALIAS = "gpt-4o-mini"


def chat_lines() -> str:
    def line(text: str, label: str | None) -> str:
        said = [("user", text), ("assistant", label)]
        return json.dumps({"messages": [{"role": r, "content": c} for r, c in said]})

    return "".join(f"{line(row.input, row.output)}\n" for row in TRAIN)


@pytest.fixture(scope="module")
def emulator() -> Any:
    with OpenAIEmulator(names=[ALIAS]) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def answers(emulator: Any) -> dict[str, Any]:
    settings = {
        "url": emulator.url,
        "model": ALIAS,
        "rows": chat_lines(),
        "text": TEST[0].input,
    }
    return run_node("jobs_with_node.mjs", settings)


def test_a_job_lives_from_its_files_to_its_answers(emulator: Any, answers: dict[str, Any]) -> None:
    assert (answers["created"], answers["status"]) == ("validating_files", "succeeded")
    assert answers["model"].startswith(f"ft:{ALIAS}:")
    assert answers["jobs"]
    assert answers["events"][0] == "The job has successfully completed"
    assert answers["checkpoints"]
    assert emulator.service.prompts.find(answers["model"]) is not None
    assert answers["answer"].strip() in ("0", "1")


def test_a_job_is_paused_resumed_and_cancelled(answers: dict[str, Any]) -> None:
    assert answers["paused"][0] == "fine_tuning.job"
    assert answers["paused"][1] == "paused"
    assert answers["cancelled"] == "cancelled"


def test_files_are_listed_read_and_deleted(answers: dict[str, Any]) -> None:
    assert answers["listed"]
    assert answers["content"]
    assert answers["deleted"]
    assert (answers["gone"], answers["refused"]) == (404, 400)
