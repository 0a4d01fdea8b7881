"""What became of each test of a suite, from pytest's JUnit XML file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

KINDS = ("passed", "failed", "skipped", "xfailed")


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The outcomes of one run."""

    tests: dict[str, str]
    """The kind of each test, by its name."""
    reasons: dict[str, str]
    """The first line of why a test failed or was skipped."""
    seconds: float

    @property
    def line(self) -> str:
        """The counts in words."""
        counts = self._counts()
        return ", ".join(f"{counts[kind]} {kind}" for kind in KINDS) + f", {self.seconds:.0f} s"

    def record(self) -> dict[str, Any]:
        """Return the outcomes as JSON."""
        counts = self._counts()
        return {
            **{kind: counts[kind] for kind in KINDS},
            "seconds": round(self.seconds),
            "tests": self.tests,
            "reasons": self.reasons,
        }

    def _counts(self) -> Counter[str]:
        return Counter(self.tests.values())


def read_outcomes(report: Path, seconds: float) -> Outcomes:
    """Read a report. A file that could not be imported is a failed test."""
    tests: dict[str, str] = {}
    reasons: dict[str, str] = {}
    # The report is written by pytest on this machine.
    for case in ET.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        kind, why = _kind(case)
        tests[name] = kind
        if why:
            reasons[name] = why[:300]
    return Outcomes(tests, reasons, seconds)


def _kind(case: ET.Element) -> tuple[str, str]:
    for child in case:
        why = (child.get("message") or "").split("\n")[0]
        if child.tag in ("failure", "error"):
            return "failed", why
        if child.tag == "skipped":
            return ("xfailed" if child.get("type") == "pytest.xfail" else "skipped"), why
    return "passed", ""
