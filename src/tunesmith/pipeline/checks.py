"""Checks an experiment against the capabilities of a backend, before anything is paid for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from tunesmith.audit import Audit, Overlaps, Reader, audit_data
from tunesmith.backend import Backend, Capabilities, TuningJob
from tunesmith.dataset import ExperimentData
from tunesmith.errors import DatasetError, ExperimentError, RunError, UnsupportedError, near_misses
from tunesmith.evaluation.readings import chosen_reading
from tunesmith.labels import LabelSet
from tunesmith.methods import Method
from tunesmith.pipeline.answerable import LeftOut, check_readings
from tunesmith.pipeline.prompts import hard_prompt
from tunesmith.records import BaseInput, BaseModelInfo, Reading, Row
from tunesmith.runs.run import RunDirectory
from tunesmith.spec import GenerationParams, TuningSpec


@dataclass(frozen=True, slots=True)
class Checked:
    """The results of a check that later stages use."""

    info: BaseModelInfo
    prepared: object | None
    """The return value of ``Tuner.check``, for ``Tuner.submit``."""
    answer: Reading
    """The reading on which the verdict is based."""
    left_out: LeftOut
    """The reading in which a label cannot be the answer."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The rows of an experiment, with the part of their audit that needs no model."""

    data: ExperimentData
    overlaps: Overlaps


def check_experiment(
    spec: TuningSpec,
    backend: Backend,
    data: ExperimentData,
    answer: Reading | None = None,
    base_input: BaseInput = "same",
) -> Checked:
    """Refuse settings that cannot work, and an ``answer`` (a reading) that is not possible.

    ``base_input`` is what the untuned model reads beside a tuned one.

    Raises:
        UnsupportedError: the method, a hyper-parameter, its value, a generation parameter or a
            validation set is not declared by the backend.
        ExperimentError: the settings contradict each other or cannot work with the base model.
        NotFoundError: the backend has no such base model.
    """
    train, held_out = data.train.rows, data.validation.rows if data.validation else None
    info = _check_declared(spec, backend, train, held_out)
    capabilities = backend.capabilities(spec.base_model)
    chosen = chosen_reading(answer, spec.method, capabilities, backend.name)
    prepared = backend.tuner.check(spec, train, held_out) if spec.method.tunes else None
    asked = [row.input for row in (*(data.test or data.train).rows, *(held_out or ()))]
    left_out = check_readings(spec, backend, asked, train, chosen, base_input)
    return Checked(info, prepared, chosen, left_out)


def check_submission(
    spec: TuningSpec,
    backend: Backend,
    train: Sequence[Row],
    validation: Sequence[Row] | None = None,
) -> None:
    """Check a submission against the capabilities of the backend; ``submit`` calls this first.

    Raises:
        UnsupportedError: as :func:`check_experiment`, and for a method that tunes nothing.
        ExperimentError: the settings contradict each other.
        NotFoundError: the backend has no such base model.
    """
    if not spec.method.tunes:
        raise UnsupportedError(f"method {spec.method.name!r} tunes nothing; run it instead")
    _check_declared(spec, backend, train, validation)


def check_rows(labels: LabelSet, train: Sequence[Row], validation: Sequence[Row] = ()) -> None:
    """Refuse a submission without training rows, and a row without a label of ``labels``.

    Raises:
        DatasetError: names the output.
    """
    if not train:
        raise DatasetError("there are no training rows")
    for row in (*train, *validation):
        if row.output not in labels:
            raise DatasetError(
                f"training rows: the output {row.output!r} is not one of the labels "
                f"{', '.join(map(repr, labels))}"
            )


def submit(
    spec: TuningSpec, backend: Backend, data: ExperimentData, prepared: object | None
) -> TuningJob:
    """Submit ``spec``, with the preparation of its check if there is one.

    Raises:
        TunesmithError: as ``Tuner.submit``.
    """
    held_out = data.validation.rows if data.validation else None
    # A tuner that prepares nothing may lack the parameter.
    more = {} if prepared is None else {"prepared": prepared}
    return backend.tuner.submit(spec, data.train.rows, held_out, **more)


def check_generation(params: GenerationParams, backend: str, capabilities: Capabilities) -> None:
    """Refuse generation parameters that the backend does not declare.

    Raises:
        UnsupportedError: names the first of them.
    """
    for field in sorted(params.asked()):
        if field not in capabilities.generation_parameters:
            raise UnsupportedError(
                f"generation.{field}: backend {backend!r} does not honor it; leave it out"
            )


def _check_declared(
    spec: TuningSpec, backend: Backend, train: Sequence[Row], validation: Sequence[Row] | None
) -> BaseModelInfo:
    info = backend.base_model(spec.base_model)
    capabilities = backend.capabilities(spec.base_model)
    _check_method(spec, backend.name, capabilities)
    check_generation(spec.generation, backend.name, capabilities)
    if spec.method.tunes:
        _check_hyperparameters(spec.method, backend.name, capabilities)
        _check_rows(backend.name, capabilities, len(train), validation is not None)
        patience = getattr(spec.method, "early_stopping_patience", None)
        if patience is not None and validation is None:
            raise ExperimentError(
                "method.early_stopping_patience needs validation rows; set data.validation, "
                "e.g. 0.15"
            )
    return info


