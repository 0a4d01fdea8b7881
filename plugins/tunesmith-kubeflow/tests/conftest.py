"""A cluster on this machine, and a backend for it."""

from __future__ import annotations

import pytest

pytest.importorskip(
    "kubeflow", reason="the Kubeflow SDK is not installed; make test-kubeflow installs it"
)
