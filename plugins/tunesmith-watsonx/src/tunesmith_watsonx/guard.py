"""Prevents tests from spending money by accident."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from tunesmith.errors import UnsupportedError

LIVE = "TUNESMITH_WATSONX_LIVE"
"""Environment variable that the option ``--live`` of the pytest plugin sets."""
_UNDER_PYTEST = ("PYTEST_CURRENT_TEST", "PYTEST_VERSION")
_IBM = ("ibm.com", "ibmforusgov.com")


def is_ibm(url: str) -> bool:
    """Return whether ``url`` is a host of IBM's cloud. Every call there may cost money."""
    host = urlsplit(url).hostname or ""
    return any(host == domain or host.endswith(f".{domain}") for domain in _IBM)


def refuse_paid_tests(url: str) -> None:
    """Refuse IBM's cloud under pytest, unless ``--live`` was given.

    Raises:
        UnsupportedError: the message has two remedies.
    """
    if is_ibm(url) and any(name in os.environ for name in _UNDER_PYTEST) and LIVE not in os.environ:
        raise UnsupportedError(
            f"a test would reach {urlsplit(url).hostname}, which costs money; run pytest with "
            "--live to allow it, or give the test an emulator (tunesmith_emulator.Emulator)"
        )
