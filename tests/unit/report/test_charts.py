"""Without matplotlib a run has its report, and the report names the package for the charts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from report_records import VARIANTS, Page

from tunesmith import report
from tunesmith.run import Run

MISSING = "The chart is missing because matplotlib is not installed; install it with: "


@pytest.fixture
def run(tmp_path: Path) -> Run:
    record, answers = VARIANTS["both"]
    run = Run(tmp_path, record)
    run.write_predictions(answers)
    return run


def test_the_page_names_the_extra_instead_of_each_chart(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    report.write(run)
    with_charts = (run.directory / "report.html").read_text()
    assert MISSING not in with_charts
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # an import of it fails
    report.write(run)
    without = (run.directory / "report.html").read_text()
    assert without.count(MISSING) == with_charts.count('<div class="wide">') > 1
    assert "pip install 'tunesmith[charts]'" in Page(without).text
    assert "<svg" not in without


def test_the_other_files_are_written(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    report.write(run)
    names = {path.name for path in run.directory.iterdir()}
    assert names == {"predictions.jsonl", "report.html", "report.md", "report.json"}
