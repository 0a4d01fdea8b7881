"""Power: the smallest difference between two models that a number of test rows can establish.

The power is that of the exact McNemar test, which decides every comparison. It assumes that only
the worse model is right on a share ``SECOND_ONLY`` of the rows.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import cache

from tunesmith.audit.findings import Finding, counted, finding
from tunesmith.evaluation.statistics import POWER, power_at, rows_for_power

SECOND_ONLY = 0.05
CLAIM = 0.05
"""The difference in accuracy that test rows should be able to establish: five points."""
STEP = 0.001
"""Resolution of a difference."""


@cache
def smallest_difference(rows: int) -> float | None:
    """Return the smallest difference in accuracy that is established with 80 % power.

    None if the rows are too few for any difference.
    """
    steps = range(1, round((1 - 2 * SECOND_ONLY) / STEP) + 1)
    place = bisect_left(steps, True, key=lambda step: _enough(rows, step * STEP))
    return round(steps[place] * STEP, 3) if place < len(steps) else None


def rows_needed(difference: float) -> int:
    """Return the number of test rows that establish ``difference`` with 80 % power."""
    return rows_for_power(SECOND_ONLY + difference, SECOND_ONLY)


def _enough(rows: int, difference: float) -> bool:
    return rows > 0 and power_at(rows, SECOND_ONLY + difference, SECOND_ONLY) >= POWER


def power_findings(rows: int) -> list[Finding]:
    """Return the finding about the difference that ``rows`` test rows can establish."""
    smallest = smallest_difference(rows)
    assumed = f"assuming that only the worse model is right on {100 * SECOND_ONLY:.0f} % of them"
    can = (
        "can establish no difference at all"
        if smallest is None
        else f"establish a difference of {100 * smallest:.1f} points or more with 80 % power"
    )
    message = f"{counted(rows, 'test row')} {can} ({assumed})"
    if smallest is not None and smallest <= CLAIM:
        return [finding("note", "power", message)]
    need = f"{100 * CLAIM:.0f} points need {rows_needed(CLAIM):,} rows"
    return [finding("warning", "too_few_test_rows", f"{message}; {need}", "Add test rows")]
