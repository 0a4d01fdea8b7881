"""Reports: a run as a page, as Markdown and as JSON; a ladder and a benchmark as a page."""

from tunesmith.report.cases import SHOWN_DISAGREEMENTS, SHOWN_ERRORS
from tunesmith.report.document import Document, make_document
from tunesmith.report.page import render, write
from tunesmith.report.verdict import Headline, baseline_words, headline

__all__ = [
    "SHOWN_DISAGREEMENTS",
    "SHOWN_ERRORS",
    "Document",
    "Headline",
    "baseline_words",
    "headline",
    "make_document",
    "render",
    "write",
]
