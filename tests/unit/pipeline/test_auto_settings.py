"""Settings that are ``auto``: refused, announced, and shown with their reasons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tunesmith.errors import ExperimentError, UnsupportedError
from tunesmith.experiment import Experiment
from tunesmith.methods import AUTO_SETTINGS, PromptTuning
from tunesmith.report.model_card import model_card
from tunesmith.run import Run
from tunesmith.testing.fake import FakeBackend
from tunesmith.testing.fake_choices import CHOSEN

AUTO = dict.fromkeys(AUTO_SETTINGS, "auto")


class Choosing(FakeBackend):
    """Chooses everything."""


class Rigid(FakeBackend):
    """Chooses nothing."""

    declares: ClassVar[dict[str, Any]] = {"auto_settings": frozenset()}


def asking(values: dict[str, Any], **method: Any) -> Experiment:
    return Experiment.from_values({**values, "method": {**values["method"], **method}})


@pytest.fixture
def run(values: dict[str, Any], tmp_path: Path) -> Run:
    return asking(values, **AUTO).run(Choosing(), runs_dir=tmp_path)


@pytest.mark.parametrize("name", AUTO_SETTINGS)
def test_a_backend_that_does_not_choose_refuses(name: str, values: dict[str, Any]) -> None:
    message = rf"method\.{name}: 'auto'.*cannot choose.*set a value.*leave it out"
    with pytest.raises(UnsupportedError, match=message):
        asking(values, **{name: "auto"}).plan(Rigid())


def test_nothing_is_refused_that_is_not_asked_for(values: dict[str, Any]) -> None:
    asking(values).plan(Rigid())


@pytest.mark.parametrize("budget", [0, 0.5, -1])
def test_a_budget_below_one_epoch_is_refused(budget: float, values: dict[str, Any]) -> None:
    with pytest.raises(ExperimentError, match=r"method\.search_epochs: .* set at least 1"):
        asking(values, learning_rate="auto", search_epochs=budget)


def test_a_text_that_is_no_rate_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ExperimentError, match=r"method\.learning_rate"):
        asking(values, learning_rate="automatic")


def test_a_setting_that_is_left_out_has_its_default() -> None:
    assert PromptTuning().auto_settings == ()
    assert PromptTuning().peak_rate == 0.3
    assert PromptTuning().virtual_tokens == 100


def test_a_setting_that_is_open_has_no_number() -> None:
    with pytest.raises(ValueError, match="learning_rate is 'auto'"):
        _ = PromptTuning(learning_rate="auto").peak_rate


def test_an_init_text_may_be_the_word_auto() -> None:
    assert PromptTuning(init_method="text", init_text="auto").auto_settings == ()


def test_the_plan_announces_the_search_and_its_budget(values: dict[str, Any]) -> None:
    plan = asking(values, **AUTO, num_epochs=6).plan(Choosing())
    rows = plan.data["train"].rows
    announced = next(note for note in plan.notes if note.startswith("learning_rate: auto"))
    assert f"at most 3 epochs over {rows} rows for all candidates together" in announced
    assert "num_virtual_tokens: auto: the backend chooses it before the tuning" in plan.notes


def test_the_plan_of_numbers_announces_nothing(values: dict[str, Any]) -> None:
    assert not [note for note in asking(values).plan(Choosing()).notes if "auto" in note]


def test_the_record_has_the_values_and_the_reasons(run: Run) -> None:
    model = Run.load(run.directory).record.model
    assert model is not None
    assert {choice.setting: choice.value for choice in model.choices} == CHOSEN
    assert {name: model.method[name] for name in AUTO_SETTINGS} == CHOSEN
    assert all(choice.reason for choice in model.choices)
    assert run.record.experiment["method"]["learning_rate"] == "auto"


def test_the_report_shows_candidates_reason_and_cost(run: Run) -> None:
    page = (run.directory / "report.md").read_text("utf-8")
    line = "learning_rate 0.5: the other candidate diverged. "
    assert f"{line}The search took 1.5 epochs over the training rows and 2 s." in page
    assert "diverged" in page
    assert "num_virtual_tokens 10: the fake backend prefers it." in page


def test_the_model_card_shows_the_choices(run: Run) -> None:
    card = model_card(run.record)
    assert "Chosen, because it was auto: learning\\_rate 0.5: the other candidate diverged." in card
    assert "learning_rate: 0.5" in card


def test_a_record_of_before_has_no_choices(run: Run) -> None:
    values = json.loads(run.record.to_json())
    del values["model"]["choices"]
    assert type(run.record).model_validate(values).model.choices == ()
