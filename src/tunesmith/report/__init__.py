"""Reports: a run as a page, as Markdown and as JSON; a ladder and a benchmark as a page."""

from tunesmith.report.document import make_document
from tunesmith.report.page import render, write

__all__ = ["make_document", "render", "write"]
