"""What the tests of this folder share: tuned runs, and clients in this process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from tunesmith.runs.record import RunRecord
from tunesmith.runs.run import RunDirectory
from tunesmith_serve.app import create_app
from tunesmith_serve.service import Service

MICRO = "tunesmith/micro-granite"


@dataclass(frozen=True)
class Tuned:
    """Runs of one base model in one folder, whose backend is open."""

    backend: Any
    folder: Path
    grooming: Path
    """A calibrated run."""
    other: Path
    """A run without calibration."""
    texts: list[str]
    """Reviews that neither was tuned on."""

    @property
    def served(self) -> list[tuple[str, Path]]:
        """The prompts with their names."""
        return [("grooming", self.grooming), ("other", self.other)]


def record_of(directory: Path) -> RunRecord:
    return RunDirectory.load(directory).record


def client_of(service: Service, **headers: str) -> TestClient:
    return TestClient(create_app(service), raise_server_exceptions=False, headers=headers)
