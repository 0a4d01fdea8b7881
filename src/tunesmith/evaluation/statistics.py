"""The statistics of the verdicts: exact paired tests, intervals that agree with them, power.

The unit is always the row. With several seeds, each model answers a row several times, so a row
counts with its *margin*: the number of seeds on which the first model is right, less that of the
second. With one seed, margins are +1 (only the first is right), -1 (only the second) and 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import accumulate

ALPHA = 0.05
POWER = 0.8

Interval = tuple[float, float]
Margins = Mapping[int, int]
"""The number of rows by margin; rows of margin 0 may be left out."""

_WORTH = 1e-16
"""A power leaves out the numbers of discordant rows beyond this tail probability."""
_CORRECTIONS, _DRAWS, _MOST_DRAWN = 3, 1500, 3000
"""Rounds, samples per round, and rows above which the normal approximation suffices."""


def wilson_interval(correct: int, rows: int) -> Interval:
    """Return Wilson's 95 % interval of a rate (Wilson 1927; scipy)."""
    from scipy.stats import binomtest

    interval = binomtest(correct, rows).proportion_ci(1 - ALPHA, method="wilson")
    return float(interval.low), float(interval.high)


def mcnemar_exact(first_only: int, second_only: int) -> float:
    """Return the two-sided p of the exact McNemar test, a binomial test on the discordant rows."""
    from scipy.stats import binomtest

    discordant = first_only + second_only
    return float(binomtest(first_only, discordant).pvalue) if discordant else 1.0


def sign_flip_exact(margins: Margins) -> float:
    """Return the two-sided p of the exact paired test over several seeds.

    If the two models are equally good on every row, the sign of each row's margin is a fair coin
    (Fisher's randomization test). The distribution of the sum of the margins over all signs is
    computed by convolution; nothing is drawn. With one seed it is the exact McNemar test.
    """
    import numpy as np
    from scipy.stats import binom

    chances = np.ones(1)
    for size in sorted({abs(margin) for margin in margins if margin}):
        rows = margins.get(size, 0) + margins.get(-size, 0)
        coins = np.zeros(2 * size * rows + 1)
        coins[:: 2 * size] = binom.pmf(np.arange(rows + 1), rows, 0.5)
        chances = np.convolve(chances, coins)
    most = len(chances) // 2
    sums = np.abs(np.arange(-most, most + 1))
    return min(1.0, float(chances[sums >= abs(total(margins))].sum()))


def total(margins: Margins) -> int:
    """Return the sum of the margins of all rows."""
    return sum(margin * rows for margin, rows in margins.items())


def paired_p(margins: Margins, rows: int, seeds: int = 1) -> float:
    """Return the two-sided p that decides whether two models differ on the same rows.

    With one seed, it is the exact McNemar test. With several, it is the larger p of the sign-flip
    test and the score test: both must reject. The sign-flip test assumes symmetric margins, and
    they can be skewed: one model a little better on many rows, the other much better on a few. The
    score test needs no symmetry, but it is not exact. ``rows`` counts those of margin 0, too.
    """
    if seeds == 1:
        return mcnemar_exact(margins.get(1, 0), margins.get(-1, 0))
    return max(sign_flip_exact(margins), _score_p(margins, rows, seeds))


def paired_interval(margins: Margins, rows: int, seeds: int = 1, alpha: float = ALPHA) -> Interval:
    """Return the ``1 - alpha`` interval of the difference of two accuracies on the same rows.

    It is the score interval, changed so that it holds 0 exactly if :func:`paired_p` does not
    reject at ``alpha``. It is a little narrower than the exact test allows; if the two disagree,
    the test decides.
    """
    low, high = score_interval(margins, rows, seeds, alpha)
    if paired_p(margins, rows, seeds) >= alpha:
        return min(low, 0.0), max(high, 0.0)
    # With alpha under 0.0005, the exact test can reject although the score interval reaches 0.
    # Half of the smallest possible difference is nearer to 0 than any that can be observed.
    half_step = 0.5 / (rows * seeds)
    return (max(low, half_step), high) if total(margins) > 0 else (low, min(high, -half_step))


