"""Keeps every test off what this machine's user has: the cache, and other programs' models.

And starts the browser of a module, which must end with it: Playwright's loop, while it runs,
lets no other test of the process have one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_CACHE = "TUNESMITH_CACHE"

_QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

os.environ["TUNESMITH_STORES"] = "off"


def pytest_configure(config: pytest.Config) -> None:
    """Point this process, and those that it starts, to a cache that goes with the session."""
    if not hasattr(config, "workerinput"):  # a worker of pytest-xdist inherits its controller's
        os.environ[_CACHE] = tempfile.mkdtemp(prefix="tunesmith-cache-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the cache."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(_CACHE), ignore_errors=True)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium, for the tests of pages in any folder."""
    from playwright.sync_api import sync_playwright  # only here: most sessions open no page

    program = shutil.which("chromium")
    if program is None:
        pytest.fail("Chromium is missing; `apt-get install -y chromium` brings it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_QUIET))
        yield browser
        browser.close()
