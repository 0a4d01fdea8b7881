"""The directory of a sweep: what it keeps, what a killed process leaves, what older ones hold."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunesmith import Experiment, connect
from tunesmith.audit import find_overlaps
from tunesmith.dataset import load_dataset
from tunesmith.errors import RunError
from tunesmith.progress import Progress
from tunesmith.run import Run
from tunesmith.sweep.costs import parse_prices
from tunesmith.sweep.ladder import run_ladder
from tunesmith.sweep.records import LadderRecord
from tunesmith.sweep.sweep import Sweep
from tunesmith.sweep.trial import BackendRef

pytestmark = pytest.mark.usefixtures("fake_plugin")

OLD_LADDER = Path(__file__).parent / "old-ladder"
"""Written by version 0.1.0: one step done, three waiting. FOLDER is the folder of its data."""
CHEAP = ("majority", "zero_shot")

RunLadder = Callable[..., Sweep[LadderRecord]]


class Begun(Progress):
    def __init__(self) -> None:
        self.names: list[str] = []

    def trial(self, name: str, number: int, total: int) -> None:
        self.names.append(name.split()[0])


@pytest.fixture
def ladder_of(values: dict[str, Any], tmp_path: Path) -> RunLadder:
    def call(**arguments: Any) -> Sweep[LadderRecord]:
        what = Experiment.from_values({**values, **arguments.pop("changes", {})})
        only = {"only": CHEAP, **arguments}
        return run_ladder(what, BackendRef(name="fake"), runs_dir=tmp_path / "runs", **only)

    return call


@pytest.fixture
def old(tmp_path: Path) -> Path:
    directory = tmp_path / "runs" / "20261128-183021-demo-ladder-d725"
    shutil.copytree(OLD_LADDER, directory)
    for file in directory.rglob("*.json"):
        file.write_text(file.read_text().replace("FOLDER", str(tmp_path)))
    return directory


def logged(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / "results.jsonl").read_text().splitlines()]


def test_a_ladder_of_the_first_version_is_resumed(old: Path, ladder_of: RunLadder) -> None:
    before = json.loads((old / "ladder.json").read_text())["results"]
    begun = Begun()
    sweep = ladder_of(progress=begun)
    assert sweep.directory == old
    assert begun.names == ["zero_shot"]
    written = json.loads((old / "ladder.json").read_text())["results"]
    names = [result["cell"]["name"] for result in written]
    assert names[2] == "embeddings_logreg"  # a step that the first version did not have
    after = [result for result in written if result["cell"]["name"] != "embeddings_logreg"]
    assert after[0] == before[0]
    assert [list(result) for result in after] == [list(result) for result in before]
    assert [result["cell"] for result in after] == [result["cell"] for result in before]


def test_a_ladder_of_the_first_version_is_read(old: Path) -> None:
    record = Sweep.load(old, LadderRecord).record
    assert [r.status for r in record.results][:3] == ["done", "waiting", "waiting"]
    assert [r.trial.trains_base_model for r in record.results] == [False] * 4 + [True] * 2
    assert record.verdict is not None
    assert record.verdict.best == "majority"
    assert json.loads(record.to_json()) == json.loads((old / "ladder.json").read_text())


def test_a_result_is_logged_when_it_comes_and_the_record_written_at_the_end(
    ladder_of: RunLadder, tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []

    class Watching(Progress):
        def trial_ended(self, name: str, outcome: str) -> None:
            (file,) = tmp_path.glob("runs/*/ladder.json")
            written = json.loads(file.read_text())["results"]
            seen.append((len(logged(file.parent)), sum(r["status"] == "done" for r in written)))

    sweep = ladder_of(progress=Watching())
    assert seen == [(1, 0), (2, 0)]
    assert sum(r.status == "done" for r in Sweep.load(sweep.directory, LadderRecord).record.results)


@pytest.fixture
def killed(ladder_of: RunLadder) -> Path:
    """A ladder whose process was killed after two results: its record has none of them."""
    directory = ladder_of().directory
    file = directory / "ladder.json"
    record = json.loads(file.read_text())
    waiting = [{"cell": r["cell"]} for r in record["results"]]
    file.write_text(json.dumps({**record, "results": waiting, "status": "running"}))
    return directory


def test_a_killed_process_loses_no_result(killed: Path, ladder_of: RunLadder) -> None:
    done = [r.trial.name for r in Sweep.load(killed, LadderRecord).record.results if not r.open]
    assert done == list(CHEAP)
    begun = Begun()
    assert ladder_of(progress=begun).directory == killed
    assert begun.names == []


def test_the_last_line_of_a_trial_counts(killed: Path) -> None:
    log = killed / "results.jsonl"
    again = {**logged(killed)[0], "status": "failed", "reason": "no memory", "evaluation": None}
    log.write_text(log.read_text() + json.dumps(again) + "\n")
    first = Sweep.load(killed, LadderRecord).record.results[0]
    assert (first.status, first.reason) == ("failed", "no memory")


def test_an_incomplete_last_line_is_left_out_and_its_trial_runs_again(
    killed: Path, ladder_of: RunLadder
) -> None:
    log = killed / "results.jsonl"
    log.write_bytes(log.read_bytes()[:-30])
    assert [r.open for r in Sweep.load(killed, LadderRecord).record.results][0:3:2] == [False, True]
    begun = Begun()
    ladder_of(progress=begun)
    assert begun.names == ["zero_shot"]
    assert [line["cell"]["name"] for line in logged(killed)] == list(CHEAP)


def test_a_damaged_log_is_refused_with_the_line(killed: Path) -> None:
    log = killed / "results.jsonl"
    log.write_text("{}\n" + log.read_text())
    with pytest.raises(RunError, match=r"results\.jsonl, line 1: not a result"):
        Sweep.load(killed, LadderRecord)


def test_new_prices_outlast_the_log(ladder_of: RunLadder) -> None:
    prices = {"fake": {"currency": "EUR", "input_per_million_tokens": 1.0,
                       "output_per_million_tokens": 1.0}}  # fmt: skip
    assert cost_of(ladder_of(), "zero_shot") == 0
    sweep = ladder_of(prices=parse_prices(prices, source="here"))
    assert cost_of(Sweep.load(sweep.directory, LadderRecord), "zero_shot") > 0


def cost_of(sweep: Sweep[LadderRecord], name: str) -> float:
    (result,) = [r for r in sweep.record.results if r.trial.name == name]
    assert result.cost is not None
    assert result.cost.amount is not None
    return result.cost.amount


def test_the_files_are_read_once_and_the_near_copies_found_once(
    ladder_of: RunLadder, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    compared: list[int] = []

    def counting(source: str, **arguments: Any) -> Any:
        loaded.append(Path(source).name)
        return load_dataset(source, **arguments)

    def comparing(*parts: Any) -> Any:
        compared.append(1)
        return find_overlaps(*parts)

    monkeypatch.setattr("tunesmith.dataset.sources.load_dataset", counting)
    for module in ("tunesmith.audit.auditing", "tunesmith.sweep.trial"):
        monkeypatch.setattr(f"{module}.find_overlaps", comparing)
    # Some steps take validation rows and some do not: they split the same files differently.
    sweep = ladder_of(changes={"data": {**values["data"], "validation": 0.2}}, only=())
    assert sum(result.status == "done" for result in sweep.record.results) == 7
    assert loaded == ["train.json", "test.json"]
    assert compared == [1]


def test_a_trial_has_the_audit_of_the_same_experiment_alone(
    ladder_of: RunLadder, tmp_path: Path
) -> None:
    sweep = ladder_of(only=["prompt_tuning-random"])
    (result,) = [r for r in sweep.record.results if r.status == "done"]
    trial = Run.load(sweep.directory / result.trial.directory).record
    experiment = Experiment.from_record(result.trial.experiment)
    with connect("fake", store=str(tmp_path / "store")) as backend:
        alone = experiment.run_alone(backend, tmp_path / "alone").record
    assert trial.audit == alone.audit
    assert trial.audit is not None
    assert trial.audit.train.tokens is not None