def score_interval(margins: Margins, rows: int, seeds: int = 1, alpha: float = ALPHA) -> Interval:
    """Return the score interval of the difference of two accuracies on the same rows.

    Tango (1998), Statistics in Medicine 17:891-908, for one seed. For several seeds it is the
    same, with the multinomial of ``2 * seeds + 1`` margins instead of three. A difference is in
    the interval if the observed one is within z standard errors of it; the standard error is
    that of the most likely multinomial with that difference.
    """
    from scipy.stats import norm

    z_squared = float(norm.isf(alpha / 2)) ** 2
    shares = _shares(margins, rows, seeds)
    mean = _mean(shares)

    def excess(difference: float) -> float:
        return rows * (mean - difference) ** 2 - z_squared * _null_variance(shares, difference)

    return _root(excess, mean, -1.0), _root(excess, mean, 1.0)


def _score_p(margins: Margins, rows: int, seeds: int) -> float:
    from scipy.stats import norm

    shares = _shares(margins, rows, seeds)
    mean, variance = _mean(shares), _null_variance(shares, 0.0)
    return 2 * float(norm.sf(abs(mean) * math.sqrt(rows / variance))) if mean else 1.0


def _mean(shares: Mapping[float, float]) -> float:
    return sum(difference * share for difference, share in shares.items())


def _shares(margins: Margins, rows: int, seeds: int) -> dict[float, float]:
    """Return the share of the rows by their difference in accuracy, from -1 to 1."""
    shares = {margin / seeds: number / rows for margin, number in margins.items() if number}
    shares[0.0] = 1.0 - sum(share for difference, share in shares.items() if difference)
    return shares


def _root(excess: Callable[[float], float], mean: float, end: float) -> float:
    from scipy.optimize import brentq

    start = mean + math.copysign(1e-9, end)  # at the mean itself, the excess may be 0
    return float(brentq(excess, start, end, xtol=1e-9)) if abs(start) < 1 else end


def _null_variance(shares: Mapping[float, float], difference: float) -> float:
    """Return the variance of a row under the most likely multinomial with that difference.

    Its shares are ``share / (1 + tilt * distance)`` (Lagrange; Owen 1988). If no tilt makes them
    sum to 1, the rest goes to the end, 1 or -1, at which no row was observed.
    """
    distances = [(x - difference, share) for x, share in shares.items() if share]
    to_one, to_minus_one = 1.0 - difference, -1.0 - difference
    if not to_one or not to_minus_one:
        return 0.0

    def slope(tilt: float) -> float:
        return sum(share * d / (1 + tilt * d) for d, share in distances)

    tilt = _tilt(slope, -1.0 / to_one, -1.0 / to_minus_one)
    end = to_minus_one if tilt > 0 else to_one
    tilted = [(d, share / (1 + tilt * d)) for d, share in distances]
    left = max(0.0, 1.0 - sum(share for _, share in tilted))
    return sum(share * d * d for d, share in tilted) + left * end * end


def _tilt(slope: Callable[[float], float], least: float, most: float) -> float:
    """Return the root of the decreasing ``slope``, or the end that is nearest to it."""
    from scipy.optimize import brentq

    least, most = least * (1 - 1e-12), most * (1 - 1e-12)
    if slope(most) >= 0:
        return most
    if slope(least) <= 0:
        return least
    return float(brentq(slope, least, most, xtol=1e-9))


def power_at(
    rows: int, first_only_rate: float, second_only_rate: float, alpha: float = ALPHA
) -> float:
    """Return the probability that the exact McNemar test establishes that the first is better.

    It is exact: a sum over the number of discordant rows, which is binomial, and over the number
    of them that the first wins, which is binomial too. The rates are the shares of the rows that
    only one model gets right; ``alpha`` is the level of the two-sided test.
    """
    import numpy as np
    from scipy.stats import binom

    rate = first_only_rate + second_only_rate
    if rate == 0:
        return 0.0
    fewest, most = int(binom.ppf(_WORTH, rows, rate)), int(binom.isf(_WORTH, rows, rate))
    discordant = np.arange(max(fewest, 1), most + 1)
    # The largest number of wins at which the test does not reject.
    limit = binom.isf(alpha / 2, discordant, 0.5)
    wins = binom.sf(limit, discordant, first_only_rate / rate)
    return float((binom.pmf(discordant, rows, rate) * wins).sum())


