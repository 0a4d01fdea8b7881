"""Keeps every test of this repository off the developer's own cache."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest

_CACHE = "TUNESMITH_CACHE"


def pytest_configure(config: pytest.Config) -> None:
    """Point this process, and those that it starts, to a cache that goes with the session."""
    if not hasattr(config, "workerinput"):  # a worker of pytest-xdist inherits its controller's
        os.environ[_CACHE] = tempfile.mkdtemp(prefix="tunesmith-cache-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the cache."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(_CACHE), ignore_errors=True)
