"""The table, the Markdown and the page of a ladder or a benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import starmap
from typing import Any, NamedTuple

from tunesmith.evaluation.metrics import Evaluation
from tunesmith.plugins import development_models, method_entry
from tunesmith.records import Reading
from tunesmith.report import charts
from tunesmith.report import formatting as words
from tunesmith.report.charts import Point
from tunesmith.report.html import drawn, filled
from tunesmith.report.sections import data_sections
from tunesmith.report.verdict import development_words
from tunesmith.runs.record import RunRecord
from tunesmith.sweep.costs import Cost
from tunesmith.sweep.records import (
    AnySweep,
    BenchmarkLine,
    BenchmarkRecord,
    LadderRecord,
    StepComparison,
    Trial,
    TrialResult,
    in_common,
    lines_of,
)

HEADERS = {
    LadderRecord.kind: (
        "step", "backend", "accuracy", "95 % interval", "time", "cost", "p50 a row", "p99",
        "against the best",
    ),
    BenchmarkRecord.kind: (
        "method", "backend", "base model", "seeds", "accuracy", "range", "95 % interval",
        "unparsable", "time", "cost", "p50 a row", "p90", "p99",
    ),
}  # fmt: skip
INTERVAL_NOTE = (
    "the interval is Wilson's for one run of the mean accuracy, and is about the test rows; the "
    "range is over the seeds. Time and cost are means over the runs"
)
READ_AS: dict[Reading | None, tuple[str, ...]] = {
    None: (),
    "decision": ("an answer is the most probable label (answer: decision)",),
    "text": ("an answer is the label that the model wrote (answer: text)",),
}
"""A sentence on the reading of answers in a table; none if nothing is done."""
_WAITING = "not run: it was left out, or it is still waiting"
_COUNTED = {"name": "method", "backend": "backend", "base_model": "base model", "seed": "seed"}

Table = tuple[Sequence[str], list[Sequence[str]]]


def table(record: AnySweep) -> Table:
    """Return headers and rows, as texts."""
    lines = record.lines if isinstance(record, BenchmarkRecord) else lines_of(record.results)
    against: dict[str, str] = {}
    if isinstance(record, LadderRecord) and record.verdict:
        against = {one.step: one.line for one in record.verdict.comparisons}
        against[record.verdict.best] = "the best"
    rows = [{**_texts(line), "against the best": against.get(line.method, "")} for line in lines]
    headers = HEADERS[record.kind]
    return headers, [[row.get(header, "") for header in headers] for row in rows]


def remarks(record: AnySweep) -> list[str]:
    """Return the lines below the table: the verdict, the trials without result, and notes."""
    verdict, general = [], [INTERVAL_NOTE]
    if isinstance(record, LadderRecord):
        found, general = record.verdict, []
        verdict = [found.sentence, found.caution] if found else []
        if record.stopped_at:
            verdict.append(
                f"stopped after {record.stopped_at}: its interval is at or above "
                f"{record.stop_at:g}; more expensive steps were not tried"
            )
    general += (*READ_AS[in_common(record.results)[1]], *_notes(record, _where))
    ended = [r for r in record.results if r.status in ("failed", "skipped")]
    reasons = _missing(ended, lambda trial: f"{_where(trial)}, {trial.base_model}")
    missing = (f"{'; '.join(names)} {reason}" for reason, names in reasons.items())
    return [*verdict, *missing, *(f"note: {n}" for n in general)]


def _where(trial: Trial) -> str:
    return f"{trial.name} on {trial.backend}"


def markdown(record: AnySweep) -> str:
    """Return the table and the remarks as Markdown."""
    headers, rows = table(record)
    lines = [headers, ["---"] * len(headers), *rows]
    grid = [f"| {' | '.join(text.replace('|', '/') for text in line)} |" for line in lines]
    below = [f"- {' '.join(text.split())}" for text in remarks(record)]
    return "\n".join([f"# {record.name}", "", *grid, "", *below]).rstrip() + "\n"


def render(record: AnySweep, runs: Sequence[RunRecord] = ()) -> str:
    """Return the page of a sweep; the same arguments give the same text.

    ``runs`` are one of each backend that finished a trial, in the order of the trials; their audit
    and versions are those of all trials.
    """
    # A backend with a tokenizer audits more than one without; it comes after the classifiers.
    run = runs[-1] if runs else None
    shown = run.audit.notes if run and run.audit else ()
    own = _ladder(record) if isinstance(record, LadderRecord) else _benchmark(record)
    return filled(
        f"{record.kind}.html",
        record=record,
        warnings=list(_warnings(record, run)),
        shared=data_sections(run.data, run.audit) if run else (),
        base_models=_distinct(record, "base_model"),
        reading=READ_AS[in_common(record.results)[1]],
        missing=_missing(record.results, own["named"]),
        notes=[note for note in _notes(record, lambda trial: trial.name) if note not in shown],
        provenance=_provenance(record, runs),
        cost_text=_cost,
        **own,
    )


def _texts(line: BenchmarkLine) -> dict[str, str]:
    """Return the texts of ``line`` in the table, by header."""
    texts = {
        "step": line.method,
        "method": line.method,
        "backend": line.backend + " (emulated)" * line.emulated,
        "base model": line.base_model + (f" ({line.stand_in} stands in)" if line.stand_in else ""),
        "seeds": f"{len(line.seeds)}/{line.planned}",
        "accuracy": line.status,
    }
    if line.accuracy is None:
        return texts
    took = line.latency
    return texts | {
        "accuracy": f"{line.accuracy:.3f}",
        "range": _span(line.accuracy_range),
        "95 % interval": _span(line.accuracy_interval),
        "unparsable": f"{line.unparsable or 0:.1%}",
        "time": words.latency(line.seconds or 0),
        "cost": _cost(line.cost),
        "p50 a row": words.latency(took.p50) if took else "-",
        "p90": words.latency(took.p90) if took else "-",
        "p99": words.latency(took.p99) if took else "-",
    }


def _span(bounds: Sequence[float] | None) -> str:
    return " to ".join(f"{value:.3f}" for value in bounds or ())


def _cost(cost: Cost | None) -> str:
    if cost is None or cost.amount is None:
        return "unknown"  # which is not 0
    return f"{cost.amount:.4g} {cost.currency}".rstrip()


class Step(NamedTuple):
    """A line of the ladder's table."""

    result: TrialResult
    evaluation: Evaluation
    tags: tuple[str, ...]
    """``recommended``, ``best``, both or none."""
    against: StepComparison | None
    """The comparison of the best step with this one."""


