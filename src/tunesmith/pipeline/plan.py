"""The plan of a run, made before anything is tuned or paid for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from pydantic import Field

from tunesmith.audit import Reader, TokenCounts, token_counts
from tunesmith.backend import Backend, Capabilities
from tunesmith.dataset import ExperimentData, stratified_sample
from tunesmith.methods import PromptTuning, render
from tunesmith.pipeline import answerable
from tunesmith.pipeline.checks import answers_untuned, audit_experiment, check_experiment
from tunesmith.pipeline.prompts import full_template, hard_prompt
from tunesmith.records import BaseInput, LabelTokens, Reading, Record, Row
from tunesmith.spec import TuningSpec

ROWS = 16
"""Training rows over whose prompts the probabilities are averaged."""
UNLIKELY = 0.01
"""Below this share of all continuations, the labels do not fit the model."""


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
    spec: TuningSpec,
    backend: Backend,
    data: ExperimentData,
    answer: Reading | None = None,
    base_input: BaseInput = "same",
) -> Plan:
    """Make all checks of a run and count tokens and steps. Nothing is tuned.

    ``answer`` and ``base_input`` are as in :func:`check_experiment`.

    Raises:
        ExperimentError: the settings contradict each other.
        UnsupportedError: the backend does not offer what is asked for.
    """
    checked = check_experiment(spec, backend, data, answer, base_input)
    capabilities = backend.capabilities(spec.base_model)
    steps = spec.method.optimizer_steps(len(data.train))
    found = audit_experiment(spec, backend, data)
    decides = "decision" not in checked.left_out
    uses = label_uses(spec, backend, data.train.rows) if decides else {}
    return Plan(
        name=spec.name,
        backend=backend.name,
        base_model=spec.base_model,
        stand_in=checked.info.stand_in,
        method=spec.method.name,
        seed=spec.seed,
        data=_parts(spec, backend, data),
        labels=uses,
        optimizer_steps=steps,
        cost=None if capabilities.costs_money else 0.0,
        notes=(
            *data.notes,
            *found.notes,
            *answerable.notes(checked.left_out),
            *_notes(spec, checked.info.stand_in, capabilities, steps, len(data.train), uses),
        ),
    )


def _parts(spec: TuningSpec, backend: Backend, data: ExperimentData) -> dict[str, PartPlan]:
    reader = Reader(
        partial(backend.predictor.tokenize, spec.base_model),
        template=hard_prompt(spec, data.train.rows),
        limit=getattr(spec.method, "max_input_tokens", None),
    )
    parts = {}
    for name, part in data.parts().items():
        counts = None
        if backend.capabilities(spec.base_model).tokenize:
            counts = token_counts(reader.lengths(part.inputs), reader.limit)
        parts[name] = PartPlan(source=part.source, rows=len(part), input_tokens=counts)
    return parts


def _notes(
    spec: TuningSpec,
    stand_in: str | None,
    capabilities: Capabilities,
    steps: int | None,
    rows: int,
    uses: Mapping[str, LabelTokens],
) -> list[str]:
    notes = []
    if steps is not None:
        notes.append(f"{steps} optimizer steps in all")
    notes += _auto_settings(spec, rows)
    if not spec.method.tunes:
        notes.append("nothing is tuned: the method prompts the base model")
    if stand_in:
        notes.append(f"{stand_in} stands in for {spec.base_model}")
    if capabilities.remote and (why := _unmeasured(capabilities)):
        notes.append(f"the prompts were not compared with the positions of the model: {why}")
    if not capabilities.seeded:
        notes.append("the backend does not honor the seed; it drives the split of the data only")
    if not answers_untuned(capabilities):
        notes.append("the backend has no untuned model that answers: no base row")
    mass = sum(use.mass for use in uses.values())
    if uses and mass < UNLIKELY:
        notes.append(
            f"the untuned model would write one of the labels in {mass:.2%} of all continuations: "
            "other label words, or another end of the template, may suit it better; "
            "'tunesmith init' compares some"
        )
    return notes


def _unmeasured(capabilities: Capabilities) -> str:
    if not capabilities.tokenize:
        return "the service counts no tokens"
    return "" if capabilities.max_sequence_length else "the service tells no limit"


def label_uses(spec: TuningSpec, backend: Backend, train: Sequence[Row]) -> dict[str, LabelTokens]:
    """Return the tokens and the mean probability of each label after a few training rows.

    Empty if the base model has no label scores here, or if every row would cost a request.

    Raises:
        ExperimentError: the base model cannot write a label.
    """
    capabilities = backend.capabilities(spec.base_model)
    scores = capabilities.base_label_scores and not capabilities.remote
    template = full_template(spec, backend, train) if scores else None
    if template is None:
        return {}
    rows = stratified_sample(train, ROWS, spec.seed)
    prompts = [render(template, row.input) for row in rows]
    texts = [spec.labels.surface(name) for name in spec.labels]
    found = backend.predictor.label_tokens(spec.base_model, prompts, texts)
    return {name: found[text] for name, text in zip(spec.labels, texts, strict=True)}


def _auto_settings(spec: TuningSpec, rows: int) -> Iterator[str]:
    method = spec.method
    if not isinstance(method, PromptTuning):
        return
    for name in method.auto_settings:
        if name == "learning_rate":
            yield (
                "learning_rate: auto: before the tuning, a search on training rows, of at most "
                f"{method.search_budget:g} epochs over {rows} rows for all candidates together"
            )
        else:
            yield f"{name}: auto: the backend chooses it before the tuning"
