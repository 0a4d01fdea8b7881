"""Whether a start beats the best of today's, on the same rows and seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from tunesmith.evaluation.statistics import ALPHA, Interval, holm, paired_interval, paired_p

from .results import Key, Result
from .starts import NEW, OLD

Results = Mapping[Key, Result]


@dataclass(frozen=True, slots=True)
class Difference:
    """A start less another one, over the seeds that both have."""

    seeds: tuple[int, ...]
    rows: int
    points: float
    """Of accuracy, in percentage points."""
    interval: Interval
    """Of the same, at 95 %, not corrected."""
    losses: tuple[float, ...]
    """Difference of the loss, by seed; over several data sets, the mean of theirs."""
    p: float
    """Two-sided, of the exact paired test; see ``statistics.paired_p``."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A new start against the best of today's."""

    new: str
    by_data: Mapping[str, Difference]
    together: Difference | None
    """Over all data sets; None if there is no seed that all of them have."""

    def wins(self, corrected_p: float) -> bool:
        """Return whether it is better over all data sets, and worse on none."""
        worse = any(one.points < 0 and one.p < ALPHA for one in self.by_data.values())
        ahead = self.together is not None and self.together.points > 0
        return ahead and corrected_p < ALPHA and not worse


def of(found: Results, data: str, init: str) -> list[Result]:
    """Return the results of a start on a data set, by seed."""
    own = [one for one in found.values() if (one.data, one.init) == (data, init)]
    return sorted(own, key=lambda one: one.seed)


def best_of_today(found: Results, data: Sequence[str]) -> str | None:
    """Return today's start with the highest mean accuracy, the lower loss among equals.

    Only starts with the most seeds are compared, as long as not all tunings are finished.
    """
    scores = {init: _score(found, data, init) for init in OLD}
    best = max(scores, key=scores.__getitem__)
    return best if scores[best][0] else None


def _score(found: Results, data: Sequence[str], init: str) -> tuple[int, float, float]:
    sides = [of(found, name, init) for name in data]
    least = min(map(len, sides))
    if not least:
        return 0, 0.0, 0.0
    loss = mean(mean(one.loss for one in side) for side in sides)
    return least, mean(mean(one.accuracy for one in side) for side in sides), -loss


def compare(found: Results, data: Sequence[str], old: str) -> list[Comparison]:
    """Return the comparisons of the new starts with ``old``, where both have results."""
    return [made for new in NEW if (made := _compared(found, data, new, old)).by_data]


def corrected(made: Sequence[Comparison]) -> list[float]:
    """Return Holm's p of each comparison over all data sets; 1 for one that cannot be tested."""
    return holm([one.together.p if one.together else 1.0 for one in made])


def _compared(found: Results, data: Sequence[str], new: str, old: str) -> Comparison:
    pairs = {name: _pairs(of(found, name, new), of(found, name, old)) for name in data}
    shared = set.intersection(*(set(seeds) for seeds in pairs.values()))
    by_data = {name: _difference([pair], sorted(pair)) for name, pair in pairs.items() if pair}
    together = _difference(list(pairs.values()), sorted(shared)) if shared else None
    return Comparison(new, by_data, together)


_Pairs = Mapping[int, tuple[Result, Result]]
"""The results of the new and the old start, by seed."""


def _pairs(new: Sequence[Result], old: Sequence[Result]) -> _Pairs:
    others = {one.seed: one for one in old}
    return {one.seed: (one, others[one.seed]) for one in new if one.seed in others}


def _difference(sets: Sequence[_Pairs], seeds: Sequence[int]) -> Difference:
    margins: Counter[int] = Counter()
    for pairs in sets:
        margins.update(_margins([pairs[seed] for seed in seeds]))
    rows = sum(len(pairs[seeds[0]][0].right) for pairs in sets)
    ahead = sum(margin * number for margin, number in margins.items())
    losses = tuple(
        mean(pairs[seed][0].loss - pairs[seed][1].loss for pairs in sets) for seed in seeds
    )
    low, high = paired_interval(margins, rows, len(seeds))
    return Difference(
        seeds=tuple(seeds),
        rows=rows,
        points=100 * ahead / (rows * len(seeds)),
        interval=(100 * low, 100 * high),
        losses=losses,
        p=paired_p(margins, rows, len(seeds)),
    )


def _margins(pairs: Sequence[tuple[Result, Result]]) -> Counter[int]:
    """Return the rows by the number of seeds on which the new start is right more."""
    by_row = zip(*(zip(new.right, old.right, strict=True) for new, old in pairs), strict=True)
    return Counter(sum(new - old for new, old in row) for row in by_row)