def _ladder(record: LadderRecord) -> dict[str, Any]:
    steps = list(_steps(record))
    constant = (s.evaluation.accuracy for s in steps if s.result.trial.constant)
    plot = partial(charts.intervals, majority=next(constant, None))
    points = [_step_point(step) for step in steps]
    return {"named": lambda trial: trial.name, "steps": steps, "plot": drawn(plot, points)}


def _steps(record: LadderRecord) -> Iterator[Step]:
    verdict = record.verdict
    tagged = {"recommended": verdict.recommended, "best": verdict.best} if verdict else {}
    against = {one.step: one for one in verdict.comparisons} if verdict else {}
    for result in in_common(record.results)[0]:
        if result.evaluation is not None:
            name = result.trial.name
            tags = tuple(tag for tag, step in tagged.items() if step == name)
            yield Step(result, result.evaluation, tags, against.get(name))


def _step_point(step: Step) -> Point:
    seconds, cost = words.duration(step.result.total_seconds), _cost(step.result.cost)
    return Point(
        name=step.result.trial.name,
        accuracy=step.evaluation.accuracy,
        interval=step.evaluation.accuracy_interval,
        mark=step.tags[0] if step.tags else "plain",
        tag=" and ".join(step.tags),
        # A cost of 0 is in the table and needs no column in the chart.
        beside=seconds if cost == "0" else f"{seconds}, {cost}",
    )


