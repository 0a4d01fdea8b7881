"""Other clients of the watsonx.ai API, each in its own environment, against a real emulator."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(
    0, str(Path(__file__).parent)
)  # the test modules share emulator_direct.py and client_programs.py

from emulator_direct import MODEL_ID, ROWS, SERVING_NAME, Direct, Served

from tunesmith_emulator import Emulator

HERE = Path(__file__).parent
WANTED = os.environ.get("TUNESMITH_REQUIRE_CLIENTS") == "1"
SKIPPED = "needs langchain-ibm, litellm, Node and Chromium: `make test-all` installs and runs them"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder; they run only if the clients are asked for."""
    for item in (item for item in items if HERE in item.path.parents):
        item.add_marker(pytest.mark.clients)
        if not WANTED:
            item.add_marker(pytest.mark.skip(reason=SKIPPED))


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """Return an emulator over the embedded base model, with a soft prompt tuned and deployed."""
    with Emulator(backend="local", seed=0) as emulator, Direct(emulator) as direct:
        asset = direct.upload(ROWS)
        model = direct.tuned_model(direct.train("for the clients", asset))
        deployment = direct.deploy(model, "reviews", SERVING_NAME)
        settings = {
            "url": emulator.url,
            "ca_file": str(emulator.ca_file),
            "project_id": emulator.project_id,
            "model_id": MODEL_ID,
            "asset": asset,
            "model": model,
            "deployment": deployment,
            "serving_name": SERVING_NAME,
            "prompts": [row["input"] for row in ROWS[:2]],
        }
        yield Served(direct, settings, asset, model, deployment)
