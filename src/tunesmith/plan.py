"""What a run would do, before anything is tuned or paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tunesmith.audit import TokenCounts, token_counts
from tunesmith.checks import check_experiment
from tunesmith.data_spec import ExperimentData, load_data
from tunesmith.experiment_audit import audit_experiment
from tunesmith.label_uses import label_uses, unlikely
from tunesmith.methods import render
from tunesmith.prompts import hard_prompt
from tunesmith.records import LabelTokens, Record

if TYPE_CHECKING:
    from tunesmith.backend import Backend, Capabilities
    from tunesmith.experiment import Experiment


class PartPlan(Record):
    """One part of the data."""

    source: str
    rows: int
    input_tokens: TokenCounts | None
    """None where the backend does not tokenize without tuning."""


class Plan(Record):
    """What a run would do."""

    name: str
    backend: str
    base_model: str
    stand_in: str | None
    method: str
    seed: int
    data: dict[str, PartPlan]
    """``train``, ``test`` and, where there is one, ``validation``."""
    labels: dict[str, LabelTokens] = Field(default_factory=dict)
    """How the untuned model would write each label; empty if it has no label scores."""
    optimizer_steps: int | None
    cost: float | None
    """Money: 0 on a backend that costs none, else None: no service tells it beforehand."""
    notes: tuple[str, ...]


def make_plan(experiment: Experiment, backend: Backend) -> Plan:
    """Load and check everything as a run does, count, and stop there.

    Raises:
        DatasetError: a data file or a row is wrong.
        ExperimentError: the experiment contradicts itself or names no test file.
        UnsupportedError: the backend does not offer what is asked for.
    """
    data = load_data(experiment.data, experiment.labels, experiment.seed)
    info = check_experiment(experiment, backend, data)
    capabilities = backend.capabilities(experiment.base_model)
    steps = experiment.method.optimizer_steps(len(data.train))
    found = audit_experiment(experiment, backend, data)
    uses = label_uses(experiment, backend, data.train.rows)
    return Plan(
        name=experiment.name,
        backend=backend.name,
        base_model=experiment.base_model,
        stand_in=info.stand_in,
        method=experiment.method.name,
        seed=experiment.seed,
        data=_parts(experiment, backend, data, capabilities),
        labels=uses,
        optimizer_steps=steps,
        cost=None if capabilities.costs_money else 0.0,
        notes=(
            *found.notes,
            *_notes(experiment, info.stand_in, capabilities, steps),
            *unlikely(uses),
        ),
    )


def _parts(
    experiment: Experiment, backend: Backend, data: ExperimentData, capabilities: Capabilities
) -> dict[str, PartPlan]:
    template = hard_prompt(experiment.method, data.train.rows, experiment.labels, experiment.seed)
    limit = getattr(experiment.method, "max_input_tokens", None)
    parts = {}
    for name, part in data.parts().items():
        counts = None
        if capabilities.tokenize:
            texts = [render(template, text) for text in part.inputs]
            tokens = backend.predictor.tokenize(experiment.base_model, texts)
            counts = token_counts([len(spelled) for spelled in tokens], limit)
        parts[name] = PartPlan(source=part.source, rows=len(part), input_tokens=counts)
    return parts


def _notes(
    experiment: Experiment, stand_in: str | None, capabilities: Capabilities, steps: int | None
) -> list[str]:
    notes = []
    if steps is not None:
        notes.append(f"{steps} optimizer steps in all")
    if not experiment.method.tunes:
        notes.append("nothing is tuned: the method prompts the base model")
    if stand_in:
        notes.append(f"{stand_in} stands in for {experiment.base_model}")
    if not capabilities.seeded:
        notes.append("the backend does not honor the seed; it drives the split of the data only")
    if not capabilities.base_inference:
        notes.append("the backend has no untuned model that generates: no base row")
    return notes
