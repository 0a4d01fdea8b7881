from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the test modules share catalogue_questions.py

from catalogue_questions import Make

from tunesmith_emulator.catalogue.service import Catalogue
from tunesmith_emulator.engine import Engine
from tunesmith_emulator.settings import Settings


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes a catalogue over a real backend; the local one unless told otherwise."""
    engines: list[Engine] = []

    def catalogue(as_of: str | None = None, **settings: object) -> Catalogue:
        day = date.fromisoformat(as_of) if as_of else None
        given = Settings.model_validate({"data_dir": tmp_path, "as_of": day, **settings})
        engines.append(Engine(given, tmp_path / "store"))
        return Catalogue(given, engines[-1])

    yield catalogue
    for engine in engines:
        engine.close()


@pytest.fixture
def today(make: Make) -> Catalogue:
    """The default catalogue: every model as available."""
    return make()
