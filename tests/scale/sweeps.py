"""Sweeps in line and on engines: the speed of many short trials, equal records, and deaths.

    python -m tests.scale.sweeps [speed] [equal] [poison] [loads] [kills]

Prints what it finds; exits with 1 if a trial is lost or a record differs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import yaml
from tests.faults.outcome import differences, outcome
from tests.faults.rows import labelled
from tests.scale import trials

from tunesmith.progress import SILENT
from tunesmith.sweep.benchmark import Benchmark, _planned
from tunesmith.sweep.engines import engine, on_dask
from tunesmith.sweep.executor import Work
from tunesmith.sweep.records import BenchmarkRecord
from tunesmith.sweep.sweep import Sweep, opened
from tunesmith.sweep.trial import DataCache

ROOT = Path(__file__).parents[2]
SEEDS = 12
MOMENTS = 20
VICTIMS = ("worker", "scheduler", "parent")
MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], default=[])
    parser.add_argument("--moments", type=int, default=MOMENTS, help="kills of each process")
    parser.add_argument("--kill", nargs="*", choices=VICTIMS, default=VICTIMS, help="of these")
    asked = parser.parse_args()
    wrong = 0
    for name in asked.parts or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            wrong += PARTS[name](Path(folder), asked)
    return 1 if wrong else 0


def _file(folder: Path, seeds: int, **more: Any) -> Path:
    for name, copies in (("train", 4), ("test", 2)):
        (folder / f"{name}.json").write_text(json.dumps(labelled(copies)))
    values = {
        "name": "scale",
        "data": {"train": "train.json", "test": "test.json"},
        "labels": ["0", "1"],
        "base_models": ["tunesmith/micro-granite"],
        "methods": ["tfidf_logreg"],
        "backends": ["sklearn"],
        "seeds": list(range(seeds)),
        **more,
    }
    file = folder / "benchmark.yaml"
    file.write_text(yaml.safe_dump(values))
    return file


def swept(
    file: Path, runs: Path, how: Mapping[str, Any] | None, run: Callable[..., Any] | None = None
) -> tuple[Sweep[BenchmarkRecord], float, float]:
    """Return a sweep, the seconds of its trials, and those of the start."""
    benchmark, data = Benchmark.from_file(file), DataCache()
    more = {} if run is None else {"run": run}
    with opened(runs, _planned(benchmark, data), {}, SILENT) as sweep:
        waiting = [r.trial for r in sweep.record.results if r.open]
        work = Work(waiting, benchmark.refs, sweep.directory, data, {}, SILENT, **more)
        begun = time.perf_counter()
        with engine(how, benchmark.refs.values(), sweep.directory / "unfinished", print) as found:
            assert found is None or found.slots >= 1
            ready = time.perf_counter()
            work.do(sweep.put, found)
            ended = time.perf_counter()
    return sweep, ended - ready, ready - begun


def speed(folder: Path, _: argparse.Namespace) -> int:
    file = _file(folder, 64)
    _, alone, _ = swept(file, folder / "line", None, trials.sleeping)
    _, both, start = swept(file, folder / "dask", on_dask(2), trials.sleeping)
    print(f"64 trials that sleep {trials.SECONDS} s: in line {alone:.2f} s, two Dask workers "
          f"{both:.2f} s: {alone / both:.2f}x; their start {start:.1f} s")  # fmt: skip
    return 0


def equal(folder: Path, _: argparse.Namespace) -> int:
    methods = ["majority", "tfidf_logreg", "zero_shot", {
        "name": "prompt_tuning", "num_virtual_tokens": 4, "init_method": "random", "num_epochs": 1,
        "batch_size": 8, "accumulate_steps": 2, "max_input_tokens": 32, "max_output_tokens": 2,
    }]  # fmt: skip
    file = _file(folder, 2, methods=methods, backends=["sklearn", "local"])
    found = {}
    for name, how in _engines():
        sweep, took, _ = swept(file, folder / name, how)
        found[name] = outcome(sweep.directory / "cells")
        done = sum(result.status == "done" for result in sweep.record.results)
        print(f"{name}: {done} of {len(sweep.record.results)} trials, {took:.1f} s")
    first, *others = found
    wrong = 0
    for name in others:
        found_ones = list(differences(found[first], found[name]))
        wrong += len(found_ones)
        print(f"{first} against {name}: {len(found[first])} files, {len(found_ones)} differ")
        print("\n".join(found_ones[:20]))
    return wrong


def _engines() -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    yield "line", None
    yield "dask", on_dask(2)
    try:
        from ray.cluster_utils import Cluster

        import tunesmith_ray  # noqa: F401
    except ImportError:
        print("ray: not installed, not measured")
        return
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    nodes.add_node(num_cpus=1)  # a second raylet: trials cross from one node to the other
    try:
        yield "ray", {"name": "ray", "address": nodes.address}
    finally:
        nodes.shutdown()


def poison(folder: Path, _: argparse.Namespace) -> int:
    sweep, took, _ = swept(_file(folder, SEEDS), folder / "runs", on_dask(2), trials.poisoned)
    statuses = Counter(result.status for result in sweep.record.results)
    reason = next((r.reason for r in sweep.record.results if r.status == "failed"), "")
    print(f"one of {SEEDS} trials ends its process: {dict(statuses)} in {took:.1f} s: {reason}")
    return int(statuses != {"done": SEEDS - 1, "failed": 1})


def loads(folder: Path, _: argparse.Namespace) -> int:
    log = folder / "loads"
    os.environ[trials.LOG] = str(log)
    file = _file(folder, 12, methods=["zero_shot"], backends=["local"], base_models=[MODEL])
    sweep, took, _ = swept(file, folder / "runs", {"name": "dask", "processes": 1}, trials.loading)
    times = [float(line) for line in log.read_text().splitlines()]
    done = sum(result.status == "done" for result in sweep.record.results)
    print(f"{done} trials of {MODEL} on one worker, {took:.0f} s: loaded {len(times)} times, "
          f"in {sum(times):.2f} s, the first time in {times[0]:.2f} s: "
          f"{sum(times) / times[0]:.2f}x")  # fmt: skip
    return int(done != SEEDS or len(times) != 1)


def kills(folder: Path, asked: argparse.Namespace) -> int:
    wrong = 0
    for kind in asked.kill:
        draw = random.Random(kind)
        lost = twice = again = 0
        for number in range(asked.moments):
            place = folder / f"{kind}-{number}"
            place.mkdir()
            after = draw.uniform(0, 4)
            counts = _killed(place, kind, after)
            lost += counts["lost"]
            twice += counts["in the record twice"]
            again += counts["executed again"]
            assert counts["executed again"] <= 2, counts
        found = f"{lost} trials lost, {twice} twice in the record, {again} executed again"
        print(f"kill -9 of the {kind} at {asked.moments} moments: {found}", flush=True)
        wrong += lost + twice
    return wrong


def _killed(folder: Path, kind: str, after: float) -> Counter[str]:
    file, log = _file(folder, SEEDS), folder / "executed"
    environment = {**os.environ, trials.LOG: str(log)}
    with _cluster(folder, environment) as cluster:
        command = [sys.executable, "-m", "tests.scale.sweep_once", str(file), str(folder / "runs"),
                   str(cluster.file)]  # fmt: skip
        parent = _begun(command, environment, folder)
        _until(log.exists, parent)
        time.sleep(after)
        victim = {"worker": cluster.worker, "scheduler": cluster.scheduler, "parent": parent.pid}
        os.kill(victim[kind], signal.SIGKILL)
        if kind == "scheduler":
            cluster.start()
        parent.wait()
        for _ in range(3):  # the same command again, until it has nothing to do
            if _begun(command, environment, folder).wait() == 0:
                break
    (record,) = (folder / "runs").glob("*/benchmark.json")
    results = json.loads(record.read_text())["results"]
    done = Counter(one["cell"]["directory"] for one in results if one["status"] == "done")
    executed = log.read_text().splitlines()
    return Counter({
        "lost": SEEDS - len(done),
        "in the record twice": sum(done.values()) - len(done),
        "executed again": len(executed) - len(set(executed)),
    })  # fmt: skip


class _Cluster:
    """``dask scheduler`` and two ``dask worker`` processes, started by hand."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.file = folder / "scheduler.json"
        self._folder, self._environment = folder, environment
        self._begun: list[subprocess.Popen[str]] = []
        self.start()

    @property
    def scheduler(self) -> int:
        return self._begun[0].pid

    @property
    def worker(self) -> int:
        """One of the processes that run trials; its nanny is another process."""
        nanny = psutil.Process(random.choice(self._begun[1:]).pid)
        return next(c.pid for c in nanny.children() if "spawn_main" in " ".join(c.cmdline()))

    def start(self) -> None:
        self.end()
        self.file.unlink(missing_ok=True)
        self._run("dask_scheduler", "--port", "0", "--no-dashboard", "--host", "127.0.0.1")
        _until(self.file.exists, self._begun[0])
        for _ in range(2):
            self._run("dask_worker", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1")

    def end(self) -> None:
        for process in reversed(self._begun):
            process.kill()
            process.wait()
        self._begun.clear()

    def _run(self, name: str, *more: str) -> None:
        command = [sys.executable, "-m", f"distributed.cli.{name}", "--scheduler-file"]
        self._begun.append(_begun([*command, str(self.file), *more], self._environment,
                                  self._folder))  # fmt: skip


@contextmanager
def _cluster(folder: Path, environment: Mapping[str, str]) -> Iterator[_Cluster]:
    cluster = _Cluster(folder, environment)
    try:
        yield cluster
    finally:
        cluster.end()


def _begun(
    command: list[str], environment: Mapping[str, str], folder: Path
) -> subprocess.Popen[str]:
    with (folder / "log").open("a") as log:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log,
                                text=True)  # fmt: skip


def _until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not condition():
        assert process.poll() is None, "it ended too early"
        time.sleep(0.05)


PARTS = {"speed": speed, "equal": equal, "poison": poison, "loads": loads, "kills": kills}

if __name__ == "__main__":
    raise SystemExit(main())
