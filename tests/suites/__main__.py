"""Run the integration tests of other projects, unchanged, against the emulator.

    python -m tests.suites [NAME …] [--quick] [--source DIR] [--build DIR] [--model NAME]

Each suite is a pinned sdist in ``build/suites``, with an environment of its own. Only the
credentials are set. A real model answers for every model id. Prints what passed, failed and was
skipped, and writes ``build/suites/results.json``. Exits with 1 if a suite could not be run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.suites.outcomes import Outcomes, read_outcomes
from tests.suites.suites import MODEL, SETTINGS, SUITES, Suite

from tunesmith.atomic import write_atomically

ROOT = Path(__file__).parents[2]
PLAIN = ("-o", "addopts=", "-p", "no:cacheprovider", "-v", "--tb=native")
"""Without the options of the suite's developers, such as coverage and strict markers.

The traceback is Python's own: Python 3.11.7 can fail to parse the source that pytest shows.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suites and print the table."""
    asked = _parser().parse_args(arguments)
    chosen = [suite for suite in SUITES if not asked.names or suite.name in asked.names]
    results: list[dict[str, Any]] = []
    for suite in chosen:
        outcomes = _outcomes(suite, asked.build / "suites" / suite.name, asked)
        results.append({"name": suite.name, "version": suite.version, **outcomes.record()})
        _say(f"{suite.name} {suite.version}: {outcomes.line}")
    path = asked.build / "suites" / "results.json"
    write_atomically(path, json.dumps(results, indent=2) + "\n")
    print("\n".join(_table(results)))
    print(f"each test: {path}")
    return 0 if all(result["tests"] for result in results) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.suites",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", choices=[[], *(suite.name for suite in SUITES)])
    parser.add_argument("--quick", action="store_true", help="the part of 'make test-all'")
    parser.add_argument("--source", type=Path, help="a folder that holds the sdists' folders")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--model", default=MODEL, help="the base model that answers")
    parser.add_argument("--select", default="", help="pytest's -k")
    return parser


def _outcomes(suite: Suite, folder: Path, asked: argparse.Namespace) -> Outcomes:
    source, python = _sources(suite, folder, asked.source), _environment(suite, folder)
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    tests = suite.quick if asked.quick else suite.tests
    selected = ("-k", asked.select) if asked.select else ()
    started = time.monotonic()
    emulator = f"tunesmith emulator run --any-model --stand-in {asked.model} --"
    pytest = (str(python), "-m", "pytest", *PLAIN, f"--junitxml={report}")
    with (folder / "output.txt").open("w") as output:
        subprocess.run(
            (sys.executable, "-m", *emulator.split(), *pytest, *selected, *tests),
            cwd=source,
            env=os.environ | SETTINGS,
            stdout=output,
            stderr=output,
            check=False,
        )
    if not report.exists():
        raise SystemExit(f"{suite.name} did not run; see {folder / 'output.txt'}")
    return read_outcomes(report, time.monotonic() - started)


def _sources(suite: Suite, folder: Path, given: Path | None) -> Path:
    """Return the folder of the unpacked sdist."""
    name = f"{suite.name.replace('-', '_')}-{suite.version}"
    found = (given or folder) / name
    if not found.is_dir() and given is None:
        folder.mkdir(parents=True, exist_ok=True)
        wanted = ("--no-deps", "--no-binary", suite.name, f"{suite.name}=={suite.version}")
        _pip(sys.executable, "download", *wanted, "--dest", folder)
        with tarfile.open(folder / f"{name}.tar.gz") as archive:
            archive.extractall(folder, filter="data")
    if not found.is_dir():
        raise SystemExit(f"{found} is missing; --source names the folder that holds {name}")
    return found


def _environment(suite: Suite, folder: Path) -> Path:
    """Return the Python of an environment with the suite's packages."""
    python, stamp = folder / "env" / "bin" / "python", folder / "env" / "installed.txt"
    wanted = suite.requirements.read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
        _pip(python, "install", "--requirement", suite.requirements)
        write_atomically(stamp, wanted)
    return python


def _table(results: Sequence[dict[str, Any]]) -> list[str]:
    lines = ["| suite | passed | failed | skipped | expected to fail | passed of those that ran |"]
    lines.append("|---|---|---|---|---|---|")
    for result in results:
        counts = [result[kind] for kind in ("passed", "failed", "skipped", "xfailed")]
        ran = result["passed"] + result["failed"]
        share = f"{100 * result['passed'] / ran:.1f} %" if ran else "none ran"
        name = f"{result['name']} {result['version']}"
        lines.append(f"| {name} | {' | '.join(map(str, counts))} | {share} |")
    return lines


def _pip(python: object, command: str, *arguments: object) -> None:
    quiet = ("--quiet", "--disable-pip-version-check")
    subprocess.run([python, "-m", "pip", command, *quiet, *map(str, arguments)], check=True)  # type: ignore[list-item]  # paths


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
