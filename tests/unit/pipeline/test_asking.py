"""A model is asked about rows that come some at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tunesmith import Experiment
from tunesmith.errors import ExperimentError
from tunesmith.pipeline import asking
from tunesmith.pipeline.asking import AskedModel, model_of_run
from tunesmith.progress import SILENT
from tunesmith.records import Reading, Row
from tunesmith.spec import TuningSpec
from tunesmith.testing.fake import FakeBackend, FakePredictor


class Predictor(FakePredictor):
    """Has no room for a long text, in the readings that ``Narrow`` names."""

    def check_answers(self, spec: TuningSpec, prompts: Sequence[str], answer: Reading) -> None:
        super().check_answers(spec, prompts, answer)
        backend = self._backend
        assert isinstance(backend, Narrow)
        backend.checked.append(len(prompts))
        if answer in backend.narrow and any("long" in prompt for prompt in prompts):
            raise ExperimentError(f"{answer}: too long")


class Narrow(FakeBackend):
    narrow: tuple[Reading, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.checked: list[int] = []
        """The prompts of each check."""

    @property
    def predictor(self) -> FakePredictor:
        return Predictor(self)


ROWS = [Row(input=text) for text in ("good", "bad", "fine", "a long one", "awful")]


@pytest.fixture
def backend() -> Narrow:
    return Narrow()


@pytest.fixture
def asked(
    backend: Narrow, values: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AskedModel:
    """The model of a run; from now on two rows are checked together."""
    run = Experiment.from_values(values).run(backend, runs_dir=tmp_path)
    backend.checked.clear()
    monkeypatch.setattr(asking, "CHECKED", 2)
    return model_of_run(run)


def test_every_row_is_checked_before_the_first_is_asked(backend: Narrow, asked: AskedModel) -> None:
    backend.narrow = ("decision",)
    with pytest.raises(ExperimentError, match="decision: too long"):
        asked.asker(backend, iter(ROWS), SILENT)


def test_a_reading_that_some_rows_lack_is_left_out_for_all(
    backend: Narrow, asked: AskedModel
) -> None:
    backend.narrow, notes = ("text",), list[str]()
    found = asked.predict(backend, ROWS, SILENT, notes.append)
    assert notes == ["the text reading was left out: text: too long"]
    assert [one.text for one in found] == [None] * 5
    assert [one.row for one in found] == [0, 1, 2, 3, 4]
    assert set(backend.checked) == {1, 2}
