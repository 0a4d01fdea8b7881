"""How many examples a property runs, and how each of them ended."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings

COUNTS: defaultdict[str, Counter[str]] = defaultdict(Counter)
"""By property: examples by their end."""
AT_A_TIME = 2000
"""Examples of one test. Hypothesis keeps all of them in memory."""


def examples(few: int, many: int) -> Callable[[Any], Any]:
    """Let a test run ``few`` examples, or ``many`` in the profile ``properties``.

    The test gets the argument ``part``: the number of its turn.
    """
    if settings.get_current_profile_name() != "properties":
        parts, each = 1, few
    else:
        parts, each = -(-many // AT_A_TIME), min(many, AT_A_TIME)

    def decorated(test: Any) -> Any:
        return pytest.mark.parametrize("part", range(parts))(settings(max_examples=each)(test))

    return decorated


def count(name: str, end: str) -> None:
    """Count one example of the property ``name``."""
    COUNTS[name][end] += 1
