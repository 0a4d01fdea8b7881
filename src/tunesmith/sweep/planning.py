"""Plans a sweep: makes its trials, and checks each before the first one runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunesmith.audit import audit_data
from tunesmith.errors import ExperimentError
from tunesmith.experiment import Experiment
from tunesmith.sweep.records import S, TrialResult, with_results
from tunesmith.sweep.trial import BackendRef, DataCache, check_trial, make_trial

if TYPE_CHECKING:
    from tunesmith.backend import Backend


@dataclass(frozen=True, slots=True)
class Wanted:
    """A trial to plan."""

    name: str
    """Of the method in tables."""
    ref: BackendRef
    experiment: Experiment
    optional: bool = False
    """Whether wrong settings skip the trial. Otherwise they are an error of the sweep."""


def plan(
    kind: type[S],
    experiment: Experiment,
    wanted: Iterable[Wanted],
    refs: Mapping[str, BackendRef],
    backends: Mapping[str, Backend],
    data: DataCache,
    notes: Sequence[str] = (),
) -> S:
    """Return the record of a new sweep after checking every trial.

    Args:
        kind: the class of the record.
        experiment: the name, rows and labels of the sweep.
        wanted: the trials, in order.
        refs: the backends, by the name in tables.
        backends: the same, connected.
        data: the rows.
        notes: further notes for readers of the record.

    Raises:
        ExperimentError: the settings of a trial that is not optional are wrong.
        DatasetError: a data file or a row is wrong.
        NotFoundError: a backend has no such base model.
    """
    results = tuple(_checked(one, n, backends, data) for n, one in enumerate(wanted, 1))
    loaded = data.load(experiment)
    rows = loaded.data
    audit = audit_data(
        rows.training_file, rows.test, labels=experiment.labels, overlaps=loaded.overlaps
    )
    setup = {
        "backends": {shown: ref.recorded() for shown, ref in refs.items()},
        "data": {name: part.fingerprint for name, part in rows.parts().items()},
    }
    begun = kind(name=experiment.name, setup=setup, results=(), notes=(*audit.notes, *notes))
    return with_results(begun, results)


def _checked(
    wanted: Wanted, number: int, backends: Mapping[str, Backend], data: DataCache
) -> TrialResult:
    backend = backends[wanted.ref.shown]
    trial = make_trial(wanted.experiment, wanted.ref, backend, wanted.name, number)
    try:
        return check_trial(trial, backend, data)
    except ExperimentError as error:
        if not wanted.optional:
            raise ExperimentError(f"{trial}: {error}") from None
        return TrialResult(trial=trial, status="skipped", reason=str(error))
