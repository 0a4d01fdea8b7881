"""What the pages of a ladder and of a benchmark share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tunesmith.report import formatting as words
from tunesmith.report.formatting import measured_with
from tunesmith.report.verdict import development
from tunesmith.runs.record import RunRecord
from tunesmith.sweep.costs import Cost
from tunesmith.sweep.trial import CellResult

if TYPE_CHECKING:
    from tunesmith.sweep.sweep import GridRecord
    from tunesmith.sweep.trial import Cell, CellResult


_WAITING = "not run: it was left out, or its turn has not come"


def shared(record: GridRecord, runs: Sequence[RunRecord]) -> dict[str, Any]:
    """Return what both templates need; ``runs`` has one of each backend, in the order of cells."""
    # A backend with a tokenizer audits more than one without; it stands after the classifiers.
    run = runs[-1] if runs else None
    return {
        "warnings": list(_warnings(record, run)),
        "run": run,
        "audit": run.audit if run else None,
        "base_models": list(dict.fromkeys(r.cell.base_model for r in record.results)),
        "reading": record.reading,
        "notes": _notes(record),
        "provenance": _provenance(record, runs),
    }


def missing(results: Sequence[CellResult], named: Callable[[Cell], str]) -> dict[str, list[str]]:
    """Return why cells were not measured, each reason once, with what it kept away."""
    found: dict[str, dict[str, list[int]]] = {}
    seeds = {result.cell.seed for result in results}
    for result in results:
        if result.status != "done":
            reason = f"{result.status}: {result.reason}" if result.reason else _WAITING
            about = found.setdefault(reason, {}).setdefault(named(result.cell), [])
            about.append(result.cell.seed)
    return {
        reason: [name + _seeds(kept) * (len(kept) < len(seeds)) for name, kept in about.items()]
        for reason, about in found.items()
    }


def _seeds(seeds: Sequence[int]) -> str:
    return f", seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"


def _warnings(record: GridRecord, run: RunRecord | None) -> Iterator[str]:
    yield from sorted(
        {
            f"{r.stand_in} answered in place of {r.cell.base_model}."
            for r in record.results
            if r.stand_in
        }
    )
    for name in dict.fromkeys(r.cell.backend for r in record.results if r.emulated):
        yield (
            f"The backend {name} was emulated: it speaks the provider's interface, not for its "
            "models."
        )
    for base_model in dict.fromkeys(r.cell.base_model for r in record.results):
        yield from development(base_model)
    if run and run.audit:
        yield from (f"Data: {note}." for note in run.audit.notes)


def _notes(record: GridRecord) -> list[str]:
    """Return each note once, with the cells that it is about."""
    about: dict[str, list[str]] = {note: [] for note in record.notes}
    for result in record.results:
        for note in result.notes:
            about.setdefault(note, []).append(result.cell.name)
    return [f"{', '.join(dict.fromkeys(names))}: {n}" if names else n for n, names in about.items()]


def _provenance(record: GridRecord, runs: Sequence[RunRecord]) -> dict[str, Any]:
    seeds = dict.fromkeys(r.cell.seed for r in record.results)
    facts: dict[str, Any] = {
        "seed" if len(seeds) == 1 else "seeds": list(seeds),
        "started": f"{record.created_at:%Y-%m-%d %H:%M:%S} UTC",
        "ended": f"{record.finished_at:%Y-%m-%d %H:%M:%S} UTC" if record.finished_at else None,
        "status": record.status,
        **measured_with([run.provenance for run in runs]),
    }
    for name, place in record.setup.get("backends", {}).items():
        facts[f"backend {name}"] = {"plugin": place["name"], **place["options"]}
    return words.given(facts)


HEADERS = ("accuracy", "95 % interval", "time", "cost", "p50 a row", "p99")


def cells_of(result: CellResult) -> tuple[str, ...]:
    """Return accuracy, interval, time, cost and latency of one cell under ``HEADERS``."""
    if result.evaluation is None:
        return (result.status, *[""] * (len(HEADERS) - 1))
    low, high = result.evaluation.accuracy_interval
    took = result.latency
    return (
        f"{result.evaluation.accuracy:.3f}",
        f"{low:.3f} to {high:.3f}",
        seconds_text(result.total_seconds),
        cost_text(result.cost),
        seconds_text(took.p50) if took else "-",
        seconds_text(took.p99) if took else "-",
    )


def cost_text(cost: Cost | None) -> str:
    """Return an amount with its currency; what is not known is never 0."""
    if cost is None or cost.amount is None:
        return "unknown"
    return f"{cost.amount:.4g} {cost.currency}".rstrip()


def seconds_text(seconds: float) -> str:
    """Return seconds with a unit that suits their size."""
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
