"""The plugins of others, with the built wheels: what an author of a plugin gets."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.release.distributions import ROOT, distributions, read
from tests.release.install import Environment, fresh_environment

PLUGINS = {
    "tests/sample_plugin": "conformance_suite.py",
    "plugins/tunesmith-sklearn": "tests/test_conformance.py",
}
"""Folders of plugins, with the file of their conformance tests."""


def downstream(dist: Path) -> None:
    """Install each plugin beside the core's wheel, and run its tests.

    A plugin of this release is installed from its wheel, one of others from its sources.

    Raises:
        InstallError: with the output of pip or pytest.
    """
    for folder, suite in PLUGINS.items():
        with fresh_environment() as environment:
            source = environment.folder / "plugin"
            shutil.copytree(ROOT / folder, source, ignore=shutil.ignore_patterns("__pycache__"))
            name = read(source)["project"]["name"]
            own = name if name in distributions() else str(source)
            environment.install(dist, own, "pytest")
            print(f"{folder}: {_tests(environment, source / suite)}", flush=True)


def _tests(environment: Environment, suite: Path) -> str:
    """Return pytest's last line. Not even a skipped test may warn."""
    shown = environment.run(
        "python", "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider",
        "--import-mode=importlib", "--rootdir", str(suite.parent), str(suite),
    )  # fmt: skip
    return shown.strip().splitlines()[-1]