def offers(capabilities: Capabilities, method: Method) -> bool:
    """Return whether a backend can run ``method``, with some settings."""
    return method.name in capabilities.methods if method.tunes else answers_untuned(capabilities)


def answers_untuned(capabilities: Capabilities) -> bool:
    """Return whether the untuned model answers, with a text or with a decision alone."""
    return capabilities.base_inference or capabilities.base_label_scores


def _check_method(spec: TuningSpec, backend: str, capabilities: Capabilities) -> None:
    name = spec.method.name
    if not spec.method.tunes:
        if not answers_untuned(capabilities):
            raise UnsupportedError(
                f"method {name!r} prompts a base model, and backend {backend!r} has none that "
                "answers; take another backend"
            )
    elif not capabilities.methods and capabilities.why_no_methods:
        raise UnsupportedError(capabilities.why_no_methods)
    elif name not in capabilities.methods:
        raise UnsupportedError(
            f"backend {backend!r} does not offer the method {name!r} with "
            f"{spec.base_model!r}; it offers: {', '.join(capabilities.methods) or 'none'}. "
            f"Choose one with --set method.name=NAME.{near_misses(name, capabilities.methods)}"
        )
    if getattr(spec.method, "chat", False) is True and not capabilities.chat:
        raise UnsupportedError(
            f"method.chat: {spec.base_model!r} has no chat template on backend {backend!r}; "
            "set chat: false, or auto, which takes one if there is one"
        )


def _check_hyperparameters(method: Method, backend: str, capabilities: Capabilities) -> None:
    for field in sorted(method.model_fields_set - {"chat"}):
        value, allowed = getattr(method, field), capabilities.hyperparameters.get(field)
        if allowed is None:
            raise UnsupportedError(
                f"method.{field}: backend {backend!r} does not let it be set; leave it out"
            )
        if field in method.auto_settings:
            if field in capabilities.auto_settings:
                continue
            raise UnsupportedError(
                f"method.{field}: 'auto': backend {backend!r} cannot choose it with this base "
                f"model; set a value ({allowed}), or leave it out for the default of the method"
            )
        if not allowed.accepts(value):
            raise UnsupportedError(
                f"method.{field}: {value!r} is out of range on backend {backend!r}; "
                f"allowed: {allowed}"
            )


def _check_rows(backend: str, capabilities: Capabilities, rows: int, validates: bool) -> None:
    limit = capabilities.max_training_rows
    if limit is not None and rows > limit:
        raise UnsupportedError(
            f"data.train: {rows} rows; backend {backend!r} takes at most {limit}. Give it a file "
            "of fewer rows, or take another backend"
        )
    if validates and not capabilities.validation:
        raise UnsupportedError(
            f"data.validation: backend {backend!r} takes no validation set; leave it out: "
            "--set data.validation=null"
        )


def audit_experiment(
    spec: TuningSpec,
    backend: Backend,
    data: ExperimentData,
    *,
    overlaps: Overlaps | None = None,
    ask_service: bool = False,
) -> Audit:
    """Audit the training and test rows of ``spec``; the backend counts tokens, if it can.

    Args:
        spec: gives the labels, the template and the limit of tokens.
        backend: with the base model.
        data: the rows of the spec.
        overlaps: those of the rows, if they have been found already.
        ask_service: count tokens on a remote backend too, which takes a request for each row.
    """
    capabilities = backend.capabilities(spec.base_model)
    reader = None
    if capabilities.tokenize and (ask_service or not capabilities.remote):
        reader = Reader(
            tokenize=partial(backend.predictor.tokenize, spec.base_model),
            template=hard_prompt(spec, data.train.rows),
            limit=getattr(spec.method, "max_input_tokens", None),
        )
    return audit_data(
        data.training_file, data.test, labels=spec.labels, reader=reader, overlaps=overlaps
    )


def refuse_changed_data(run: RunDirectory, data: ExperimentData) -> None:
    """Refuse to resume ``run`` with other rows than those that it started with.

    Raises:
        RunError: names the part that differs.
    """
    parts = data.parts()
    for name, recorded in run.record.data.items():
        part = parts.get(name)
        if part is None or part.fingerprint != recorded.fingerprint:
            raise RunError(
                f"{recorded.source}: the {name} data differ from those that the run started with "
                f"({recorded.rows} rows then, {len(part) if part else 0} now); restore the file, "
                "or start a new run with: tunesmith run"
            )


def forget_lost_job(run: RunDirectory, backend: Backend) -> None:
    """Forget a tuning that ``backend`` cannot resume, unless it was paid for."""
    # A tuning that cannot be resumed and cost no money is started again.
    can = backend.capabilities(run.record.base_model)
    if run.record.job_id and run.record.model is None and not can.resumable and not can.costs_money:
        run.update(job_id=None)
        run.note(f"backend {backend.name!r} cannot resume a tuning: it was started again")
