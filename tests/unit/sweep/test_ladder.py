"""The ladder: which rungs there are, in which order, and what it says in the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunesmith import Experiment
from tunesmith.errors import ExperimentError, UnsupportedError
from tunesmith.progress import Progress
from tunesmith.runs.run import Run
from tunesmith.sweep.ladder import LadderRecord, climb
from tunesmith.sweep.ladder_verdict import judge
from tunesmith.sweep.sweep import Grid
from tunesmith.sweep.trial import Place

pytestmark = pytest.mark.usefixtures("fake_plugin")

Climb = Callable[..., Grid[LadderRecord]]


@pytest.fixture
def climbed(values: dict[str, Any], tmp_path: Path) -> Climb:
    def call(**arguments: Any) -> Grid[LadderRecord]:
        options = arguments.pop("options", {})
        what = Experiment.from_values({**values, **arguments.pop("changes", {})})
        place = Place(name=arguments.pop("backend", "fake"), options=options)
        return climb(what, place, runs_dir=tmp_path / "runs", **arguments)

    return call


def names(grid: Grid[LadderRecord], status: str = "done") -> list[str]:
    return [r.cell.name for r in grid.record.results if r.status == status]


def test_every_method_cheapest_first(climbed: Climb) -> None:
    assert names(climbed()) == [
        "majority", "tfidf_logreg", "zero_shot", "few_shot",
        "prompt_tuning-random", "prompt_tuning-sample_vocab",
    ]  # fmt: skip


def test_an_init_text_adds_a_rung_and_the_rungs_keep_the_other_settings(
    climbed: Climb, values: dict[str, Any]
) -> None:
    values["method"] |= {"init_method": "text", "init_text": "happy or not"}
    grid = climbed(only=["prompt_tuning"])
    assert len(names(grid)) == 3
    for result in grid.record.results[-3:]:
        method = result.cell.experiment["method"]
        assert method["num_epochs"] == 2
        assert ("init_text" in method) == (method["init_method"] == "text")


def test_settings_of_other_rungs_are_the_files(climbed: Climb) -> None:
    grid = climbed(
        changes={"ladder": [{"name": "zero_shot", "template": "Happy? {{input}}"}]},
        only=["zero_shot"],
    )
    result = next(r for r in grid.record.results if r.status == "done")
    prompts = {p.prompt[:6] for p in Run.load(grid.directory / result.cell.directory).answers()}
    assert prompts == {"Happy?"}


def test_a_rung_asks_its_own_model_alone(climbed: Climb) -> None:
    grid = climbed(only=["prompt_tuning-random"])
    (result,) = [r for r in grid.record.results if r.status == "done"]
    record = Run.load(grid.directory / result.cell.directory).record
    assert record.alone
    assert set(record.evaluations) == {"tuned"}
    assert record.baselines == ()
    assert (grid.directory / result.cell.directory / "report.html").is_file()


@pytest.mark.parametrize(
    ("backend", "parts"),
    [
        ("fake", {"train": 32, "validation": 8, "test": 20}),
        ("no-validation", {"train": 40, "test": 20}),
    ],
)
def test_validation_rows_are_training_rows_where_they_are_not_taken(
    climbed: Climb, values: dict[str, Any], backend: str, parts: dict[str, int]
) -> None:
    data = {**values["data"], "validation": 0.2}
    grid = climbed(backend=backend, changes={"data": data}, only=["prompt_tuning-random"])
    (result,) = [r for r in grid.record.results if r.status == "done"]
    used = Run.load(grid.directory / result.cell.directory).record.data
    assert {name: part.rows for name, part in used.items()} == parts
    said = "takes no validation rows: it learns from all of train" in " ".join(
        grid.record.remarks()
    )
    assert said == ("validation" not in parts)


def test_a_classifier_that_stops_on_no_validation_rows_learns_from_them(
    climbed: Climb, values: dict[str, Any]
) -> None:
    data = {**values["data"], "validation": 0.2}
    grid = climbed(changes={"data": data}, only=["tfidf_logreg"])
    (result,) = [r for r in grid.record.results if r.status == "done"]
    assert Run.load(grid.directory / result.cell.directory).record.data["train"].rows == 40
    assert "tfidf_logreg stops on no validation rows" in " ".join(result.notes)


def test_the_table_has_time_cost_interval_and_verdict(climbed: Climb) -> None:
    grid = climbed()
    headers, rows = grid.record.table()
    assert headers == (
        "rung", "backend", "accuracy", "95 % interval", "time", "cost", "p50 a row", "p99",
        "against the best",
    )  # fmt: skip
    assert all(len(row) == len(headers) and all(row[:-1]) for row in rows)
    assert {row[5] for row in rows} == {"0"}  # nothing here costs money
    text = (grid.directory / "ladder.md").read_text()
    assert text.count("\n| ") == len(rows) + 2
    assert grid.record.verdict is not None
    assert grid.record.verdict.sentence in text


def test_the_record_is_json_both_ways(climbed: Climb) -> None:
    grid = climbed(stop_at=0.5)
    again = Grid.load(grid.directory, LadderRecord)
    assert again.record == grid.record
    assert json.loads((grid.directory / "ladder.json").read_text())["status"] == "completed"


def test_no_tuning_is_needed_where_words_do(climbed: Climb) -> None:
    verdict = climbed().record.verdict
    assert verdict is not None
    assert verdict.recommended == "tfidf_logreg"
    assert verdict.sentence.startswith("You do not need tuning: tfidf_logreg (1.000)")
    assert "chosen on the rows" in verdict.caution


def test_the_best_is_compared_with_every_cheaper_rung(climbed: Climb) -> None:
    verdict = climbed(only=["majority", "zero_shot", "prompt_tuning-random"]).record.verdict
    assert verdict is not None
    assert verdict.best == "zero_shot"
    (one,) = verdict.comparisons
    assert (one.rung, one.established) == ("majority", True)


def test_climbing_stops_where_asked_and_goes_on_when_asked_again(climbed: Climb) -> None:
    stopped = climbed(stop_at=0.8)
    assert stopped.record.stopped_at == "tfidf_logreg"
    assert names(stopped) == ["majority", "tfidf_logreg"]
    assert "reaches what was asked for" in stopped.record.verdict.sentence  # type: ignore[union-attr]
    whole = climbed()
    assert whole.directory == stopped.directory
    assert whole.record.stopped_at is None
    assert len(names(whole)) == 6
    assert climbed(stop_at=0.8).record.stopped_at == "tfidf_logreg"


def test_a_rung_that_fails_is_reported_and_tried_again(climbed: Climb) -> None:
    grid = climbed(options={"fail": "tune"})
    assert names(grid, "failed") == ["prompt_tuning-random", "prompt_tuning-sample_vocab"]
    assert names(grid) == ["majority", "tfidf_logreg", "zero_shot", "few_shot"]
    assert grid.record.status == "incomplete"
    assert "told to fail at 'tune'" in " ".join(grid.record.remarks())
    assert grid.record.verdict is not None
    assert grid.record.verdict.sentence.startswith("Nothing was tuned")


class Counts(Progress):
    def __init__(self, stop_after: int = 99) -> None:
        self.begun: list[str] = []
        self.remarks: list[str] = []
        self._stop_after = stop_after

    def cell(self, name: str, number: int, total: int) -> None:
        if len(self.begun) == self._stop_after:
            raise KeyboardInterrupt
        self.begun.append(name.split()[0])

    def remark(self, text: str) -> None:
        self.remarks.append(text)


def test_an_interrupted_ladder_goes_on(climbed: Climb, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        climbed(progress=Counts(stop_after=2))
    (page,) = tmp_path.glob("runs/*-ladder-*/report.html")
    assert "No verdict yet." in page.read_text()
    counts = Counts()
    grid = climbed(progress=counts)
    assert "You do not need tuning." in page.read_text()
    assert counts.begun[0] == "zero_shot"
    assert len(counts.begun) == 4
    assert counts.remarks == [f"going on in {grid.directory}; cells that are done: 2"]
    nothing = Counts()
    assert climbed(progress=nothing).directory == grid.directory
    assert nothing.begun == []


def test_a_changed_experiment_is_another_ladder(climbed: Climb) -> None:
    first = climbed(only=["majority"])
    counts = Counts()
    second = climbed(only=["majority"], changes={"seed": 5}, progress=counts)
    assert second.directory != first.directory
    assert counts.remarks == [
        f"{first.directory} is another one: the cell majority on sklearn, tunesmith/fake, seed 5 "
        "changed"
    ]


def test_secrets_stay_out_of_the_record(climbed: Climb) -> None:
    grid = climbed(options={"api_key": "sesame"}, only=["zero_shot"])
    assert grid.record.setup["backends"]["fake"]["options"] == {"api_key": "**********"}
    written = [p.read_text() for p in grid.directory.rglob("*") if p.is_file()]
    assert not any("sesame" in text for text in written)


def test_an_unknown_rung_is_refused_before_anything_is_written(
    climbed: Climb, tmp_path: Path
) -> None:
    with pytest.raises(UnsupportedError, match=r"no such rung.*Did you mean 'zero_shot'"):
        climbed(only=["zero_shots"])
    assert not (tmp_path / "runs").exists()


def test_what_the_backend_refuses_is_skipped_with_the_reason(climbed: Climb) -> None:
    grid = climbed(changes={"method": {"name": "prompt_tuning", "optimizer": "adafactor"}})
    assert names(grid, "skipped") == ["prompt_tuning-random", "prompt_tuning-sample_vocab"]
    assert "does not let it be set" in " ".join(grid.record.remarks())


def test_a_method_whose_plugin_is_missing_is_no_rung_and_a_note_says_so(climbed: Climb) -> None:
    grid = climbed(changes={"ladder": [{"name": "zero_shots", "rank": 4}]}, only=["majority"])
    assert "Did you mean 'zero_shot'" in " ".join(grid.record.notes)


@pytest.mark.parametrize(
    ("ladder", "message"),
    [
        ([{"name": "zero_shot", "tmplate": "x"}], "zero_shot.*no such key"),
        ([{"name": "zero_shot"}, {"name": "zero_shot"}], "twice"),
        ([{"template": "x"}], "needs a name"),
        (["zero_shot"], "ladder"),
    ],
)
def test_wrong_settings_are_refused(
    ladder: list[Any], message: str, climbed: Climb, tmp_path: Path
) -> None:
    with pytest.raises(ExperimentError, match=message):
        climbed(changes={"ladder": ladder})
    assert not (tmp_path / "runs").exists()


def test_nothing_done_no_verdict(tmp_path: Path) -> None:
    assert judge(tmp_path, [], None) is None
