"""The audit of an experiment's data, read as the experiment reads them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tunesmith.audit import Audit, Reader, audit_data
from tunesmith.data_spec import ExperimentData
from tunesmith.prompts import hard_prompt

if TYPE_CHECKING:
    from tunesmith.backend import Backend
    from tunesmith.experiment import Experiment


def audit_experiment(
    experiment: Experiment, backend: Backend, data: ExperimentData, *, ask_service: bool = False
) -> Audit:
    """Audit what ``experiment`` tunes on and is tested on.

    Args:
        experiment: gives the labels, the template and the limit of tokens.
        backend: counts the tokens, where it can.
        data: the rows of the experiment.
        ask_service: count tokens on a remote backend too, which takes a request for each row.
    """
    capabilities = backend.capabilities(experiment.base_model)
    reader = None
    if capabilities.tokenize and (ask_service or not capabilities.remote):
        reader = _reader(experiment, backend, data)
    return audit_data(data.training_file, data.test, labels=experiment.labels, reader=reader)


def _reader(experiment: Experiment, backend: Backend, data: ExperimentData) -> Reader:
    return Reader(
        tokenize=partial(backend.predictor.tokenize, experiment.base_model),
        template=hard_prompt(
            experiment.method, data.train.rows, experiment.labels, experiment.seed
        ),
        limit=getattr(experiment.method, "max_input_tokens", None),
    )
