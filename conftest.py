"""Keeps every test off what this machine's user has: the cache, and other programs' models."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest

_CACHE = "TUNESMITH_CACHE"

os.environ["TUNESMITH_STORES"] = "off"


def pytest_configure(config: pytest.Config) -> None:
    """Point this process, and those that it starts, to a cache that goes with the session."""
    if not hasattr(config, "workerinput"):  # a worker of pytest-xdist inherits its controller's
        os.environ[_CACHE] = tempfile.mkdtemp(prefix="tunesmith-cache-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the cache."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(_CACHE), ignore_errors=True)
