"""One emulator for the tests of this folder, over the embedded model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the test modules share jobs_over_sdk.py

from jobs_over_sdk import ALIAS, client_of
from openai import OpenAI

from tunesmith_emulator import OpenAIEmulator


@pytest.fixture(scope="session")
def emulator() -> Iterator[OpenAIEmulator]:
    with OpenAIEmulator(names=[ALIAS]) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def client(emulator: OpenAIEmulator) -> Iterator[OpenAI]:
    with client_of(emulator) as client:
        yield client
