"""The statistics against oracles: statsmodels, closed forms, enumeration."""

from __future__ import annotations

import itertools
from math import sqrt

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import binom, multinomial, norm
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from tunesmith.evaluation.statistics import (
    holm,
    mcnemar_exact,
    overlap_range,
    paired_interval,
    paired_p,
    power_at,
    rows_for_margins,
    rows_for_power,
    score_interval,
    sign_flip_exact,
    wilson_interval,
)

DISCORDANT = [(b, c) for b in range(0, 40, 3) for c in range(0, 40, 4)]


@pytest.mark.parametrize(
    ("first_only", "second_only", "p"),
    # The tutorial's 114 against 108 of 116, from the luckiest overlap of errors to the worst.
    [(6, 0, 2 * 0.5**6), (7, 1, 2 * 9 * 0.5**8), (8, 2, 2 * 56 * 0.5**10), (0, 0, 1.0)],
)
def test_p_is_a_fair_coin_over_discordant_rows(first_only: int, second_only: int, p: float) -> None:
    assert mcnemar_exact(first_only, second_only) == pytest.approx(p)


def test_mcnemar_is_that_of_statsmodels() -> None:
    for b, c in DISCORDANT:
        if b + c:
            oracle = mcnemar([[5, b], [c, 7]], exact=True).pvalue
            assert mcnemar_exact(b, c) == pytest.approx(oracle, rel=1e-9)


def test_with_one_seed_the_sign_flip_test_is_mcnemars() -> None:
    for b, c in DISCORDANT:
        assert sign_flip_exact({1: b, -1: c, 0: 9}) == pytest.approx(mcnemar_exact(b, c), abs=1e-12)


def test_sign_flip_by_every_assignment_of_signs() -> None:
    margins = [3, 3, 2, -1, 1, 1, -2, 0]
    sums = [
        sum(s * m for s, m in zip(signs, margins, strict=True))
        for signs in itertools.product((1, -1), repeat=len(margins))
    ]
    p = np.mean([abs(s) >= abs(sum(margins)) for s in sums])
    counted = {m: margins.count(m) for m in set(margins)}
    assert sign_flip_exact(counted) == pytest.approx(p)


def test_wilson_interval_is_that_of_statsmodels() -> None:
    for correct, rows in ((0, 5), (3, 5), (108, 116), (114, 116), (1000, 1000)):
        oracle = proportion_confint(correct, rows, method="wilson")
        assert wilson_interval(correct, rows) == pytest.approx(oracle, abs=1e-9)


def tango(b: int, c: int, rows: int) -> tuple[float, float]:
    """Tango's closed form of the restricted estimate (1998, eq. 9), its limits by root finding."""

    def excess(difference: float) -> float:
        linear = -b - c + (2 * rows - b + c) * difference
        root = sqrt(max(linear**2 + 8 * rows * c * difference * (1 - difference), 0.0))
        second_only = (root - linear) / (4 * rows)
        variance = max(rows * (2 * second_only + difference * (1 - difference)), 0.0)
        return (b - c - rows * difference) ** 2 - norm.isf(0.025) ** 2 * variance

    mean = (b - c) / rows
    low = brentq(excess, -1, mean - 1e-9, xtol=1e-12) if mean > -1 else -1.0
    high = brentq(excess, mean + 1e-9, 1, xtol=1e-12) if mean < 1 else 1.0
    return low, high


@pytest.mark.parametrize("rows", [4, 50, 300])
def test_score_interval_is_tangos(rows: int) -> None:
    step = max(1, rows // 5)
    for b in range(0, rows + 1, step):
        for c in range(0, rows + 1 - b, step):
            assert score_interval({1: b, -1: c}, rows) == pytest.approx(tango(b, c, rows), abs=1e-7)


def test_seeds_with_equal_answers_count_as_one_seed() -> None:
    one, three = {1: 8, -1: 2}, {3: 8, -3: 2}
    assert score_interval(three, 116, 3) == pytest.approx(score_interval(one, 116), abs=1e-8)
    assert paired_p(three, 116, 3) == pytest.approx(paired_p(one, 116))


def test_interval_turns_with_the_models() -> None:
    low, high = score_interval({2: 9, 1: 5, -1: 4, -2: 3}, 80, 2)
    turned = score_interval({-2: 9, -1: 5, 1: 4, 2: 3}, 80, 2)
    assert turned == pytest.approx((-high, -low))


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 20])
def test_the_score_interval_excludes_what_the_exact_test_rejects(alpha: float) -> None:
    # Of one seed, whether the interval holds 0 depends on the discordant rows only: the score of
    # no difference is (b - c) / sqrt(b + c).
    discordant = np.arange(1, 601)
    fewest_wins = binom.isf(alpha / 2, discordant, 0.5) + 1
    possible = fewest_wins <= discordant
    score = (2 * fewest_wins - discordant) ** 2 / discordant
    assert (score[possible] > norm.isf(alpha / 2) ** 2).all()


