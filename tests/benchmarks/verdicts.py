"""Simulates the verdicts to find how often they are wrong, with a known truth.

Run it from the project's root: ``python tests/benchmarks/verdicts.py``. Seeded: it prints the
same table everywhere. ``tests/unit/evaluation/test_verdicts_simulated.py`` asserts a smaller one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from tunesmith.evaluation.statistics import (
    ALPHA,
    paired_interval,
    paired_p,
    power_at,
    rows_for_margins,
    rows_for_power,
    wilson_interval,
)

ROWS = (50, 116, 300, 1000)
ACCURACIES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
DISCORDANT = (0.05, 0.1, 0.2, 0.3, 0.5)
"""Share of rows that exactly one of the two models gets right."""
DIFFERENCES = (0.0, 0.02, 0.05, 0.1, 0.2)
"""Of the accuracies; those up to the share of discordant rows are possible."""
SEEDS = 3
TRIALS = 5000
SEED_TRIALS = 300

Rates = dict[int, float]
"""Probability of each margin of a row."""


@dataclass
class Found:
    """Shares over many trials, one for each truth."""

    values: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{np.mean(self.values):6.1%} (from {min(self.values):.1%} to {max(self.values):.1%})"
        )


def pairs() -> Iterator[tuple[float, float]]:
    """Rates of rows that only the first and that only the second model gets right."""
    for discordant in DISCORDANT:
        for difference in DIFFERENCES:
            if difference <= discordant:
                yield (discordant + difference) / 2, (discordant - difference) / 2


def one_seed(first_only: float, second_only: float) -> Rates:
    return {1: first_only, -1: second_only, 0: 1 - first_only - second_only}


def several_seeds(accuracy: float, difference: float, kind: str) -> Rates:
    """Margins of ``SEEDS`` seeds a side, computed over 20,000 rows of known difficulty.

    ``alike``: some rows are harder, for both models. ``one fixed``: the second model answers a
    row the same on every seed, the first errs anywhere; the margins are skewed.
    """
    rng = np.random.default_rng(0)
    hardness = rng.beta(accuracy, 1 - accuracy, 20_000)
    if kind == "alike":
        first, second = hardness + (1 - hardness) * difference / (1 - accuracy), hardness
    else:
        first = np.full(20_000, accuracy + difference)
        second = (rng.random(20_000) < accuracy).astype(float)
    margins = rng.binomial(SEEDS, first) - rng.binomial(SEEDS, second)
    found, counts = np.unique(margins, return_counts=True)
    rates: Rates = dict(zip(found.tolist(), (counts / counts.sum()).tolist(), strict=True))
    return rates


Margins = tuple[tuple[int, int], ...]


@cache
def _rejects(margins: Margins, rows: int, seeds: int) -> bool:
    return paired_p(dict(margins), rows, seeds) < ALPHA


@cache
def _interval(margins: Margins, rows: int, seeds: int) -> tuple[float, float]:
    return paired_interval(dict(margins), rows, seeds)


def _samples(rates: Rates, rows: int, number: int, seed: int = 0) -> Iterator[tuple[Margins, int]]:
    """Different samples of ``rows`` rows, and how many of the trials drew each."""
    draws = np.random.default_rng(seed).multinomial(rows, list(rates.values()), number)
    samples, times = np.unique(draws, axis=0, return_counts=True)
    for sample, count in zip(samples.tolist(), times.tolist(), strict=True):
        yield tuple(zip(rates, sample, strict=True)), count


def _difference_found(rates: Rates, rows: int, seeds: int, number: int) -> float:
    """Share of trials with a difference in either direction."""
    samples = _samples(rates, rows, number)
    return sum(times for each, times in samples if _rejects(each, rows, seeds)) / number


def _established(rates: Rates, rows: int, seeds: int, number: int, seed: int = 0) -> float:
    """Share of trials in which the first model is found the better one."""
    won = (
        times
        for each, times in _samples(rates, rows, number, seed)
        if sum(margin * count for margin, count in each) > 0 and _rejects(each, rows, seeds)
    )
    return sum(won) / number


def _covered(rates: Rates, rows: int, seeds: int, number: int) -> float:
    """Share of trials whose interval holds the true difference."""
    truth = sum(margin * rate for margin, rate in rates.items()) / seeds
    held = 0
    for each, times in _samples(rates, rows, number):
        low, high = _interval(each, rows, seeds)
        held += times * (low <= truth + 1e-12 and truth - 1e-12 <= high)
    return held / number


def under_the_null(rows: int, number: int = TRIALS) -> Found:
    """The rate of differences found without a true one, over the discordant rates."""
    rates = (one_seed(share / 2, share / 2) for share in DISCORDANT)
    return Found([_difference_found(each, rows, 1, number) for each in rates])


def paired_coverage(rows: int, number: int = TRIALS) -> Found:
    """The coverage of the interval of the difference, over ``pairs()``."""
    return Found([_covered(one_seed(*pair), rows, 1, number) for pair in pairs()])


def wilson_coverage(rows: int) -> Found:
    """The coverage of the interval of one accuracy. It is exact: every outcome is weighed."""
    from scipy.stats import binom

    intervals = np.array([wilson_interval(correct, rows) for correct in range(rows + 1)])
    return Found(
        [
            float(
                binom.pmf(np.arange(rows + 1), rows, rate)[
                    (intervals[:, 0] <= rate) & (rate <= intervals[:, 1])
                ].sum()
            )
            for rate in ACCURACIES
        ]
    )


SEEDED: tuple[tuple[float, float, str], ...] = tuple(
    (accuracy, difference, kind)
    for kind in ("alike", "one fixed")
    for accuracy in (0.7, 0.8, 0.9)
    for difference in (0.0, 0.05)
)


def seeds_under_the_null(rows: int, number: int = SEED_TRIALS) -> Found:
    """As ``under_the_null``, for several seeds, over equal accuracies of both kinds."""
    # The drawn difficulties miss 0 a little: the truth is made exactly equal.
    rates = (_balanced(several_seeds(*each)) for each in SEEDED if not each[1])
    return Found([_difference_found(each, rows, SEEDS, number) for each in rates])


def _balanced(rates: Rates) -> Rates:
    mean = sum(margin * rate for margin, rate in rates.items())
    at = 1 if mean < 0 else -1
    return {**rates, at: rates[at] + abs(mean), 0: rates[0] - abs(mean)}


def seeds_coverage(rows: int, number: int = SEED_TRIALS) -> Found:
    """As ``paired_coverage``, for several seeds."""
    return Found([_covered(several_seeds(*each), rows, SEEDS, number) for each in SEEDED])


def power_errors(number: int = TRIALS) -> Iterator[tuple[str, int, float, float]]:
    """Truths with a difference: name, rows said to be needed, stated and simulated power."""
    for first_only, second_only in ((0.069, 0.017), (0.06, 0.04), (0.15, 0.05), (0.3, 0.2)):
        rows = rows_for_power(first_only, second_only)
        said = power_at(rows, first_only, second_only)
        share = _established(one_seed(first_only, second_only), rows, 1, number)
        yield f"only first right {first_only:.3f}, only second {second_only:.3f}", rows, said, share


def seeds_power_errors(number: int = 2000) -> Iterator[tuple[str, int, float, float]]:
    """The same for several seeds. The stated figure is not exact then."""
    for accuracy, difference, kind in ((0.8, 0.05, "alike"), (0.9, 0.05, "one fixed")):
        rates = several_seeds(accuracy, difference, kind)
        counts = {margin: round(20_000 * rate) for margin, rate in rates.items()}
        rows = rows_for_margins(counts, 20_000, SEEDS)
        share = _established(rates, rows, SEEDS, number, seed=1)
        yield f"{SEEDS} seeds, {kind}, {accuracy:.2f} {difference:+.2f}", rows, 0.8, share


def _table(title: str, measure: Callable[[int], Found]) -> None:
    print(f"\n{title}: mean (least to most)")
    over_all = Found()
    for rows in ROWS:
        found = measure(rows)
        over_all.values += found.values
        print(f"  n = {rows:<5} {found}", flush=True)
    print(f"  over all  {over_all}", flush=True)


def main() -> None:
    """Print the tables of ``docs/explanation/verdicts.md``."""
    _table("a difference found under the null, one seed", under_the_null)
    _table("interval of the difference holds the truth, one seed", paired_coverage)
    _table("Wilson's interval holds the truth", wilson_coverage)
    _table(f"a difference found under the null, {SEEDS} seeds", seeds_under_the_null)
    _table(f"interval of the difference holds the truth, {SEEDS} seeds", seeds_coverage)
    print("\nrows for 80 % power, the power said, the power simulated")
    for name, rows, said, share in (*power_errors(), *seeds_power_errors()):
        print(f"  {name:<46} {rows:>5} {said:6.1%} {share:6.1%}", flush=True)


if __name__ == "__main__":
    main()
