"""The card of a run in a notebook: verdict, scores and the path of the report."""

from __future__ import annotations

from tunesmith.report.html import filled
from tunesmith.runs.judgment import judge
from tunesmith.runs.run import REPORT, RunDirectory


def card(run: RunDirectory) -> str:
    """Return the card of ``run`` as HTML; all text of data and models is escaped."""
    record = run.record
    scores = {record.model_name(role): found for role, found in record.evaluations.items()}
    scores |= {baseline.method: baseline.evaluation for baseline in record.baselines}
    report = run.directory / REPORT
    return filled(
        "card.html",
        record=record,
        verdict=judge(record),
        scores=scores,
        report=report if report.is_file() else None,
    )
