"""Plans a sweep: makes its trials, and checks each before the first one runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tunesmith.audit import audit_data
from tunesmith.backend import Capabilities
from tunesmith.errors import ExperimentError, UnsupportedError
from tunesmith.experiment import Experiment
from tunesmith.methods import GradientTuning, Method
from tunesmith.pipeline.checks import check_experiment
from tunesmith.runs.directory import slug_of
from tunesmith.spec import GenerationParams
from tunesmith.sweep.records import S, Trial, TrialResult, with_results
from tunesmith.sweep.trial import TRIALS, BackendRef, DataCache

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


@contextmanager
def connected(refs: Iterable[BackendRef]) -> Iterator[dict[str, Backend]]:
    """Connect to all backends, to read their capabilities. Their stores are temporary."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        yield {ref.shown: stack.enter_context(ref.open(Path(folder) / ref.shown)) for ref in refs}


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
    rows, labels = loaded.data, experiment.labels
    audit = audit_data(rows.training_file, rows.test, labels=labels, overlaps=loaded.overlaps)
    setup = {
        "backends": {shown: ref.recorded() for shown, ref in refs.items()},
        "data": {name: part.fingerprint for name, part in rows.parts().items()},
    }
    begun = kind(name=experiment.name, setup=setup, results=(), notes=(*audit.notes, *notes))
    return with_results(begun, results)


def _checked(
    wanted: Wanted, number: int, backends: Mapping[str, Backend], data: DataCache
) -> TrialResult:
    """Return a trial waiting, or skipped if its backend does not offer the settings."""
    backend = backends[wanted.ref.shown]
    trial = _trial(wanted, number, backend.capabilities(wanted.experiment.base_model))
    experiment = Experiment.from_record(trial.experiment)
    try:
        check_experiment(experiment, backend, data.load(experiment).data, experiment.answer)
    except (ExperimentError, UnsupportedError) as error:
        if isinstance(error, ExperimentError) and not wanted.optional:
            raise ExperimentError(f"{trial}: {error}") from None
        return TrialResult(trial=trial, status="skipped", reason=str(error))
    return TrialResult(trial=trial)


def _trial(wanted: Wanted, number: int, capabilities: Capabilities) -> Trial:
    """Return a trial, adapted to its backend; the name of its directory begins with ``number``."""
    experiment, shown = wanted.experiment, wanted.ref.shown
    # The data paths mean the same in another working directory.
    changes: dict[str, Any] = {"data": experiment.data.relative_to(Path.cwd())}
    notes: tuple[str, ...] = ()
    # A classifier generates nothing; the settings are for language models.
    if not capabilities.generation_parameters:
        changes["generation"] = GenerationParams()
    why = _no_validation(experiment.method, shown, capabilities)
    if experiment.data.validation and why:
        changes["data"] = changes["data"].model_copy(update={"validation": None})
        notes = (f"{why}: it tunes on all training rows",)
    fitted = experiment.model_copy(update=changes)
    own = slug_of(f"{shown} {wanted.name} seed {experiment.seed}")
    return Trial(
        name=wanted.name,
        backend=shown,
        base_model=experiment.base_model,
        seed=experiment.seed,
        experiment=fitted.model_dump(mode="json", exclude={"ladder"}),
        directory=f"{TRIALS}/{number:02d}-{own}",
        # A method without gradients does not change the base model: a prompt, a classifier.
        trains_base_model=isinstance(experiment.method, GradientTuning),
        notes=notes,
    )


def _no_validation(method: Method, backend: str, capabilities: Capabilities) -> str:
    """Return why a method cannot use validation rows; empty if it can."""
    if getattr(method, "early_stopping_patience", None) is not None:
        return ""
    if not capabilities.validation:
        return f"backend {backend!r} takes no validation rows"
    fits_at_once = method.tunes and not isinstance(method, GradientTuning)
    return f"{method.name} does not stop early on validation rows" if fits_at_once else ""
