"""The page of a benchmark: what did best, the lines as intervals, then every number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tunesmith.report import charts
from tunesmith.report import formatting as words
from tunesmith.report.charts import Point
from tunesmith.report.html import drawn, filled
from tunesmith.runs.judgment import TFIDF
from tunesmith.runs.record import RunRecord
from tunesmith.sweep.sweep_page import missing, shared

if TYPE_CHECKING:
    from tunesmith.sweep.benchmark import BenchmarkLine, BenchmarkRecord
    from tunesmith.sweep.trial import Cell


def render_benchmark(record: BenchmarkRecord, runs: Sequence[RunRecord] = ()) -> str:
    """Return the page of a benchmark; the same arguments give the same text.

    Args:
        record: begun or ended.
        runs: one of each backend that finished a cell: what the cells share is read there.
    """
    lines = [line for line in record.lines if line.accuracy is not None]
    done = [result for result in record.common()[0] if result.status == "done"]
    several = len({result.cell.base_model for result in record.results}) > 1

    def named(cell: Cell) -> str:
        return _named(cell.name, cell.backend, cell.base_model if several else "")

    top = max(lines, key=lambda line: line.accuracy or 0.0, default=None)

    return filled(
        "benchmark.html",
        record=record,
        counted=_counted(record),
        lines=lines,
        several=several,
        top=top,
        top_name=_named(top.method, top.backend, top.base_model if several else "") if top else "",
        cheap=next((line for line in lines if line.method == TFIDF), None),
        plot=drawn(charts.intervals, list(_points(lines, several=several))),
        done=done,
        named=named,
        missing=missing(record.results, named),
        **shared(record, runs),
    )


def _named(method: str, backend: str, base_model: str) -> str:
    return f"{method} on {backend}{f', {base_model}' if base_model else ''}"


def _counted(record: BenchmarkRecord) -> str:
    cells = [result.cell for result in record.results]
    counts = (
        words.count(len({cell.name for cell in cells}), "method"),
        words.count(len({cell.backend for cell in cells}), "backend"),
        words.count(len({cell.base_model for cell in cells}), "base model"),
        words.count(len({cell.seed for cell in cells}), "seed"),
    )
    return ", ".join(counts)


def _points(lines: Sequence[BenchmarkLine], *, several: bool) -> Iterator[Point]:
    top = max((line.accuracy or 0.0 for line in lines), default=0.0)
    for line in lines:
        model = line.base_model.rsplit("/", 1)[-1] if several else ""
        best = line.accuracy == top
        yield Point(
            name=_named(line.method, line.backend, model),
            accuracy=line.accuracy or 0.0,
            interval=line.accuracy_interval or (0.0, 1.0),
            mark="best" if best else "plain",
            tag="highest" if best else "",
            beside=words.duration(line.seconds),
            reach=line.accuracy_range if len(line.seeds) > 1 else None,
        )
