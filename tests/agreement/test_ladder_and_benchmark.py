"""The ladder of the embedded model, and one benchmark file on three backends, few rows each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tunesmith import Experiment
from tunesmith.sweep.benchmark import Benchmark, run_benchmark
from tunesmith.sweep.ladder import run_ladder
from tunesmith.sweep.page import remarks
from tunesmith.sweep.trial import BackendRef
from tunesmith_emulator import Emulator

DATA = Path(__file__).parents[2] / "data" / "grooming_reviews"
TEMPLATE = "Comment: {{input}}\nSatisfaction:\n"


@pytest.fixture
def values(tmp_path: Path) -> dict[str, Any]:
    for part, rows in (("train", 24), ("test", 20)):
        records = json.loads((DATA / f"{part}.json").read_text(encoding="utf-8"))
        (tmp_path / f"{part}.json").write_text(json.dumps(records[:rows]))
    small = {"num_epochs": 1, "max_output_tokens": 2, "verbalizer": TEMPLATE}
    return {
        "name": "few",
        "method": {"name": "prompt_tuning", "num_virtual_tokens": 100, "init_method": "text",
                   "init_text": "Is the customer satisfied?", **small},
        "ladder": [
            {"name": "zero_shot", "template": TEMPLATE},
            *({"name": name, **small} for name in ("p_tuning", "prefix_tuning", "lora",
                                                   "fine_tuning")),
        ],
        "data": {"train": str(tmp_path / "train.json"), "test": str(tmp_path / "test.json")},
        "labels": ["0", "1"],
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")
def test_the_ladder_of_the_embedded_model(values: dict[str, Any], tmp_path: Path) -> None:
    sweep = run_ladder(
        Experiment.from_values(values), BackendRef(name="local"), runs_dir=tmp_path / "runs"
    )
    assert sweep.record.status == "completed", remarks(sweep.record)
    names = [result.trial.name for result in sweep.record.results]
    assert names[:3] == ["majority", "tfidf_logreg", "embeddings_logreg"]
    order = [
        "zero_shot", "few_shot", "prompt_tuning-random", "prompt_tuning-text",
        "prompt_tuning-sample_vocab", "p_tuning", "prefix_tuning", "lora", "fine_tuning",
    ]  # fmt: skip
    assert [name for name in names if name in order] == order
    assert sweep.record.verdict is not None
    assert sweep.record.verdict.recommended in names


def test_one_file_on_three_backends_gives_one_table(values: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(values))
    with Emulator("local", seed=0) as emulator:
        options = {**emulator.credentials, "project_id": emulator.project_id}
        file = tmp_path / "benchmark.yaml"
        file.write_text(
            yaml.safe_dump(
                {
                    "experiment": "experiment.yaml",
                    "methods": ["tfidf_logreg", "zero_shot", "prompt_tuning"],
                    "backends": ["local", "sklearn", {"name": "watsonx", "options": options}],
                    "prices": {"watsonx": {"currency": "USD", "tuning_per_hour": 1.0}},
                }
            )
        )
        sweep = run_benchmark(Benchmark.from_file(file), runs_dir=tmp_path / "runs")
    assert sweep.record.status == "completed", remarks(sweep.record)
    lines = {(line.method, line.backend): line for line in sweep.record.lines}
    assert {key for key, line in lines.items() if line.accuracy is not None} == {
        ("zero_shot", "local"), ("prompt_tuning", "local"), ("tfidf_logreg", "sklearn"),
        ("zero_shot", "watsonx"), ("prompt_tuning", "watsonx"),
    }  # fmt: skip
    for method in ("zero_shot", "prompt_tuning"):
        assert lines[method, "watsonx"].emulated
        assert lines[method, "watsonx"].accuracy == lines[method, "local"].accuracy
    cost = lines["prompt_tuning", "watsonx"].cost
    assert cost is not None
    assert cost.amount is None  # no price for tokens or for the deployment
    secret = str(options["api_key"])
    written = [p.read_text() for p in sweep.directory.rglob("*.json")]
    assert not any(secret in text for text in written)
