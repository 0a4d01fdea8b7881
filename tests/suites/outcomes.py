"""What became of each test of a suite: read from pytest's JUnit XML files, and kept as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree as ET

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["passed", "failed", "skipped", "xfailed"]
KINDS: tuple[Kind, ...] = ("passed", "failed", "skipped", "xfailed")
_LONGEST = 300


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Outcome(_Value):
    """What became of one test."""

    kind: Kind
    reason: str = ""
    """The first line of why it failed or was skipped."""
    seconds: float = 0.0


Outcomes = dict[str, Outcome]
"""By the address of the test, as pytest takes it."""


class Measured(_Value):
    """What was measured of one suite."""

    model: str
    """The base model that answered."""
    day: date
    files: tuple[str, ...] = ()
    """All test files."""
    parts: dict[str, Outcomes] = Field(default_factory=dict)
    """The tests of each file that was run."""
    scripted: Outcomes = Field(default_factory=dict)
    """The tests that have a scripted answer, with it."""

    @property
    def plain(self) -> Outcomes:
        """All tests, without scripted answers."""
        return {name: one for part in self.parts.values() for name, one in part.items()}

    @property
    def left(self) -> list[str]:
        """The files that were not run yet."""
        return [file for file in self.files if file not in self.parts]

    @property
    def with_scripts(self) -> Outcomes:
        """All tests, those that have a scripted answer with it."""
        return self.plain | self.scripted


def count(outcomes: Mapping[str, Outcome]) -> dict[Kind, int]:
    """Return the number of tests of each kind."""
    counts = Counter(one.kind for one in outcomes.values())
    return {kind: counts[kind] for kind in KINDS}


def share(counts: Mapping[Kind, int]) -> str:
    """Return how many passed of those that neither skip themselves nor are expected to fail."""
    ran = counts["passed"] + counts["failed"]
    return f"{100 * counts['passed'] / ran:.1f} %" if ran else "none ran"


def in_words(outcomes: Mapping[str, Outcome]) -> str:
    """Return the counts in words."""
    counts = count(outcomes)
    return ", ".join(f"{number} {kind}" for kind, number in counts.items())


def read_outcomes(report: Path, files: Sequence[str]) -> Outcomes:
    """Read a report about tests in ``files``. A file that cannot be imported is a failed test."""
    found: Outcomes = {}
    # The report is written by pytest on this machine.
    for case in ET.parse(report).iter("testcase"):
        kind, why = _kind(case)
        name = _address(case.get("classname") or "", case.get("name") or "", files)
        seconds = float(case.get("time") or 0)
        found[name] = Outcome(kind=kind, reason=why[:_LONGEST], seconds=seconds)
    return found


def _address(classname: str, name: str, files: Sequence[str]) -> str:
    """Return the address of a test, whose ``classname`` is its file and class with dots."""
    for file in files:
        dotted = file.removesuffix(".py").replace("/", ".")
        if classname == dotted:
            return f"{file}::{name}"
        if classname.startswith(f"{dotted}."):
            within = classname.removeprefix(f"{dotted}.").replace(".", "::")
            return f"{file}::{within}::{name}"
        if name == dotted:
            return file
    raise ValueError(f"the report has the test {classname}::{name}, which is in none of {files}")


def _kind(case: ET.Element) -> tuple[Kind, str]:
    for child in case:
        why = (child.get("message") or "").split("\n")[0]
        if child.tag in ("failure", "error"):
            return "failed", why
        if child.tag == "skipped":
            return ("xfailed" if child.get("type") == "pytest.xfail" else "skipped"), why
    return "passed", ""
