"""Trials on Ray, which starts on this machine."""

from __future__ import annotations

import json

import pytest
import yaml

from tunesmith.errors import ExperimentError
from tunesmith.sweep.benchmark import Benchmark, run_benchmark

pytest.importorskip("ray", reason="Ray is not installed; make test-scale installs it")
pytest.importorskip("tunesmith_ray")


@pytest.fixture
def file(tmp_path):
    rows = [
        {"input": f"{word} stay", "output": label}
        for label, words in (("1", ("fine", "kind", "warm")), ("0", ("rude", "dull", "late")))
        for word in words
    ]
    for name, copies in (("train", 4), ("test", 1)):
        (tmp_path / f"{name}.json").write_text(json.dumps(rows * copies))

    def write(**changes):
        values = {
            "data": {"train": "train.json", "test": "test.json"}, "labels": ["0", "1"],
            "base_models": ["tunesmith/micro-granite"], "methods": ["majority", "tfidf_logreg"],
            "backends": ["sklearn"], **changes,
        }  # fmt: skip
        path = tmp_path / "benchmark.yaml"
        path.write_text(yaml.safe_dump(values))
        return Benchmark.from_file(path)

    return write


def test_the_same_table_as_in_line(file, tmp_path):
    line = run_benchmark(file(), runs_dir=tmp_path / "line")
    on_ray = run_benchmark(file(executor="ray"), runs_dir=tmp_path / "ray")
    assert on_ray.record.status == "completed"
    found = [[r.evaluation.accuracy for r in sweep.record.results] for sweep in (line, on_ray)]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"adress": "auto"}, "executor 'ray': adress"),
        ({"num_gpus": -1}, "num_gpus"),
        ({"address": "127.0.0.1:1"}, "no Ray cluster at 127.0.0.1:1"),
    ],
)
def test_a_wrong_option_is_named(file, tmp_path, options, told):
    with pytest.raises(ExperimentError, match=told):
        run_benchmark(file(executor={"name": "ray", **options}), runs_dir=tmp_path)
