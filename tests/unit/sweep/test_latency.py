"""A request of the latency asks for what the run asks for: a decision or a text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tunesmith import Experiment
from tunesmith.dataset import load_data
from tunesmith.records import Reading
from tunesmith.sweep.latency import SAMPLE, measure
from tunesmith.testing.fake import FakeBackend, FakeOptions, FakePredictor


class Counting(FakePredictor):
    def __init__(self, backend: FakeBackend, asked: list[str]) -> None:
        super().__init__(backend)
        self._asked = asked

    def generate(self, *arguments: Any) -> Any:
        self._asked.append("text")
        return super().generate(*arguments)

    def classify(self, *arguments: Any) -> Any:
        self._asked.append("decision")
        return super().classify(*arguments)


class Counted(FakeBackend):
    asked: list[str]

    @property
    def predictor(self) -> FakePredictor:
        return Counting(self, self.asked)


@pytest.mark.parametrize("answer", ["decision", "text"])
def test_each_row_is_asked_once_in_the_reading_of_the_run(
    answer: Reading, values: dict[str, Any], tmp_path: Path
) -> None:
    experiment = Experiment.from_values({**values, "method": {"name": "zero_shot"}})
    backend = Counted(FakeOptions(store=tmp_path))
    backend.asked = []
    data = load_data(experiment.data, experiment.labels, 0)
    rows, train = data.test_rows().rows, data.train.rows
    found = measure(experiment, backend, rows, train, None, answer)
    assert backend.asked == [answer] * min(SAMPLE, len(rows))
    assert len(found.requests) == len(backend.asked)