def _benchmark(record: BenchmarkRecord) -> dict[str, Any]:
    lines = [line for line in record.lines if line.accuracy is not None]
    top = max(lines, key=lambda line: line.accuracy or 0.0, default=None)
    several = len(_distinct(record, "base_model")) > 1
    entries = [(line, method_entry(line.method)) for line in lines]
    simple = ((one, e) for one, e in entries if e and e.baseline and e.kind != "constant")
    baseline, entry = next(simple, (None, None))

    def named(method: str, backend: str, base_model: str) -> str:
        return f"{method} on {backend}{f', {base_model}' if several else ''}"

    def point(line: BenchmarkLine) -> Point:
        best = top is not None and line.accuracy == top.accuracy
        return Point(
            name=named(line.method, line.backend, line.base_model.rsplit("/", 1)[-1]),
            accuracy=line.accuracy or 0.0,
            interval=line.accuracy_interval or (0.0, 1.0),
            mark="best" if best else "plain",
            tag="highest" if best else "",
            beside=words.duration(line.seconds),
            reach=line.accuracy_range if len(line.seeds) > 1 else None,
        )

    return {
        "named": lambda trial: named(trial.name, trial.backend, trial.base_model),
        "counts": [(len(_distinct(record, key)), noun) for key, noun in _COUNTED.items()],
        "lines": lines,
        "top": top,
        "top_name": named(top.method, top.backend, top.base_model) if top else "",
        "baseline": baseline,
        "baseline_entry": entry,
        "plot": drawn(charts.intervals, [point(line) for line in lines]),
        "done": [result for result in in_common(record.results)[0] if result.status == "done"],
    }


def _distinct(record: AnySweep, field: str) -> list[Any]:
    return list(dict.fromkeys(getattr(result.trial, field) for result in record.results))


def _missing(results: Sequence[TrialResult], named: Callable[[Trial], str]) -> dict[str, list[str]]:
    """Return why trials were not measured: each reason once, with the trials."""
    found: dict[str, dict[str, list[int]]] = {}
    seeds = {result.trial.seed for result in results}
    for result in results:
        if result.status != "done":
            reason = result.outcome if result.reason else _WAITING
            about = found.setdefault(reason, {}).setdefault(named(result.trial), [])
            about.append(result.trial.seed)

    def said(name: str, kept: Sequence[int]) -> str:
        some = f", seed{'s' * (len(kept) > 1)} {', '.join(map(str, kept))}"
        return name + some * (len(kept) < len(seeds))

    return {reason: list(starmap(said, about.items())) for reason, about in found.items()}


def _warnings(record: AnySweep, run: RunRecord | None) -> Iterator[str]:
    stood_in = {(r.stand_in, r.trial.base_model) for r in record.results if r.stand_in}
    yield from sorted(f"{one} answered in place of {model}." for one, model in stood_in)
    for name in dict.fromkeys(r.trial.backend for r in record.results if r.emulated):
        yield f"The backend {name} was emulated: it has the provider's interface, not its models."
    yield from map(development_words, development_models(*_distinct(record, "base_model")))
    if run and run.audit:
        yield from (f"Data: {note}." for note in run.audit.notes)


def _notes(record: AnySweep, named: Callable[[Trial], str]) -> list[str]:
    """Return each note once: those of the sweep, then others with the trials they are about."""
    about: dict[str, dict[str, None]] = {}
    for result in record.results:
        for note in result.notes:
            if note not in record.notes:
                about.setdefault(note, {})[named(result.trial)] = None
    return [*dict.fromkeys(record.notes), *(f"{', '.join(t)}: {n}" for n, t in about.items())]


def _provenance(record: AnySweep, runs: Sequence[RunRecord]) -> dict[str, Any]:
    seeds = _distinct(record, "seed")
    facts: dict[str, Any] = {
        "seed" if len(seeds) == 1 else "seeds": seeds,
        "started": f"{record.created_at:%Y-%m-%d %H:%M:%S} UTC",
        "ended": f"{record.finished_at:%Y-%m-%d %H:%M:%S} UTC" if record.finished_at else None,
        "status": record.status,
        **words.measured_with([run.provenance for run in runs]),
    }
    for name, ref in record.setup.get("backends", {}).items():
        facts[f"backend {name}"] = {"plugin": ref["name"], **ref["options"]}
    return words.given(facts)
