"""What pytest wrote about a suite of another project."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.suites.outcomes import read_outcomes

TESTS = """
import pytest

def test_right(): pass
def test_wrong(): assert 1 == 2, "one is not two"
@pytest.mark.skip(reason="no network")
def test_left(): pass
@pytest.mark.xfail
def test_expected(): assert False
@pytest.fixture
def broken(): raise OSError("no fixture")
def test_broken(broken): pass
"""


def test_each_test_has_one_outcome_and_a_reason(tmp_path: Path) -> None:
    (tmp_path / "test_them.py").write_text(TESTS)
    (tmp_path / "test_import.py").write_text("import not_there\n")
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=r.xml")
    more = ("-p", "no:xdist", "--continue-on-collection-errors")
    subprocess.run((*command, *more), cwd=tmp_path, capture_output=True, check=False)

    outcomes = read_outcomes(tmp_path / "r.xml", 1.0)

    kinds = {name.rsplit("::")[-1]: kind for name, kind in outcomes.tests.items()}
    assert kinds == {
        "test_right": "passed",
        "test_wrong": "failed",
        "test_left": "skipped",
        "test_expected": "xfailed",
        "test_broken": "failed",
        "test_import": "failed",
    }
    assert "one is not two" in outcomes.reasons["test_them::test_wrong"]
    assert outcomes.reasons["test_them::test_left"] == "no network"
    assert outcomes.line == "1 passed, 3 failed, 1 skipped, 1 xfailed, 1 s"
