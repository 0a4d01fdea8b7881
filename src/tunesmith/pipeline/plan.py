"""The plan of a run, made before anything is tuned or paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tunesmith.audit import TokenCounts, token_counts
from tunesmith.dataset import ExperimentData
from tunesmith.methods import render
from tunesmith.pipeline.checks import audit_experiment, check_experiment
from tunesmith.pipeline.label_uses import label_uses, unlikely
from tunesmith.pipeline.prompts import hard_prompt
from tunesmith.records import LabelTokens, Reading, Record

if TYPE_CHECKING:
    from tunesmith.backend import Backend, Capabilities
    from tunesmith.spec import TuningSpec


class PartPlan(Record):
    """One part of the data."""

    source: str
    rows: int
    input_tokens: TokenCounts | None
    """None if the backend does not tokenize."""


class Plan(Record):
    """The plan of a run."""

    name: str
    backend: str
    base_model: str
    stand_in: str | None
    method: str
    seed: int
    data: dict[str, PartPlan]
    """``train``, ``test`` and, if there is one, ``validation``."""
    labels: dict[str, LabelTokens] = Field(default_factory=dict)
    """The tokens of each label for the untuned model; empty if it has no label scores."""
    optimizer_steps: int | None
    cost: float | None
    """Money: 0 on a free backend; otherwise None, because no service quotes a price in advance."""
    notes: tuple[str, ...]


def make_plan(
    spec: TuningSpec, backend: Backend, data: ExperimentData, answer: Reading | None = None
) -> Plan:
    """Make all checks of a run and count tokens and steps. Nothing is tuned.

    Raises:
        ExperimentError: the settings contradict each other.
        UnsupportedError: the backend does not offer what is asked for.
    """
    info = check_experiment(spec, backend, data, answer).info
    capabilities = backend.capabilities(spec.base_model)
    steps = spec.method.optimizer_steps(len(data.train))
    found = audit_experiment(spec, backend, data)
    uses = label_uses(spec, backend, data.train.rows)
    return Plan(
        name=spec.name,
        backend=backend.name,
        base_model=spec.base_model,
        stand_in=info.stand_in,
        method=spec.method.name,
        seed=spec.seed,
        data=_parts(spec, backend, data, capabilities),
        labels=uses,
        optimizer_steps=steps,
        cost=None if capabilities.costs_money else 0.0,
        notes=(
            *found.notes,
            *_notes(spec, info.stand_in, capabilities, steps),
            *unlikely(uses),
        ),
    )


def _parts(
    spec: TuningSpec, backend: Backend, data: ExperimentData, capabilities: Capabilities
) -> dict[str, PartPlan]:
    template = hard_prompt(spec.method, data.train.rows, spec.labels, spec.seed)
    limit = getattr(spec.method, "max_input_tokens", None)
    parts = {}
    for name, part in data.parts().items():
        counts = None
        if capabilities.tokenize:
            texts = [render(template, text) for text in part.inputs]
            tokens = backend.predictor.tokenize(spec.base_model, texts)
            counts = token_counts([len(spelled) for spelled in tokens], limit)
        parts[name] = PartPlan(source=part.source, rows=len(part), input_tokens=counts)
    return parts


def _notes(
    spec: TuningSpec, stand_in: str | None, capabilities: Capabilities, steps: int | None
) -> list[str]:
    notes = []
    if steps is not None:
        notes.append(f"{steps} optimizer steps in all")
    if not spec.method.tunes:
        notes.append("nothing is tuned: the method prompts the base model")
    if stand_in:
        notes.append(f"{stand_in} stands in for {spec.base_model}")
    if not capabilities.seeded:
        notes.append("the backend does not honor the seed; it drives the split of the data only")
    if not capabilities.base_inference:
        notes.append("the backend has no untuned model that generates: no base row")
    return notes
