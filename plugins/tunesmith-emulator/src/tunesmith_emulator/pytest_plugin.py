"""The emulator as a pytest fixture. Nothing heavy is imported before its first use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tunesmith_emulator.emulator import Emulator


@pytest.fixture(scope="session")
def watsonx_emulator_options() -> dict[str, object]:
    """Arguments of ``Emulator``; override it in ``conftest.py``: ``{"backend": "sklearn"}``."""
    return {}


@pytest.fixture(scope="session")
def _watsonx_emulator(watsonx_emulator_options: dict[str, object]) -> Iterator[Emulator]:
    from tunesmith_emulator.emulator import Emulator

    with Emulator(**watsonx_emulator_options) as emulator:  # type: ignore[arg-type]  # a user's dict
        yield emulator


@pytest.fixture
def watsonx_emulator(_watsonx_emulator: Emulator) -> Iterator[Emulator]:
    """A watsonx.ai emulator on this machine, empty at the start of every test.

    ``watsonx_emulator.credentials`` are the arguments of ``ibm_watsonx_ai.Credentials``. One
    server and its loaded models serve the whole session.
    """
    yield _watsonx_emulator
    _watsonx_emulator.reset()
