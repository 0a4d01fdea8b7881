"""The emulator as pytest fixtures. Nothing heavy is imported before their first use.

Each worker of pytest-xdist is a session of its own, so it has emulators of its own, on free ports
and with temporary data directories.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tunesmith_emulator.emulator import Emulator


MARKER = "watsonx_answers"


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(*answers): the emulator's scripted answers for this test, each a mapping or a "
        "YAML file beside the test",
    )


@pytest.fixture(scope="session")
def watsonx_emulator_options() -> dict[str, object]:
    """Arguments of ``Emulator``; override it in ``conftest.py``: ``{"backend": "sklearn"}``."""
    return {}


def _started(options: dict[str, object]) -> Iterator[Emulator]:
    from tunesmith_emulator.emulator import Emulator

    with Emulator(**options) as emulator:  # type: ignore[arg-type]  # a user's dict
        yield emulator


@pytest.fixture(scope="session")
def watsonx_emulator_session(watsonx_emulator_options: dict[str, object]) -> Iterator[Emulator]:
    """A watsonx.ai emulator that is started once and keeps its state for the whole session.

    It is another one than ``watsonx_emulator``, which empties its state after each test.
    """
    yield from _started(watsonx_emulator_options)


@pytest.fixture(scope="session")
def _watsonx_emulator(watsonx_emulator_options: dict[str, object]) -> Iterator[Emulator]:
    yield from _started(watsonx_emulator_options)


@pytest.fixture
def watsonx_emulator(
    _watsonx_emulator: Emulator, request: pytest.FixtureRequest
) -> Iterator[Emulator]:
    """A watsonx.ai emulator on this machine, empty at the start of every test.

    ``watsonx_emulator.credentials`` are the arguments of ``ibm_watsonx_ai.Credentials``. One
    server and its loaded models serve the whole session. The marker ``watsonx_answers`` scripts
    answers for a test.
    """
    for marker in request.node.iter_markers(MARKER):
        for given in marker.args:
            file = isinstance(given, str | Path)
            _watsonx_emulator.script(request.path.parent / given if file else [given])
    yield _watsonx_emulator
    _watsonx_emulator.reset()
