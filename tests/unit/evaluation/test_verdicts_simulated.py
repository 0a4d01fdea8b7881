"""The promises of the verdicts, simulated: a small run of ``tests/benchmarks/verdicts.py``.

Seeded, so a failure is a change of the statistics and no chance.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tunesmith.evaluation.statistics import power_at

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "verdicts.py"
ROWS = (50, 116, 300, 1000)


@pytest.fixture(scope="module")
def simulation() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("verdicts_simulation", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize("rows", ROWS)
def test_established_under_the_null_in_one_of_twenty_at_most(
    simulation: ModuleType, rows: int
) -> None:
    found = simulation.under_the_null(rows, number=400).values
    assert np.mean(found) <= 0.05
    # Exact, an outcome at a time: no share of discordant rows breaks the promise.
    for share in simulation.DISCORDANT:
        either = 2 * power_at(rows, share / 2, share / 2)
        assert either <= 0.05


def test_intervals_hold_the_truth(simulation: ModuleType) -> None:
    differences = [v for n in (50, 116) for v in simulation.paired_coverage(n, number=1000).values]
    assert 0.94 <= np.mean(differences) <= 0.96
    assert min(differences) >= 0.92
    accuracies = [v for n in ROWS for v in simulation.wilson_coverage(n).values]
    assert 0.94 <= np.mean(accuracies) <= 0.96
    assert min(accuracies) >= 0.92


def test_the_power_figure_is_right_within_three_points(simulation: ModuleType) -> None:
    for name, rows, said, share in simulation.power_errors(number=2500):
        assert share == pytest.approx(said, abs=0.03), (name, rows)


def test_several_seeds_keep_the_promise_too(simulation: ModuleType) -> None:
    assert np.mean(simulation.seeds_under_the_null(116, number=100).values) <= 0.05
    assert np.mean(simulation.seeds_coverage(116, number=50).values) >= 0.93
