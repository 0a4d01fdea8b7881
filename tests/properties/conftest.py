"""The sizes of the properties, and the counts of the examples that ran.

``make test`` runs a few examples, always the same ones. ``make properties`` takes the profile
``properties``: many more, others each time, and the counts at the end.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))  # the test modules share property_*.py

from property_counts import COUNTS  # after the path is set

COMMON = settings(
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("tunesmith", COMMON, derandomize=True)
settings.register_profile("properties", COMMON, derandomize=False, print_blob=True)


def pytest_configure(config: pytest.Config) -> None:
    """Take the small profile, unless the command line names one."""
    if not config.getoption("--hypothesis-profile", None):
        settings.load_profile("tunesmith")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the examples of each property by their end; the workers of xdist print none."""
    for name, counts in sorted(COUNTS.items()):
        ends = ", ".join(f"{number} {end}" for end, number in sorted(counts.items()))
        terminalreporter.write_line(f"{name}: {counts.total()} examples: {ends}")
