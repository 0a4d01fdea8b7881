"""Each defect of a backend fails the one test of the suite that is for it, and no other."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path

import pytest

from tunesmith.testing.conformance import BackendConformance

HERE = Path(__file__).parent
FILE = HERE / "defects" / "suite_file.py"
ROOT = HERE.parents[1]
TESTS = {name for base in BackendConformance.__mro__ for name in vars(base) if name[:5] == "test_"}

Outcomes = dict[str, dict[str, set[str]]]
"""Class to outcome (failure, error, skipped, xfail) to the names of the tests, without case."""


def defects() -> dict[str, str]:
    """The name of each defective backend, with the test that must fail."""
    spec = importlib.util.spec_from_file_location("suite_file", FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {backend.__name__: test for backend, test in module.DEFECTS.items()}


DEFECTS = defects()


def ran(report: Path, *selection: str) -> tuple[Outcomes, str]:
    """Run the suite of the selected backends; return the outcomes and the output."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml"]
    done = subprocess.run(
        [*command, str(report), str(FILE), *selection],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    found: Outcomes = defaultdict(lambda: defaultdict(set))
    for case in ET.parse(report).iter("testcase"):
        for outcome in case:
            kind = "xfail" if "xfail" in outcome.get("type", "") else outcome.tag
            name = str(case.get("classname")).rpartition(".Test")[2]
            found[name][kind].add(str(case.get("name")).partition("[")[0])
    return found, done.stdout


def test_there_are_defects_for_every_test() -> None:
    assert set(DEFECTS.values()) == TESTS
    assert len(DEFECTS) >= 30


# All in one process: most of the time is spent on starting and waiting.
@pytest.mark.slow
def test_each_defect_fails_its_test_and_no_other(tmp_path: Path) -> None:
    found, _ = ran(tmp_path / "report.xml", "-k", "not TestKnown and not TestStale")
    failures = {name: found[name]["failure"] | found[name]["error"] for name in DEFECTS}
    assert failures == {name: {test} for name, test in DEFECTS.items()}
    assert not found["Defective"]["failure"]  # the fake backend without a defect
    assert not found["Defective"]["error"]


def test_known_failures_are_strict_and_a_failure_has_a_remedy(tmp_path: Path) -> None:
    selection = "TestKnown or TestStale or (TestTouchyUndeploy and idempotent)"
    found, output = ran(tmp_path / "report.xml", "-k", selection)
    assert found["Known"]["xfail"] == {"test_undeploy_is_idempotent"}
    assert not found["Known"]["failure"]
    assert found["Stale"]["failure"] == {"test_generation_parameter"}
    assert re.search('What to do: catch the service\'s "not found" in ``undeploy``', output)
