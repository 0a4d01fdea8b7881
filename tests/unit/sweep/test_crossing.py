"""A trial crosses to another process as text, and its run comes back as an archive."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from tunesmith.errors import BackendError, ExperimentError, PluginError
from tunesmith.run import Run
from tunesmith.sweep import crossing
from tunesmith.sweep.benchmark import Benchmark, run_benchmark
from tunesmith.sweep.records import BenchmarkRecord, Trial
from tunesmith.sweep.sweep import Sweep
from tunesmith.sweep.trial import BackendRef, DataCache

pytestmark = pytest.mark.usefixtures("fake_plugin")

Make = Callable[..., Benchmark]


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(crossing.SCRATCH, str(tmp_path / "elsewhere"))
    return tmp_path / "elsewhere"


@pytest.fixture
def benchmark_of(values: dict[str, Any], tmp_path: Path) -> Make:
    def make(**changes: Any) -> Benchmark:
        (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(values))
        content = {
            "name": "table", "experiment": "experiment.yaml", "seeds": [0, 1],
            "methods": ["tfidf_logreg", "prompt_tuning"], "backends": ["sklearn", "fake"],
            **changes,
        }  # fmt: skip
        path = tmp_path / "benchmark.yaml"
        path.write_text(yaml.safe_dump(content))
        return Benchmark.from_file(path)

    return make


class Altered(Executor):
    """Runs tasks at once, and alters the archives."""

    slots = 1

    def __init__(self, alter: Callable[[bytes], bytes]) -> None:
        self.alter = alter
        self.sent: list[tuple[str, bytes]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        self.sent.append(args)  # type: ignore[arg-type]
        done: Future[Any] = Future()
        try:
            done.set_result(self.alter(fn(*args)))
        except BackendError as error:
            done.set_exception(error)
        return done


def accuracies(sweep: Sweep[BenchmarkRecord]) -> dict[str, float | None]:
    return {r.trial.directory: r.evaluation and r.evaluation.accuracy for r in sweep.record.results}


def test_any_executor_gives_what_a_run_in_line_gives(
    benchmark_of: Make, tmp_path: Path, scratch: Path
) -> None:
    benchmark = benchmark_of()
    line = run_benchmark(benchmark, runs_dir=tmp_path / "line")
    with ThreadPoolExecutor(2) as pool:
        sent = run_benchmark(benchmark, runs_dir=tmp_path / "sent", executor=pool)
    assert accuracies(sent) == accuracies(line)
    assert None not in accuracies(line).values()
    for result in line.record.results:
        ours, theirs = (
            {path.name for path in (sweep.directory / result.trial.directory).iterdir()}
            for sweep in (line, sent)
        )
        assert ours - {".lock"} == theirs
    assert not list(scratch.rglob("run.json"))


def test_a_run_that_came_back_answers(benchmark_of: Make, tmp_path: Path) -> None:
    executor = Altered(bytes)
    what = benchmark_of(methods=["tfidf_logreg"], backends=["sklearn"])
    sweep = run_benchmark(what, runs_dir=tmp_path / "runs", executor=executor)
    assert sweep.record.status == "completed"
    for result in sweep.record.results:
        run = Run.open(sweep.directory / result.trial.directory)
        assert len(run.predict(["a fine stay"])) == 1


def test_text_and_bytes_are_all_that_is_sent(benchmark_of: Make, tmp_path: Path) -> None:
    executor = Altered(bytes)
    run_benchmark(benchmark_of(), runs_dir=tmp_path / "runs", executor=executor)
    assert {(type(text), type(rows)) for text, rows in executor.sent} == {(str, bytes)}
    assert len({id(rows) for _, rows in executor.sent}) == 1
    assert json.loads(executor.sent[0][0])["run"] == "tunesmith.sweep.trial:run_trial"


@pytest.mark.parametrize("cut", [0, 10, 2000])
def test_a_damaged_archive_fails_its_trial_and_nothing_is_half_written(
    benchmark_of: Make, tmp_path: Path, cut: int
) -> None:
    executor = Altered(lambda archive: archive[:cut])
    sweep = run_benchmark(benchmark_of(seeds=[0]), runs_dir=tmp_path / "runs", executor=executor)
    assert {result.status for result in sweep.record.results} == {"failed"}
    assert "archive is damaged" in str(sweep.record.results[0].reason)
    assert not list((sweep.directory / "cells").glob("0*"))
    executor.alter = bytes
    again = run_benchmark(benchmark_of(seeds=[0]), runs_dir=tmp_path / "runs", executor=executor)
    assert (again.directory, again.record.status) == (sweep.directory, "completed")


def test_a_worker_of_another_version_is_named(
    benchmark_of: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Older(Altered):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **more: Any) -> Future[Any]:
            with monkeypatch.context() as there:
                there.setattr(crossing, "own_version", lambda: "0.0.1")
                return super().submit(fn, *args, **more)

    sweep = run_benchmark(
        benchmark_of(seeds=[0]), runs_dir=tmp_path / "runs", executor=Older(bytes)
    )
    assert "it has tunesmith 0.0.1, the sweep" in str(sweep.record.results[0].reason)


def test_an_executor_that_ended_interrupts_the_sweep(benchmark_of: Make, tmp_path: Path) -> None:
    def gone(_: bytes) -> bytes:
        raise BackendError("the cluster ended")

    with pytest.raises(BackendError, match="the cluster ended"):
        run_benchmark(benchmark_of(), runs_dir=tmp_path / "runs", executor=Altered(gone))
    (record,) = (tmp_path / "runs").glob("*/benchmark.json")
    assert json.loads(record.read_text())["status"] == "interrupted"


def test_a_secret_is_not_sent() -> None:
    trial = Trial(name="m", backend="watsonx", base_model="b", seed=0, experiment={}, directory="d",
                  trains_base_model=True)  # fmt: skip
    ref = BackendRef(name="watsonx", options={"api_key": "hush", "project_id": "p"})
    with pytest.raises(ExperimentError, match="api_key: a secret is not sent") as refused:
        crossing.task_of(trial, ref, "sweep", DataCache.load)  # type: ignore[arg-type]
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"processes": 2, "cluster": "tcp://host:1"}, "processes and cluster: each runs"),
        ({"executor": "nosuch"}, "no executor 'nosuch'"),
        ({"executor": {"address": "auto"}}, "name: missing"),
        ({"executor": "dask"}, "executor 'dask': give 'processes'"),
        ({"executor": {"name": "dask", "workers": 2}}, "executor 'dask': give 'processes'"),
        ({"cluster": "nowhere"}, "'nowhere' is neither an address"),
    ],
)
def test_a_wrong_executor_is_named(
    benchmark_of: Make, tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(ExperimentError, match=told):
        run_benchmark(benchmark_of(**changes), runs_dir=tmp_path / "runs")


def test_without_dask_the_error_names_the_extra(
    benchmark_of: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(PluginError, match=r"pip install 'tunesmith\[dask\]'"):
        run_benchmark(benchmark_of(processes=2), runs_dir=tmp_path / "runs")
