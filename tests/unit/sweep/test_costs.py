"""The cost of a run: what was used, times the user's prices. A missing price is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from tunesmith.experiment import Experiment
from tunesmith.records import Usage
from tunesmith.run import Run
from tunesmith.sweep.costs import Prices, cost_of
from tunesmith.testing.fake import FakeBackend

PRICES: dict[str, Any] = {
    "currency": "USD", "deployment_per_hour": 0.0, "input_per_million_tokens": 2.0,
    "output_per_million_tokens": 3.0,
}  # fmt: skip


class Counting(FakeBackend):
    """Counts a token for each look at its usage."""

    looks = 0

    def usage(self) -> Usage:
        self.looks += 1
        return Usage(input_tokens=self.looks, output_tokens=2 * self.looks)


def cost(run: Run, **changes: Any) -> dict[str, float | None]:
    prices = Prices.model_validate({**PRICES, "tuning_per_hour": 1.0, **changes})
    return cost_of(run.record, run.predictions(), prices, costs_money=True).parts


def test_the_tokens_of_every_request_count_if_the_backend_counts_them(
    experiment: Experiment, tmp_path: Any
) -> None:
    run = experiment.run(Counting(), runs_dir=tmp_path)
    stages = len(run.record.seconds)
    assert run.record.usage == Usage(input_tokens=stages, output_tokens=2 * stages)
    parts = cost(run)
    assert parts["input_per_million_tokens"] == pytest.approx(2e-6 * stages)
    assert parts["output_per_million_tokens"] == pytest.approx(6e-6 * stages)


def test_else_the_tokens_of_the_texts_count(experiment: Experiment, tmp_path: Any) -> None:
    run = experiment.run(FakeBackend(), runs_dir=tmp_path)
    assert run.record.usage is None
    read = sum(p.input_tokens or 0 for p in run.predictions())
    assert cost(run)["input_per_million_tokens"] == pytest.approx(2e-6 * read)


def test_a_tuning_is_billed_by_tokens_if_the_table_has_their_price(
    experiment: Experiment, tmp_path: Any
) -> None:
    run = experiment.run(FakeBackend(), runs_dir=tmp_path)
    assert "tuning_per_hour" in cost(run)
    # This backend does not say how many tokens it trained on.
    parts = cost(run, tuning_per_million_tokens=5.0)
    assert "tuning_per_hour" not in parts
    assert parts["tuning_per_million_tokens"] is None
    model = run.record.model
    assert model is not None
    told = model.model_copy(update={"details": {**model.details, "trained_tokens": 2_000_000}})
    record = run.record.model_copy(update={"model": told})
    prices = Prices.model_validate({**PRICES, "tuning_per_million_tokens": 5.0})
    found = cost_of(record, run.predictions(), prices, costs_money=True)
    assert found.parts["tuning_per_million_tokens"] == pytest.approx(10.0)
