"""The page of a ladder: what it recommends, the rungs as intervals, then every number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tunesmith.report import charts
from tunesmith.report import formatting as words
from tunesmith.report.charts import Point
from tunesmith.report.html import drawn, filled
from tunesmith.runs.judgment import MAJORITY
from tunesmith.runs.record import RunRecord
from tunesmith.sweep.sweep_page import missing, shared

if TYPE_CHECKING:
    from tunesmith.evaluation.metrics import Evaluation
    from tunesmith.sweep.ladder import LadderRecord
    from tunesmith.sweep.ladder_verdict import LadderVerdict, RungComparison
    from tunesmith.sweep.trial import CellResult


@dataclass(frozen=True)
class Rung:
    """A line of the ladder's table."""

    result: CellResult
    evaluation: Evaluation
    tags: tuple[str, ...]
    """``recommended``, ``best``, both or none."""
    against: RungComparison | None
    """The best rung against this one."""

    @property
    def tag(self) -> str:
        """The tags in words."""
        return " and ".join(self.tags)

    @property
    def cost(self) -> str:
        """What it cost, in words."""
        cost = self.result.cost
        return words.cost(cost.amount, cost.currency) if cost else "unknown"


def render_ladder(record: LadderRecord, runs: Sequence[RunRecord] = ()) -> str:
    """Return the page of a ladder; the same arguments give the same text.

    Args:
        record: begun or ended.
        runs: one of each backend that finished a rung: what the rungs share is read there.
    """
    results, _ = record.common()
    rungs = [
        _rung(result, result.evaluation, record.verdict)
        for result in results
        if result.evaluation is not None
    ]
    chosen = [rung for rung in rungs if rung.tags]
    majority = (r.evaluation.accuracy for r in rungs if r.result.cell.name == MAJORITY)
    plot = partial(charts.intervals, majority=next(majority, None))
    lead, why = _said(record)
    return filled(
        "ladder.html",
        record=record,
        lead=lead,
        why=why,
        good=record.verdict is not None and record.verdict.settled,
        rungs=rungs,
        chosen=chosen,
        plot=drawn(plot, [_point(rung) for rung in rungs]),
        seconds=sum(rung.result.total_seconds for rung in rungs),
        missing=missing(record.results, lambda cell: cell.name),
        **shared(record, runs),
    )


def _said(record: LadderRecord) -> tuple[str, str]:
    if record.verdict:
        return f"{record.verdict.lead}.", f"{record.verdict.why}."
    done = sum(r.status == "done" for r in record.results)
    return "No verdict yet.", f"{done} of {words.count(len(record.results), 'rung')} are done."


def _rung(result: CellResult, evaluation: Evaluation, verdict: LadderVerdict | None) -> Rung:
    name = result.cell.name
    if verdict is None:
        return Rung(result, evaluation, (), None)
    places = {"recommended": verdict.recommended, "best": verdict.best}
    against = next((one for one in verdict.comparisons if one.rung == name), None)
    return Rung(result, evaluation, tuple(t for t, rung in places.items() if rung == name), against)


def _point(rung: Rung) -> Point:
    seconds = words.duration(rung.result.total_seconds)
    return Point(
        name=rung.result.cell.name,
        accuracy=rung.evaluation.accuracy,
        interval=rung.evaluation.accuracy_interval,
        mark=rung.tags[0] if rung.tags else "plain",
        tag=rung.tag,
        # What costs nothing needs no column to say so; the table says it.
        beside=seconds if rung.cost == "0" else f"{seconds}, {rung.cost}",
    )
