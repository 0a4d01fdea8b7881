"""How results of many cells look in a table: texts, for the screen and for Markdown."""

from __future__ import annotations

from tunesmith.cells import CellResult
from tunesmith.prices import Cost

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
