"""Installs what was built in fresh environments, and uses it from another directory.

Only the project's own wheels come from ``dist``; their dependencies come from the package index, in
the versions of ``constraints.txt``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.release.distributions import CORE, ROOT, distributions, read, requirement_name

DATA = ("complaint_departments", "lost_property")
TOGETHER = "together"
RUN_BASELINE = (
    "tunesmith", "run", "complaint_departments/experiment.yaml", "--backend", "sklearn",
    "--set", "method.name=tfidf_logreg",
)  # fmt: skip
RUN_LOCAL = (
    "tunesmith", "run", "lost_property/experiment.yaml", "--set", "method.num_epochs=1",
)  # fmt: skip
AUDIT = (
    "tunesmith", "audit", "complaint_departments/train.json", "complaint_departments/test.json",
)  # fmt: skip
USES: dict[str, Sequence[Sequence[str]]] = {
    CORE: (("tunesmith", "--version"), AUDIT),
    "tunesmith-sklearn": (RUN_BASELINE,),
    "tunesmith-emulator": (("tunesmith", "emulator", "run", "--help"),),
    "tunesmith-serve": (("tunesmith", "serve", "--help"),),
    TOGETHER: (RUN_BASELINE, RUN_LOCAL),
}
"""What is done with a distribution, besides ``PROBE``."""
PROBE = """
import importlib, sys
import tunesmith
from tunesmith.plugins import registry

_, name, version = sys.argv
assert tunesmith.__file__.startswith(sys.prefix), tunesmith.__file__
found = registry()
assert not [plugin for plugin in found.plugins if plugin.error], found.plugins
entries = (found.backends(), found.commands(), found.executors())
targets = [entry.target for group in entries for entry in group.values()]
targets += [entry.path for entry in found.base_models().values() if entry.path]
for target in targets:
    module, _, attribute = target.partition(":")
    getattr(importlib.import_module(module), attribute)
for plugin in found.plugins:
    assert plugin.version == version, plugin
assert name in {"tunesmith", "together"} | {plugin.distribution for plugin in found.plugins}
"""
"""Every plugin is found without an error, in this version, and all that it registers imports."""


class InstallError(Exception):
    """A distribution that cannot be installed or used."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment and an empty folder to work in."""

    folder: Path

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def programs(self) -> Path:
        return self.folder / "venv" / ("Scripts" if os.name == "nt" else "bin")

    def run(self, *command: str) -> str:
        """Run a command in the folder, without the checkout on any path; return its output."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "TUNESMITH_"))}
        path = f"{self.programs}{os.pathsep}{kept['PATH']}"
        environment = {**kept, "PATH": path, "TUNESMITH_CACHE": str(self.folder / "cache")}
        done = subprocess.run(
            [self.programs / command[0], *command[1:]],
            cwd=self.work, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise InstallError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def install(self, dist: Path, *requirements: str) -> None:
        """Install requirements: names, or folders with sources.

        The project's own wheels come first and from ``dist`` alone, so that no index is asked for
        them; then pip finds them there and adds what they need.
        """
        pip = ("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        own = sorted(set().union(*map(own_distributions, requirements)))
        if own:
            self.run(*pip, "--no-index", "--find-links", str(dist), "--no-deps", *own)
        constraints = str(ROOT / "constraints.txt")
        self.run(*pip, "--constraint", constraints, *requirements)
        self.run("python", "-m", "pip", "check")


def own_distributions(requirement: str) -> set[str]:
    """Return the project's distributions that a requirement needs, itself among them."""
    known = distributions()
    if requirement in known:
        project = known[requirement].project
    elif Path(requirement).is_dir():
        project = read(Path(requirement))["project"]
    else:
        return set()
    needed = map(requirement_name, project["dependencies"])
    return ({requirement} & known.keys()).union(*map(own_distributions, needed))


@contextmanager
def fresh_environment() -> Iterator[Environment]:
    """Yield an environment that has only pip, and data beside it; remove it at the end."""
    with tempfile.TemporaryDirectory(prefix="tunesmith-install-") as name:
        environment = Environment(Path(name).resolve())
        environment.work.mkdir()
        for folder in DATA:
            shutil.copytree(ROOT / "data" / folder, environment.work / folder)
        subprocess.run([sys.executable, "-m", "venv", environment.folder / "venv"], check=True)
        yield environment


def install(dist: Path, names: Sequence[str]) -> None:
    """Install distributions, each alone, or all of them for ``together``; print what was done.

    Raises:
        InstallError: with the command and its output.
    """
    known = distributions()
    version = known[CORE].version
    for name in names or [*known, TOGETHER]:
        with fresh_environment() as environment:
            start = time.monotonic()
            environment.install(dist, *(known if name == TOGETHER else [name]))
            seconds = time.monotonic() - start
            environment.run("python", "-c", PROBE, name, version)
            for command in USES.get(name, ()):
                environment.run(*command)
            size = sum(p.lstat().st_size for p in (environment.folder / "venv").rglob("*"))
            print(f"{name}: installed in {seconds:.0f} s, {size / 1e6:.0f} MB, used", flush=True)
            if name == TOGETHER:
                bill_of_materials(environment, dist / f"tunesmith-{version}.cdx.json")


def bill_of_materials(environment: Environment, path: Path) -> None:
    """Write what an environment holds as a CycloneDX document, with licences."""
    done = subprocess.run(
        [
            sys.executable, "-m", "cyclonedx_py", "environment", environment.programs / "python",
            "--pyproject", ROOT / "pyproject.toml", "--output-reproducible", "--validate",
            "--output-file", path,
        ],
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise InstallError(f"cyclonedx-py: {done.stderr}")
