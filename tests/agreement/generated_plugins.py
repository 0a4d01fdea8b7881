"""Distributions of ``tunesmith new-plugin``, written, installed and tested in other processes."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Workplace:
    """A folder with distributions, and beside it the site of those that are installed."""

    folder: Path

    @property
    def site(self) -> Path:
        return self.folder / "site"

    def environment(self, *sources: Path, **more: str) -> dict[str, str]:
        """The environment of a process, which imports from ``sources`` first."""
        inherited = os.environ.get("PYTHONPATH", "")
        path = [*map(str, sources), str(self.site), *filter(None, [inherited])]
        own = {"PYTHONPATH": os.pathsep.join(path), "PYTHONDONTWRITEBYTECODE": "1"}
        return {**os.environ, **own, **more}

    def run(self, *command: str, sources: tuple[Path, ...] = (), **more: str) -> str:
        """Run ``python COMMAND`` and return its output; it must succeed."""
        done = self.tried(*command, sources=sources, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def tried(
        self, *command: str, sources: tuple[Path, ...] = (), **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ``python COMMAND``, whatever its end."""
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env=self.environment(*sources, **more),
            capture_output=True,
            text=True,
            timeout=300,
        )

    def install(self, distribution: str) -> None:
        """Install a distribution without the network: what it needs is there."""
        options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index")
        self.run("-m", "pip", "install", *options, "--target", "site", f"./{distribution}")

    def tested(
        self, *arguments: str, sources: tuple[Path, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run pytest as an author does, from the folder above the distribution."""
        return self.tried(
            "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, sources=sources
        )