def rows_for_power(first_only_rate: float, second_only_rate: float, alpha: float = ALPHA) -> int:
    """Return the smallest number of rows at which the exact McNemar test has 80 % power.

    Power is not monotonic in the number of rows: bisect, then step down to the smallest number
    that reaches it.

    Raises:
        ValueError: the first model is not the better one.
    """
    if first_only_rate <= second_only_rate:
        raise ValueError("first_only_rate must exceed second_only_rate")

    @cache
    def enough(rows: int) -> bool:
        return power_at(rows, first_only_rate, second_only_rate, alpha) >= POWER

    above = 1
    while not enough(above):
        above *= 2
    below = above // 2
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (below, middle) if enough(middle) else (middle, above)
    while fewer := next((n for n in range(above - 1, max(above - 20, 0), -1) if enough(n)), 0):
        above = fewer
    return above


def rows_for_margins(margins: Margins, rows: int, seeds: int = 1, alpha: float = ALPHA) -> int:
    """Return about how many rows would establish the observed difference, with 80 % power.

    With one seed, it is :func:`rows_for_power` of the observed rates. With several, it is the
    normal approximation, corrected by the test itself on rows that are drawn from the observed
    ones. The draws have a fixed seed: the same margins give the same number.

    Raises:
        ValueError: the first model is not the better one.
    """
    from scipy.stats import norm

    if seeds == 1:
        rates = margins.get(1, 0) / rows, margins.get(-1, 0) / rows
        return rows_for_power(*rates, alpha)
    shares = _shares(margins, rows, seeds)
    mean = _mean(shares)
    if mean <= 0:
        raise ValueError("margins: the first model must be right more often than the second")
    second_moment = sum(d * d * share for d, share in shares.items())
    spread = math.sqrt(second_moment - mean * mean) or mean
    null_spread = math.sqrt(max(second_moment, _null_variance(shares, 0.0)))
    wanted, slope = float(norm.ppf(POWER)), mean / spread
    root = (float(norm.isf(alpha / 2)) * null_spread + wanted * spread) / mean
    seen: tuple[float, float] | None = None
    for _ in range(_CORRECTIONS):
        drawn = math.ceil(root * root)
        if drawn > _MOST_DRAWN:
            break
        # On the normal scale, power is nearly linear in the square root of the rows.
        here = math.sqrt(drawn), float(norm.ppf(_drawn_power(shares, drawn, seeds, alpha)))
        if seen and abs(seen[0] - here[0]) > here[0] / 20:  # else noise of the draws
            slope = max(slope, (here[1] - seen[1]) / (here[0] - seen[0]))
        seen, root = here, max(1.0, here[0] + (wanted - here[1]) / slope)
    return math.ceil(root * root)


def _drawn_power(shares: Mapping[float, float], rows: int, seeds: int, alpha: float) -> float:
    """Return the share of drawn samples of ``rows`` rows that establish the difference."""
    import numpy as np

    margins = [round(difference * seeds) for difference in shares]
    draws = np.random.default_rng(0).multinomial(rows, list(shares.values()), _DRAWS)
    samples, times = np.unique(draws, axis=0, return_counts=True)
    won = 0
    for sample, number in zip(samples.tolist(), times.tolist(), strict=True):
        drawn = dict(zip(margins, sample, strict=True))
        if total(drawn) > 0 and paired_p(drawn, rows, seeds) < alpha:
            won += number
    return float((won + 0.5) / (_DRAWS + 1))  # not 0 or 1: their normal quantiles are infinite


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p values corrected for their number, in the same order (Holm 1979)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    raised = (min(1.0, (len(order) - rank) * p_values[place]) for rank, place in enumerate(order))
    corrected = dict(zip(order, accumulate(raised, max), strict=True))
    return [corrected[place] for place in range(len(order))]


def overlap_range(first_correct: int, second_correct: int, rows: int) -> Interval:
    """Return the smallest and the largest exact McNemar p that two published accuracies allow.

    Accuracies alone do not tell on how many rows both models are wrong. The more errors they
    share, the smaller p is.
    """
    first_wrong, second_wrong = rows - first_correct, rows - second_correct
    shared = (min(first_wrong, second_wrong), max(0, first_wrong + second_wrong - rows))
    least, most = (mcnemar_exact(second_wrong - both, first_wrong - both) for both in shared)
    return least, most
