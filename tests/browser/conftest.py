"""Chromium, if it is asked for: ``make test-all`` installs it and runs the tests in this folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WANTED = os.environ.get("TUNESMITH_REQUIRE_CLIENTS") == "1"
SKIPPED = "needs Chromium and axe-core: `make test-all` installs and runs them"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder; they run only if the clients are asked for."""
    for item in (item for item in items if HERE in item.path.parents):
        item.add_marker(pytest.mark.clients)
        if not WANTED:
            item.add_marker(pytest.mark.skip(reason=SKIPPED))
