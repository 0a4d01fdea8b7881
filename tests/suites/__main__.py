"""Run the integration tests of other projects, unchanged, against the emulator.

    python -m tests.suites [NAME …] [--resume] [--select K]   all tests, a file after the other
    python -m tests.suites [NAME …] --scripts                 those that have a scripted answer
    python -m tests.suites NAME --slice                       those of 'make test-all'
    python -m tests.suites --write                            docs/reference/suites.md

Each suite is a pinned sdist in ``build/suites``, with an environment of its own. Only the
credentials are set. A real model answers for every model id. ``build/suites/NAME/measured.json``
keeps what passed, failed and was skipped; the page is written from it alone. Exits with 1 if a
suite could not be run, or if a test of the slice does not pass.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from tests.suites.outcomes import Measured, Outcome, in_words
from tests.suites.page import read_causes, suites_page, table
from tests.suites.running import Runner
from tests.suites.scripts import scripted_tests
from tests.suites.suites import MODEL, SUITES, Suite

from tunesmith.atomic import write_atomically

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "suites.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suites and print the table."""
    asked = _parser().parse_args(arguments)
    chosen = [suite for suite in SUITES if not asked.names or suite.name in asked.names]
    if asked.write:
        return _write(asked.build)
    if asked.slice:
        sliced = [suite for suite in chosen if suite.slice.exists()]
        return max((_slice(suite, _runner(suite, asked)) for suite in sliced), default=0)
    for suite in chosen:
        run = _scripted if asked.scripts else _plain
        run(suite, _runner(suite, asked), asked)
    print("\n".join(table(list(_measured(asked.build, chosen)))))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.suites",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", choices=[[], *(suite.name for suite in SUITES)])
    parser.add_argument("--resume", action="store_true", help="only files that were not run yet")
    parser.add_argument("--select", default="", help="pytest's -k; the other outcomes are kept")
    parser.add_argument("--scripts", action="store_true", help="with scripted answers")
    parser.add_argument("--slice", action="store_true", help="the part of 'make test-all'")
    parser.add_argument("--write", action="store_true", help="write the page; nothing is run")
    parser.add_argument("--source", type=Path, help="a folder that holds the sdists' folders")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--model", default=MODEL, help="the base model that answers")
    return parser


def _runner(suite: Suite, asked: argparse.Namespace) -> Runner:
    return Runner(suite, _folder(asked.build, suite), asked.source, asked.model)


def _plain(suite: Suite, runner: Runner, asked: argparse.Namespace) -> None:
    kept = asked.resume or asked.select
    found = (kept and _read(asked.build, suite)) or _nothing(asked.model)
    for file in runner.files:
        if asked.resume and file in found.parts:
            continue
        started = time.monotonic()
        outcomes = runner.run([file], Path(file).stem, select=asked.select)
        if asked.select:
            outcomes = found.parts.get(file, {}) | outcomes
        parts = {**found.parts, file: outcomes}
        found = found.model_copy(
            update={"files": tuple(runner.files), "parts": parts, "day": _today()}
        )
        _keep(asked.build, suite, found)
        _say(f"{file}: {in_words(outcomes)}, {time.monotonic() - started:.0f} s")


def _scripted(suite: Suite, runner: Runner, asked: argparse.Namespace) -> None:
    found = _read(asked.build, suite) or _nothing(asked.model)
    if not suite.scripts.exists():
        _say(f"{suite.title} has no scripted answers")
        return
    tests = scripted_tests(suite, runner.files)
    outcomes = runner.run(tests, "scripts", select=asked.select, script=suite.scripts)
    kept: dict[str, Outcome] = found.scripted if asked.select else {}
    _keep(asked.build, suite, found.model_copy(update={"scripted": kept | outcomes}))
    _say(f"{suite.title}, with scripts: {in_words(outcomes)}")


def _slice(suite: Suite, runner: Runner) -> int:
    tests = suite.slice.read_text().splitlines()
    started = time.monotonic()
    outcomes = runner.run(tests, "slice")
    wrong = {name: one for name, one in outcomes.items() if one.kind != "passed"}
    missing = [test for test in tests if test not in outcomes]
    print(f"{suite.title}: {in_words(outcomes)}, {time.monotonic() - started:.0f} s")
    for name, one in wrong.items():
        print(f"{name}: {one.kind}: {one.reason}")
    for name in missing:
        print(f"{name}: it did not run")
    return 1 if wrong or missing else 0


def _write(build: Path) -> int:
    measured = list(_measured(build, SUITES))
    if len(measured) < len(SUITES):
        raise SystemExit("run the suites first: python -m tests.suites")
    causes = {suite.name: read_causes(suite.causes) for suite in SUITES}
    PAGE.write_text(suites_page(measured, causes))
    print(PAGE)
    return 0


def _measured(build: Path, suites: Sequence[Suite]) -> Iterator[tuple[Suite, Measured]]:
    for suite in suites:
        found = _read(build, suite)
        if found is not None:
            yield suite, found


def _read(build: Path, suite: Suite) -> Measured | None:
    path = _folder(build, suite) / "measured.json"
    return Measured.model_validate_json(path.read_bytes()) if path.exists() else None


def _keep(build: Path, suite: Suite, found: Measured) -> None:
    path = _folder(build, suite) / "measured.json"
    write_atomically(path, found.model_dump_json(indent=2) + "\n")


def _folder(build: Path, suite: Suite) -> Path:
    return build.resolve() / "suites" / suite.name


def _nothing(model: str) -> Measured:
    return Measured(model=model, day=_today())


def _today() -> date:
    return datetime.now(UTC).date()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
