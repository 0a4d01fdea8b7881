"""Fixtures: tiny base models, built once for all tests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))  # the test modules share local_models.py

from local_models import build

from tunesmith_local.model.loading import BaseLM

_built: dict[str, BaseLM] = {}


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def base_lm() -> Callable[[str], BaseLM]:
    """Return a function that gives the tiny base model of an architecture."""

    def get(kind: str) -> BaseLM:
        if kind not in _built:
            _built[kind] = build(kind)
        return _built[kind]

    return get
