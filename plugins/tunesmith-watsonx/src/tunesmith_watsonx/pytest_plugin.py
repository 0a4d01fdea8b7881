"""The pytest option ``--live``. Without it, no test reaches a service that costs money."""

from __future__ import annotations

import os

import pytest

from tunesmith_watsonx.guard import LIVE


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.getgroup("tunesmith").addoption(
        "--live",
        action="store_true",
        help="let the watsonx backend reach IBM's service, which costs money",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Set the guard's environment variable, which subprocesses inherit."""
    if config.getoption("--live"):
        os.environ[LIVE] = "1"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the guard's environment variable."""
    if config.getoption("--live"):
        os.environ.pop(LIVE, None)
