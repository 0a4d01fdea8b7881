"""Reports: a run as a self-contained page, verdict first, and the same as Markdown and JSON.

No script, no request, light and dark. All text of data and models is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.atomic import write_atomically
from tunesmith.records import Prediction
from tunesmith.report import charts
from tunesmith.report.document import Document, make_document
from tunesmith.report.html import filled
from tunesmith.report.markdown import to_markdown
from tunesmith.report.sections import sections
from tunesmith.runs.record import RunRecord
from tunesmith.runs.run import LEARNING_CURVE, REPORT, RunDirectory

__all__ = ["make_document", "render", "write"]


def write(run: RunDirectory) -> None:
    """Write ``report.html``, ``report.md``, ``report.json`` and the learning curve's SVG.

    The SVG is left out if nothing was tuned or matplotlib is not installed.

    Raises:
        RunError: the run has no evaluation or no readable predictions.
        OSError: the run directory cannot be written.
    """
    document = make_document(run.record, run.predictions())
    if document.curve and charts.available():
        svg = charts.standalone(charts.learning_curve(document.curve))
        write_atomically(run.directory / LEARNING_CURVE, svg)
    page = run.directory / REPORT
    write_atomically(page.with_suffix(".json"), document.to_json() + "\n")
    write_atomically(page.with_suffix(".md"), to_markdown(document))
    write_atomically(page, _page(document))


def render(record: RunRecord, predictions: Sequence[Prediction]) -> str:
    """Return the page of :func:`make_document`; the same arguments give the same text."""
    return _page(make_document(record, predictions))


def _page(document: Document) -> str:
    return filled("report.html", d=document, sections=sections(document))
