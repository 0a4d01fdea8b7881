"""``tunesmith.load(RUN).decide(texts)``: in a program, and in a small service."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import tunesmith
from tunesmith.backends.batching import Statistics
from tunesmith.runs.run import RunDirectory

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "serve.md"


@pytest.fixture(scope="module")
def run(tuned: Any) -> Any:
    with tunesmith.load(tuned.grooming) as run:
        yield run


def test_decisions_are_those_of_the_predictor(run: Any, tuned: Any) -> None:
    record = RunDirectory.load(tuned.grooming).record
    expected = tuned.backend.predictor.classify(record.deployment, tuned.texts, ["0", "1"])
    for found, shares in zip(run.decide(tuned.texts), expected, strict=True):
        assert found.raw == pytest.approx(shares.probabilities, abs=1e-5)
        assert found.probabilities == pytest.approx(record.calibration.apply(found.raw))
        assert found.label == max(shares.probabilities, key=shares.probabilities.__getitem__)
        threshold = record.calibration.threshold
        assert found.abstains == (None if threshold is None else found.probability < threshold)


def test_the_untuned_model_reads_what_the_tuned_one_reads(run: Any, tuned: Any) -> None:
    record = RunDirectory.load(tuned.grooming).record
    predictor, texts = tuned.backend.predictor, tuned.texts[:4]
    read = predictor.prompts(record.deployment, texts)
    expected = predictor.classify(record.base_model, read, ["0", "1"])
    for found, shares in zip(run.decide(texts, base=True), expected, strict=True):
        assert found.raw == pytest.approx(shares.probabilities, abs=1e-5)


def test_threads_share_calls(run: Any, tuned: Any) -> None:
    alone = run.decide(tuned.texts)
    before: Statistics = run._shared.statistics
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(lambda text: run.decide([text])[0], tuned.texts))
    after: Statistics = run._shared.statistics
    assert after.batches - before.batches < len(tuned.texts) / 2
    for found, expected in zip(together, alone, strict=True):
        assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-5)


def test_the_service_of_the_docs_answers(run: Any, tuned: Any, monkeypatch: Any) -> None:
    (program,) = re.findall(r"```python\n(from fastapi.*?)```", PAGE.read_text("utf-8"), re.S)
    assert len([line for line in program.splitlines() if line]) <= 10
    monkeypatch.setattr(tunesmith, "load", lambda path: run)
    found: dict[str, Any] = {}
    exec(program, found)
    client = TestClient(found["app"])
    answer = client.post("/decide", json=tuned.texts[:2]).json()
    assert [one["label"] for one in answer] == [one.label for one in run.decide(tuned.texts[:2])]
