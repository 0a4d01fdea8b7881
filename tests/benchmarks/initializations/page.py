"""The tables of a screening, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import mean

from tunesmith.evaluation.comparison import format_p

from . import comparing
from .comparing import Comparison, Difference, Results
from .results import Result
from .rows import TRAIN, VALIDATION, Task
from .settings import SEEDS, Settings
from .starts import NEW, OLD


def text(settings: Settings, tasks: Sequence[Task], found: Results) -> str:
    """Return the tables of all finished tunings of a model."""
    planned = len(tasks) * len(SEEDS) * len((*OLD, *NEW))
    lines = [
        f"{settings.model}: {TRAIN} training rows, {VALIDATION} validation rows, "
        f"{settings.tokens} virtual tokens, learning rate {settings.rate:g}, {settings.epochs} "
        f"epochs, batches of {settings.batch}; {len(found)} of {planned} tunings.",
    ]
    for task in tasks:
        lines += ["", *_data_set(task, found)] if _begun(task, found) else []
    titles = {task.data.name: task.data.title for task in tasks if _begun(task, found)}
    old = comparing.best_of_today(found, list(titles)) if titles else None
    if old is not None:
        made = comparing.compare(found, list(titles), old)
        lines += ["", *_compared(made, old, titles)]
        lines += ["", *_verdicts(made, whole=len(titles) == len(tasks))]
    return "\n".join(lines) + "\n"


def _begun(task: Task, found: Results) -> bool:
    return any(comparing.of(found, task.data.name, init) for init in OLD)


def _data_set(task: Task, found: Results) -> Iterator[str]:
    yield f"| {task.data.title} | accuracy, by seed | loss, by seed | untuned start | moved |"
    yield "|---|---|---|---|---|"
    for init in (*OLD, *NEW):
        own = comparing.of(found, task.data.name, init)
        if own:
            yield f"| `{init}` | {_cells(own)} |"


def _cells(own: Sequence[Result]) -> str:
    return " | ".join(
        [
            _values([one.accuracy for one in own]),
            _values([one.loss for one in own]),
            f"{mean(one.before[0] for one in own):.3f}",
            f"{mean(one.moved for one in own):.2f}",
        ]
    )


def _values(values: Sequence[float]) -> str:
    return f"**{mean(values):.3f}** ({', '.join(f'{value:.3f}' for value in values)})"


def _compared(made: Sequence[Comparison], old: str, titles: dict[str, str]) -> Iterator[str]:
    yield f"| against `{old}` | seeds | accuracy | 95 % interval | p | loss, by seed |"
    yield "|---|---|---|---|---|---|"
    for one, p in zip(made, comparing.corrected(made), strict=True):
        for name, difference in one.by_data.items():
            yield _difference(f"`{one.new}`, {titles[name]}", difference, format_p(difference.p))
        if one.together:
            title = f"`{one.new}`, all {len(titles)}"
            yield _difference(title, one.together, f"{format_p(p)} (Holm)")


def _difference(title: str, one: Difference, p: str) -> str:
    losses = ", ".join(f"{value:+.3f}" for value in one.losses)
    seeds = ", ".join(map(str, one.seeds))
    low, high = one.interval
    return (
        f"| {title} | {seeds} | {one.points:+.1f} points | {low:+.1f} to {high:+.1f} | {p} | "
        f"{losses} |"
    )


def _verdicts(made: Sequence[Comparison], *, whole: bool) -> Iterator[str]:
    for one, p in zip(made, comparing.corrected(made), strict=True):
        seeds = one.together.seeds if one.together else ()
        if whole and seeds == SEEDS:
            yield f"- `{one.new}` {'wins' if one.wins(p) else 'does not win'}."
        else:
            yield f"- `{one.new}`: not finished."
