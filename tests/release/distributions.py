"""The distributions of the project, as their ``pyproject.toml`` files declare them."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CORE = "tunesmith"


@dataclass(frozen=True)
class Distribution:
    """One distribution: its folder and what its ``pyproject.toml`` declares."""

    folder: Path
    project: dict[str, Any]

    @property
    def name(self) -> str:
        return self.project["name"]

    @property
    def version(self) -> str:
        return self.project["version"]

    @property
    def file_name(self) -> str:
        """The name as it begins the names of its files."""
        return self.name.replace("-", "_")

    def requirements(self) -> list[str]:
        """Every requirement, those of the extras too."""
        extras = self.project.get("optional-dependencies", {}).values()
        return [*self.project["dependencies"], *(text for extra in extras for text in extra)]


def distributions(root: Path = ROOT) -> dict[str, Distribution]:
    """Return the distributions by name, the core first."""
    folders = [root, *sorted(path.parent for path in root.glob("plugins/*/pyproject.toml"))]
    found = [Distribution(folder, read(folder)["project"]) for folder in folders]
    return {one.name: one for one in found}


def read(folder: Path) -> dict[str, Any]:
    """Return the ``pyproject.toml`` of a folder."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def requirement_name(requirement: str) -> str:
    """Return the name of the distribution in a requirement."""
    found = re.match(r"[\w.-]+", requirement)
    assert found, requirement
    return found[0]
