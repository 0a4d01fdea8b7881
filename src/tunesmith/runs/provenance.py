"""The origin of a run: versions, machine, git state. No user names, no environment variables."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from tunesmith.backend import Backend


def collect(backend: Backend) -> dict[str, Any]:
    """Return versions, processor count and the git state of the working directory."""
    return {
        "tunesmith": own_version(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "versions": backend.versions(),
        "git": git_state(),
    }


def own_version() -> str:
    """Return the version of this installation."""
    try:
        return version("tunesmith")
    except PackageNotFoundError:
        return "unknown"


def git_state() -> dict[str, Any] | None:
    """Return the commit and whether files were changed since; None outside a git checkout."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None
    return {"commit": commit, "dirty": bool(_git("status", "--porcelain"))}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