@pytest.mark.parametrize("rows", [12, 40])
def test_interval_holds_zero_exactly_where_the_test_does_not_reject(rows: int) -> None:
    for b in range(0, rows + 1, 2):
        for c in range(0, rows + 1 - b, 3):
            low, high = paired_interval({1: b, -1: c}, rows)
            assert (low <= 0 <= high) == (mcnemar_exact(b, c) >= 0.05), (b, c)
            assert low <= (b - c) / rows <= high


def test_interval_follows_the_test_where_the_score_is_the_laxer_one() -> None:
    alpha = 4.95e-4  # p of 12 to 0 is 4.88e-4, and the normal tail 5.3e-4
    assert score_interval({1: 12}, 100, alpha=alpha)[0] < 0
    assert paired_interval({1: 12}, 100, alpha=alpha)[0] > 0
    assert paired_interval({-1: 12}, 100, alpha=alpha)[1] < 0


def test_interval_of_several_seeds_agrees_with_their_test() -> None:
    rng = np.random.default_rng(0)
    for chances in ([0.05, 0.1, 0.6, 0.15, 0.1], [0.0, 0.3, 0.6, 0.0, 0.1]):
        for draw in rng.multinomial(60, chances, 60).tolist():
            margins = dict(zip(range(-2, 3), draw, strict=True))
            low, high = paired_interval(margins, 60, 2)
            assert (low <= 0 <= high) == (paired_p(margins, 60, 2) >= 0.05)


def test_skewed_margins_bias_only_the_sign_flip_test() -> None:
    # Equally good: the second is right on one seed more on a tenth of the rows, the first on all
    # five where the second never is on a fiftieth. Every sample of fifty rows, weighed.
    flipped = decided = 0.0
    for lost in range(25):
        for won in range(12):
            chance = multinomial.pmf([lost, won, 50 - lost - won], 50, [0.1, 0.02, 0.88])
            margins = {-1: lost, 5: won}
            flipped += chance * (sign_flip_exact(margins) < 0.05)
            decided += chance * (paired_p(margins, 50, 5) < 0.05)
    assert flipped == pytest.approx(0.147, abs=0.001)
    assert decided < 0.001


def test_power_by_enumeration() -> None:
    rows, p, q = 30, 0.4, 0.1
    total = 0.0
    for b in range(rows + 1):
        for c in range(rows + 1 - b):
            if b > c and mcnemar_exact(b, c) < 0.05:
                total += binom.pmf(b, rows, p) * binom.pmf(c, rows - b, q / (1 - p))
    assert power_at(rows, p, q) == pytest.approx(total)


def test_power_of_no_difference_is_half_the_level_at_most() -> None:
    assert power_at(1000, 0.1, 0.1) < 0.025
    assert power_at(1000, 0.0, 0.0) == 0.0


@pytest.mark.parametrize(("p", "q"), [(8 / 116, 2 / 116), (6 / 116, 0.0), (0.3, 0.2), (1.0, 0.0)])
def test_rows_for_power_are_enough_and_one_less_is_not(p: float, q: float) -> None:
    rows = rows_for_power(p, q)
    assert power_at(rows, p, q) >= 0.8 > power_at(rows - 1, p, q)


def test_rows_for_power_need_a_first_model_that_is_better() -> None:
    with pytest.raises(ValueError, match="first_only_rate must exceed"):
        rows_for_power(0.1, 0.1)
    with pytest.raises(ValueError, match="right more often"):
        rows_for_margins({-1: 2, 2: 1}, 50, 2)


def test_several_seeds_with_equal_answers_need_the_rows_of_one_seed() -> None:
    one, three = rows_for_power(0.2, 0.05), rows_for_margins({3: 20, -3: 5}, 100, 3)
    assert three == pytest.approx(one, rel=0.1)
    assert three == rows_for_margins({3: 20, -3: 5}, 100, 3)


def test_rows_for_a_difference_that_is_tiny_are_not_drawn() -> None:
    assert rows_for_margins({2: 101, -2: 99}, 1000, 2) > 100_000


def test_holm_is_that_of_statsmodels() -> None:
    for p_values in ([0.04], [0.01, 0.04, 0.03, 0.005], [0.5, 0.9, 0.5], [0.02, 0.02, 1.0]):
        oracle = multipletests(p_values, method="holm")[1]
        assert holm(p_values) == pytest.approx(list(oracle))


def test_overlap_of_errors_of_the_tutorial() -> None:
    assert overlap_range(114, 108, 116) == pytest.approx((2 * 0.5**6, 2 * 56 * 0.5**10))


@pytest.mark.parametrize(("first", "second", "rows"), [(8, 5, 12), (4, 3, 12), (12, 12, 12)])
def test_overlap_range_is_that_of_every_overlap(first: int, second: int, rows: int) -> None:
    wrong = rows - first, rows - second
    shared = range(max(0, sum(wrong) - rows), min(wrong) + 1)
    p = [mcnemar_exact(wrong[1] - both, wrong[0] - both) for both in shared]
    assert overlap_range(first, second, rows) == pytest.approx((min(p), max(p)))
