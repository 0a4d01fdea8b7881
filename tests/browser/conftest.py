"""Chromium, if it is asked for: ``make test-all`` installs it and runs the tests in this folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
WANTED = os.environ.get("TUNESMITH_REQUIRE_CLIENTS") == "1"
SKIPPED = "needs Chromium and axe-core: `make test-all` installs and runs them"
QUIET = (
    "--no-sandbox", "--disable-gpu", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder; they run only if the clients are asked for."""
    for item in (item for item in items if HERE in item.path.parents):
        item.add_marker(pytest.mark.clients)
        if not WANTED:
            item.add_marker(pytest.mark.skip(reason=SKIPPED))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("Chromium is missing; `apt-get install -y chromium` brings it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield browser
        browser.close()
