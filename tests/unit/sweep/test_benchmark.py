"""The benchmark: its file, its trials and its table."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from tunesmith.errors import ExperimentError, NotFoundError, PluginError, TunesmithError
from tunesmith.run import Run
from tunesmith.runs.directory import LOCK
from tunesmith.sweep.benchmark import Benchmark, run_benchmark
from tunesmith.sweep.records import BenchmarkRecord
from tunesmith.sweep.sweep import Sweep

pytestmark = pytest.mark.usefixtures("fake_plugin")

Bench = Callable[..., Sweep[BenchmarkRecord]]


@pytest.fixture
def file(values: dict[str, Any], tmp_path: Path) -> Callable[..., Path]:
    """Write a benchmark file with the given keys changed; None leaves a key out."""

    def write(**changes: Any) -> Path:
        (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(values))
        content = {
            "name": "table",
            "experiment": "experiment.yaml",
            "methods": ["tfidf_logreg", "zero_shot", "prompt_tuning"],
            "backends": ["sklearn", "fake"],
            "seeds": [0, 1],
            **changes,
        }
        path = tmp_path / "benchmark.yaml"
        path.write_text(yaml.safe_dump({k: v for k, v in content.items() if v is not None}))
        return path

    return write


@pytest.fixture
def bench(file: Callable[..., Path], tmp_path: Path) -> Bench:
    def call(*, processes: int | None = None, **changes: Any) -> Sweep[BenchmarkRecord]:
        benchmark = Benchmark.from_file(file(processes=processes, **changes))
        return run_benchmark(benchmark, runs_dir=tmp_path / "runs")

    return call


def statuses(sweep: Sweep[BenchmarkRecord]) -> dict[str, int]:
    found = [result.status for result in sweep.record.results]
    return {status: found.count(status) for status in sorted(set(found))}


def test_one_table_for_all_backends(bench: Bench) -> None:
    sweep = bench()
    assert statuses(sweep) == {"done": 6}
    lines = {(line.method, line.backend): line for line in sweep.record.lines}
    assert list(lines) == [
        ("tfidf_logreg", "sklearn"), ("zero_shot", "fake"), ("prompt_tuning", "fake"),
    ]  # fmt: skip
    tuned = lines["prompt_tuning", "fake"]
    assert tuned.seeds == (0, 1)
    assert tuned.accuracy_range is not None
    assert tuned.accuracy_range[0] <= (tuned.accuracy or 0) <= tuned.accuracy_range[1]
    assert tuned.latency is not None
    assert len(tuned.latency.requests) == 2 * 20
    assert tuned.latency.p50 <= tuned.latency.p90 <= tuned.latency.p99
    table = (sweep.directory / "benchmark.md").read_text()
    assert "| prompt_tuning | fake | tunesmith/fake | 2/2 |" in table
    assert table.count(
        "note: left out, because the backend does not offer them: "
        "sklearn: zero_shot, prompt_tuning; fake: tfidf_logreg"
    ) == 1  # fmt: skip
    notes = [line for line in table.splitlines() if line.startswith("- note: ")]
    texts = [line.rpartition(": ")[2] for line in notes]
    assert len(set(texts)) == len(texts)


def test_a_method_that_no_backend_offers_is_listed_once_with_the_reason(bench: Bench) -> None:
    sweep = bench(methods=["zero_shot", "tfidf_logreg"], backends=["fake"])
    assert statuses(sweep) == {"done": 2, "skipped": 2}
    table = (sweep.directory / "benchmark.md").read_text()
    assert "| tfidf_logreg | fake | tunesmith/fake | 0/2 | skipped |" in table
    assert table.count("does not offer the method 'tfidf_logreg'") == 1


def test_the_record_is_json_both_ways(bench: Bench) -> None:
    sweep = bench()
    assert Sweep.load(sweep.directory, BenchmarkRecord).record == sweep.record


def test_one_method_with_two_settings(bench: Bench) -> None:
    sweep = bench(
        methods=["prompt_tuning", {"name": "prompt_tuning", "as": "longer", "num_epochs": 3}],
        backends=["fake"], seeds=[0],
    )  # fmt: skip
    epochs = {
        r.trial.name: r.trial.experiment["method"]["num_epochs"] for r in sweep.record.results
    }
    assert epochs == {"prompt_tuning": 2, "longer": 3}


def test_a_file_without_an_experiment(bench: Bench, values: dict[str, Any]) -> None:
    sweep = bench(experiment=None, data=values["data"], labels=["0", "1"],
                 base_models=["tunesmith/fake", "tunesmith/micro-granite"],
                 methods=["zero_shot"], backends=["fake"], seeds=None)  # fmt: skip
    assert [line.base_model for line in sweep.record.lines] == [
        "tunesmith/fake", "tunesmith/micro-granite",
    ]  # fmt: skip
    assert sweep.record.lines[1].stand_in == "tunesmith/fake"


def test_a_failing_trial_is_reported_and_not_fatal(bench: Bench) -> None:
    sweep = bench(backends=["sklearn", {"name": "fake", "options": {"fail": "tune"}}])
    assert statuses(sweep) == {"done": 4, "failed": 2}
    assert sweep.record.status == "incomplete"
    assert "set to fail at 'tune'" in (sweep.directory / "benchmark.md").read_text()


def test_the_same_file_again_runs_only_open_trials(bench: Bench) -> None:
    first = bench(backends=["sklearn", {"name": "fake", "options": {"fail": "deploy"}}])
    before = {r.trial.directory: run_record(first, r) for r in first.record.results if r.evaluation}
    again = bench(backends=["sklearn", {"name": "fake", "options": {"fail": "deploy"}}])
    assert again.directory == first.directory
    after = {r.trial.directory: run_record(again, r) for r in again.record.results if r.evaluation}
    assert before == after


def run_record(sweep: Sweep[BenchmarkRecord], result: Any) -> str:
    return Run.load(sweep.directory / result.trial.directory).record.to_json()


def test_a_changed_file_begins_another_directory(bench: Bench) -> None:
    assert bench(seeds=[0]).directory != bench(seeds=[0, 1]).directory


def test_prices_are_the_users_and_a_missing_one_is_unknown(bench: Bench) -> None:
    def costs(prices: Any) -> dict[str, Any]:
        sweep = bench(prices=prices, methods=["zero_shot", "prompt_tuning"], backends=["fake"],
                     seeds=[0])  # fmt: skip
        return {line.method: line.cost for line in sweep.record.lines}

    assert costs({})["prompt_tuning"].amount == 0  # the backend declares that it costs nothing
    tokens = {"input_per_million_tokens": 2.0, "output_per_million_tokens": 4.0}
    priced = costs({"fake": {"currency": "EUR", **tokens}})
    assert priced["zero_shot"].currency == "EUR"
    assert priced["zero_shot"].amount > 0
    assert priced["prompt_tuning"].amount is None  # the price of an hour of tuning is not given
    whole = {"currency": "EUR", "tuning_per_hour": 1.0, "deployment_per_hour": 1.0, **tokens}
    assert costs({"fake": whole})["prompt_tuning"].amount > 0


def test_trials_in_processes(bench: Bench) -> None:
    sweep = bench(processes=2)
    assert statuses(sweep) == {"done": 6}
    assert [r.accuracy for r in sweep.record.lines if r.method == "tfidf_logreg"] == [1.0]


def test_a_trial_that_ends_its_process_does_not_affect_others(bench: Bench) -> None:
    sweep = bench(processes=2, methods=["zero_shot"], backends=["dying", "fake"])
    assert [(r.trial.backend, r.status) for r in sweep.record.results] == [
        ("dying", "failed"), ("fake", "done"), ("dying", "failed"), ("fake", "done"),
    ]  # fmt: skip
    assert "ended abruptly" in (sweep.directory / "benchmark.md").read_text()


@pytest.fixture
def held(tmp_path: Path) -> dict[str, Any]:
    """The fake backend, whose tunings wait until its file ``hold`` is deleted."""
    hold = tmp_path / "hold"
    hold.touch()
    return {"name": "fake", "options": {"hold": str(hold)}}


def begun(path: Path, processes: str, **given: Any) -> tuple[subprocess.Popen[str], Path]:
    """Start a benchmark; returns when it tunes. The second value is its directory."""
    runs = path.parent / "runs"
    arguments = ["benchmark", str(path), "--runs-dir", str(runs), "--processes", processes]
    work = subprocess.Popen([sys.executable, "-m", "tunesmith", *arguments], text=True, **given)
    # Its lock tells that the trial is under way; before, nobody would be seen to work on it.
    (lock,) = wait_for(lambda: list(runs.glob(f"*-benchmark-*/**/cells/*prompt-tuning*/{LOCK}")))
    return work, runs / lock.relative_to(runs).parts[0]


@pytest.mark.parametrize("processes", ["1", "2"])
def test_it_resumes_after_being_killed(
    file: Callable[..., Path], bench: Bench, held: dict[str, Any], processes: str
) -> None:
    path = file(backends=["sklearn", held], seeds=[0])
    work, directory = begun(path, processes, stderr=subprocess.DEVNULL)
    wait_for(lambda: Sweep.load(directory, BenchmarkRecord).record.results[0].status == "done")
    workers = psutil.Process(work.pid).children(recursive=True)
    work.kill()
    work.wait()
    psutil.wait_procs(workers)  # they end by themselves, after it
    before = Sweep.load(directory, BenchmarkRecord)
    assert before.record.status == "interrupted"
    assert statuses(before) != {"done": 3}
    done = run_record(before, before.record.results[0])
    Path(held["options"]["hold"]).unlink()
    after = bench(backends=["sklearn", held], seeds=[0])
    assert after.directory == directory
    assert statuses(after) == {"done": 3}, [r.reason for r in after.record.results]
    assert run_record(after, after.record.results[0]) == done


@pytest.mark.parametrize("processes", ["1", "2"])
def test_the_same_command_resumes_after_ctrl_c(
    file: Callable[..., Path], held: dict[str, Any], processes: str
) -> None:
    path = file(backends=[held], seeds=[0])
    work, directory = begun(path, processes, stderr=subprocess.PIPE)
    os.kill(work.pid, signal.SIGINT)
    _, said = work.communicate()
    assert work.returncode == 130
    assert "resume with the same command" in said
    assert "Traceback" not in said
    assert json.loads((directory / "benchmark.json").read_text())["status"] == "interrupted"


def wait_for(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + 600  # a machine under load is no failure
    while time.monotonic() < end:
        try:
            found = condition()
        except (TunesmithError, OSError):
            found = None
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come")


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"methods": ["promt_tuning"]}, ExperimentError, "Did you mean 'prompt_tuning'"),
        ({"backends": ["sklern"]}, PluginError, "Did you mean 'sklearn'"),
        ({"backends": ["fake"], "base_models": ["tunesmith/fak"]}, NotFoundError, "no base model"),
        ({"base_models": ["tunesmith/fak"]}, NotFoundError, "tunesmith/fake"),
        ({"methods": [{"name": "zero_shot", "tmplate": "x"}]}, ExperimentError, "no such key"),
        ({"methods": ["zero_shot", "zero_shot"]}, ExperimentError, "'as: NAME'"),
        ({"backends": [{"name": "fake", "options": {"spead": 1}}]}, ExperimentError, "'spead'"),
        ({"seeds": [1, 1]}, ExperimentError, "twice"),
        ({"sedes": [1]}, ExperimentError, "sedes: no such key.*'seeds'"),
        ({"data": {"train": "x"}}, ExperimentError, "leave one out"),
        ({"experiment": None}, ExperimentError, "give 'experiment: FILE'"),
        ({"prices": {"fake": {"currency": "EUR", "a": 1}}}, ExperimentError, "the keys are"),
        (
            {"methods": [{"name": "prompt_tuning", "early_stopping_patience": 1}]},
            ExperimentError,
            "needs validation rows",
        ),
        ({"methods": ["lora"], "backends": ["sklearn"]}, TunesmithError, "no trial can run"),
    ],
)
def test_a_wrong_file_fails_before_the_first_trial(
    changes: dict[str, Any], error: type[Exception], message: str, bench: Bench, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        bench(**changes)
    assert not (tmp_path / "runs").exists()
