"""Holds an experiment against what the backend declares, before anything is paid for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunesmith.backend import Capabilities, GenerationParams
from tunesmith.data_spec import ExperimentData
from tunesmith.errors import ExperimentError, UnsupportedError, near_misses
from tunesmith.methods import render
from tunesmith.prompts import full_template
from tunesmith.readings import chosen_reading
from tunesmith.records import BaseModelInfo, Row

if TYPE_CHECKING:
    from tunesmith.backend import Backend
    from tunesmith.experiment import Experiment


def check_experiment(
    experiment: Experiment, backend: Backend, data: ExperimentData
) -> BaseModelInfo:
    """Return what serves as the base model, or refuse whatever is known not to work.

    Raises:
        UnsupportedError: the method, a hyper-parameter, its value, a generation parameter or a
            validation set is not declared by the backend.
        ExperimentError: the settings contradict each other or cannot work with the base model.
        NotFoundError: the backend has no such base model.
    """
    held_out = data.validation.rows if data.validation else None
    info = _check_declared(experiment, backend, data.train.rows, held_out)
    capabilities = backend.capabilities(experiment.base_model)
    chosen_reading(experiment.answer, experiment.method, capabilities, backend.name)
    if experiment.method.tunes:
        backend.tuner.check(experiment, data.train.rows, held_out)
    else:
        _check_labels(experiment, backend, data.train.rows)
    return info


def _check_labels(experiment: Experiment, backend: Backend, train: Sequence[Row]) -> None:
    template = full_template(experiment, backend, train)
    if template is not None:
        labels = [experiment.labels.surface(name) for name in experiment.labels]
        prompts = [render(template, row.input) for row in train]
        params = experiment.generation
        backend.predictor.check_labels(experiment.base_model, prompts, labels, params)


def check_submission(
    experiment: Experiment,
    backend: Backend,
    train: Sequence[Row],
    validation: Sequence[Row] | None = None,
) -> None:
    """Hold a submission against what the backend declares; the first thing ``submit`` does.

    Raises:
        UnsupportedError: as :func:`check_experiment`, and for a method that tunes nothing.
        ExperimentError: the settings contradict each other.
        NotFoundError: the backend has no such base model.
    """
    if not experiment.method.tunes:
        raise UnsupportedError(f"method {experiment.method.name!r} tunes nothing; run it instead")
    _check_declared(experiment, backend, train, validation)


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
    experiment: Experiment,
    backend: Backend,
    train: Sequence[Row],
    validation: Sequence[Row] | None,
) -> BaseModelInfo:
    info = backend.base_model(experiment.base_model)
    capabilities = backend.capabilities(experiment.base_model)
    _check_method(experiment, backend.name, capabilities)
    _check_chat(experiment, backend.name, capabilities)
    check_generation(experiment.generation, backend.name, capabilities)
    if experiment.method.tunes:
        _check_hyperparameters(experiment, backend.name, capabilities)
        _check_rows(experiment, backend.name, capabilities, train, validation)
    return info


def _check_method(experiment: Experiment, backend: str, capabilities: Capabilities) -> None:
    name = experiment.method.name
    if not experiment.method.tunes:
        if not capabilities.base_inference:
            raise UnsupportedError(
                f"method {name!r} prompts a base model, and backend {backend!r} has none that "
                "generates; take another backend"
            )
    elif not capabilities.methods and capabilities.why_no_methods:
        raise UnsupportedError(capabilities.why_no_methods)
    elif name not in capabilities.methods:
        raise UnsupportedError(
            f"backend {backend!r} does not offer the method {name!r} with "
            f"{experiment.base_model!r}; it offers: {', '.join(capabilities.methods) or 'none'}. "
            f"Choose one with --set method.name=NAME.{near_misses(name, capabilities.methods)}"
        )


def _check_chat(experiment: Experiment, backend: str, capabilities: Capabilities) -> None:
    if getattr(experiment.method, "chat", False) is True and not capabilities.chat:
        raise UnsupportedError(
            f"method.chat: {experiment.base_model!r} has no chat template on backend {backend!r}; "
            "set chat: false, or auto, which takes one if there is one"
        )


def _check_hyperparameters(
    experiment: Experiment, backend: str, capabilities: Capabilities
) -> None:
    for field in sorted(experiment.method.model_fields_set - {"chat"}):
        value = getattr(experiment.method, field)
        allowed = capabilities.hyperparameters.get(field)
        if allowed is None:
            raise UnsupportedError(
                f"method.{field}: backend {backend!r} does not let it be set; leave it out"
            )
        if not allowed.accepts(value):
            raise UnsupportedError(
                f"method.{field}: {value!r} is out of range on backend {backend!r}; "
                f"allowed: {allowed}"
            )


def _check_rows(
    experiment: Experiment,
    backend: str,
    capabilities: Capabilities,
    train: Sequence[Row],
    validation: Sequence[Row] | None,
) -> None:
    limit = capabilities.max_training_rows
    if limit is not None and len(train) > limit:
        raise UnsupportedError(
            f"data.train: {len(train)} rows; backend {backend!r} takes at most {limit}"
        )
    if validation is not None and not capabilities.validation:
        raise UnsupportedError(
            f"data.validation: backend {backend!r} takes no validation set; leave it out"
        )
    patience = getattr(experiment.method, "early_stopping_patience", None)
    if patience is not None and validation is None:
        raise ExperimentError(
            "method.early_stopping_patience needs validation rows; set data.validation, e.g. 0.15"
        )
