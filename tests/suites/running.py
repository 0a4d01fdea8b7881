"""Runs tests of a suite against the emulator, in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.suites.outcomes import Outcomes, read_outcomes
from tests.suites.suites import OPTIONS, SETTINGS, Suite

from tunesmith.atomic import write_atomically

_PLAIN = ("-o", "addopts=", "-p", "no:cacheprovider", "-v", "--tb=native")
"""Without the options of the suite's developers, such as coverage and strict markers.

The traceback is Python's own: Python 3.11.7 can fail to parse the source that pytest shows.
"""


@dataclass(frozen=True)
class Runner:
    """Runs tests of one suite.

    Args:
        suite: what is run.
        folder: gets the sdist, the environment, and what the tests print.
        given: a folder that holds the unpacked sdist; None: it is downloaded.
        model: the base model that answers for every model id.
    """

    suite: Suite
    folder: Path
    given: Path | None
    model: str

    @property
    def files(self) -> list[str]:
        """The test files in the sdist."""
        found = self._source.glob(self.suite.files)
        return sorted(path.relative_to(self._source).as_posix() for path in found)

    def run(
        self, tests: Sequence[str], name: str, *, select: str = "", script: Path | None = None
    ) -> Outcomes:
        """Run tests, and return what became of each.

        Args:
            tests: files, or addresses of tests.
            name: of the file that gets what they print.
            select: pytest's ``-k``.
            script: scripted answers.

        Raises:
            SystemExit: pytest did not start.
        """
        printed = self.folder / "output" / f"{name}.txt"
        report = printed.with_suffix(".xml")
        printed.parent.mkdir(parents=True, exist_ok=True)
        report.unlink(missing_ok=True)
        scripted = () if script is None else ("--script", str(script))
        emulator = ("emulator", "run", *OPTIONS, "--stand-in", self.model, *scripted, "--")
        pytest = (str(self._python), "-m", "pytest", *_PLAIN, f"--junitxml={report}")
        with printed.open("w") as output:
            subprocess.run(
                (sys.executable, "-m", "tunesmith", *emulator, *pytest, "-k", select,
                 *self.suite.options, *tests),
                cwd=self._source,
                env=os.environ | SETTINGS,
                stdout=output,
                stderr=output,
                check=False,
            )  # fmt: skip
        if not report.exists():
            raise SystemExit(f"{self.suite.title}: the tests did not run; see {printed}")
        return read_outcomes(report, self.files)

    @cached_property
    def _source(self) -> Path:
        suite, name = self.suite, f"{self.suite.name.replace('-', '_')}-{self.suite.version}"
        found = (self.given or self.folder) / name
        if not found.is_dir() and self.given is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            wanted = ("--no-deps", "--no-binary", suite.name, f"{suite.name}=={suite.version}")
            _pip(sys.executable, "download", *wanted, "--dest", self.folder)
            with tarfile.open(self.folder / f"{name}.tar.gz") as archive:
                archive.extractall(self.folder, filter="data")
        if not found.is_dir():
            raise SystemExit(f"{found} is missing; --source names the folder that holds {name}")
        return found

    @cached_property
    def _python(self) -> Path:
        """The Python of an environment with the suite's packages."""
        environment = self.folder / "env"
        python, stamp = environment / "bin" / "python", environment / "installed.txt"
        wanted = self.suite.requirements.read_text()
        if not stamp.exists() or stamp.read_text() != wanted:
            subprocess.run([sys.executable, "-m", "venv", environment], check=True)
            _pip(python, "install", "--no-compile", "--requirement", self.suite.requirements)
            write_atomically(stamp, wanted)
        return python


def _pip(python: str | Path, command: str, *arguments: str | Path) -> None:
    quiet = ("--quiet", "--disable-pip-version-check")
    subprocess.run([str(python), "-m", "pip", command, *quiet, *map(str, arguments)], check=True)
