"""Whole runs: one file compares a local classifier, a fine-tuned model and a decision model."""

from __future__ import annotations

import json

import pytest

from tunesmith.errors import UnsupportedError
from tunesmith.experiment import Experiment
from tunesmith.records import Usage
from tunesmith.run import Run
from tunesmith.sweep.benchmark import Benchmark, run_benchmark
from tunesmith.testing.rows import TEST, TRAIN

MODEL = "classifier-1"
TEMPLATE = "Comment: {{input}}"


@pytest.fixture
def files(tmp_path):
    for name, rows in (("train", TRAIN), ("test", TEST)):
        lines = "".join(row.model_dump_json() + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(lines)
    return {name: str(tmp_path / f"{name}.jsonl") for name in ("train", "test")}


def experiment(files, **method):
    return Experiment(name="run", base_model=MODEL, labels=["0", "1"], data=files, method=method)


def test_a_fine_tuned_model_is_compared_with_its_base_in_one_reading(files, connect, tmp_path):
    tuned = experiment(files, name="provider_finetune", num_epochs=2, verbalizer=TEMPLATE)
    run = tuned.run(connect(), runs_dir=tmp_path / "runs")
    record = run.record
    assert record.answer == "decision"
    assert f"'{MODEL}' was asked by closed questions (/decisions)" in record.notes
    tuned, base = run.answers("tuned"), run.answers("base")
    assert [p.prompt for p in tuned] == [p.prompt for p in base]
    assert all(p.probabilities and p.text in ("0", "1") for p in (*tuned, *base))
    assert record.usage.input_tokens > sum(p.input_tokens for p in (*tuned, *base))


def test_a_server_that_only_decides_answers_a_prompting_method(files, provider, connect, tmp_path):
    provider.refused |= {"/v1/decisions", "/v1/chat/completions", "/v1/models"}
    provider.refused.add("/v1/fine_tuning/jobs")
    run = experiment(files, name="zero_shot", template=TEMPLATE).run(
        connect(), runs_dir=tmp_path / "runs"
    )
    assert run.record.answer == "decision"
    assert "only decides" in run.record.left_out["text"]
    answers = run.answers("base")
    assert [p.text for p in answers] == [None] * len(TEST)
    assert [p.label for p in answers] == [max(p.probabilities, key=p.probabilities.get)
                                          for p in answers]  # fmt: skip
    words = sum(len(p.prompt.split()) for p in answers)
    assert run.record.usage == Usage(input_tokens=words, output_tokens=len(TEST))


def test_text_of_a_server_that_only_decides_is_refused(files, provider, connect):
    provider.refused.add("/v1/chat/completions")
    asked = experiment(files, name="zero_shot").model_copy(update={"answer": "text"})
    with pytest.raises(UnsupportedError, match=r"writes no text.*set answer: decision"):
        asked.plan(connect())


def test_one_file_compares_backends_and_costs_what_the_table_says(files, connect, tmp_path):
    prices = {"currency": "USD", "tuning_per_million_tokens": 10.0, "deployment_per_hour": 0.0,
              "input_per_million_tokens": 2.0, "output_per_million_tokens": 3.0}  # fmt: skip
    options = {"base_url": connect().options.base_url, "reading": "chat"}
    content = {
        "methods": [
            {"name": "provider_finetune", "verbalizer": TEMPLATE},
            {"name": "zero_shot", "template": TEMPLATE},
            "tfidf_logreg",
        ],
        "backends": [{"name": "openai", "options": options}, "sklearn"],
        "base_models": [MODEL],
        "data": files,
        "labels": ["0", "1"],
        "prices": {"openai": prices},
    }
    path = tmp_path / "benchmark.yaml"
    path.write_text(json.dumps(content))  # JSON is YAML
    sweep = run_benchmark(Benchmark.from_file(path), runs_dir=tmp_path / "runs")
    results = {(one.trial.backend, one.trial.name): one for one in sweep.record.results}
    assert {key: one.status for key, one in results.items()} == {
        ("openai", "provider_finetune"): "done",
        ("openai", "zero_shot"): "done",
        ("sklearn", "tfidf_logreg"): "done",
    }
    assert {one.answer for one in results.values()} == {"decision"}
    tuned = results["openai", "provider_finetune"]
    run = Run.load(sweep.directory / tuned.trial.directory)
    used = run.record.usage
    # Each row is asked once: its text and its label scores are one answer.
    assert used.input_tokens == sum(p.input_tokens for p in run.predictions())
    assert tuned.cost.parts["tuning_per_million_tokens"] == pytest.approx(
        run.record.model.details["trained_tokens"] * 10 / 1e6
    )
    assert tuned.cost.amount == pytest.approx(
        tuned.cost.parts["tuning_per_million_tokens"]
        + used.input_tokens * 2 / 1e6
        + used.output_tokens * 3 / 1e6
    )
