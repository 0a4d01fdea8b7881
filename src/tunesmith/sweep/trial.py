"""A cell: one experiment run alone on one backend. Ladders and benchmarks are made of cells."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tunesmith.backend import Capabilities
from tunesmith.backends.connect import backend_class
from tunesmith.backends.options import redacted, resolve_options
from tunesmith.dataset import load_data
from tunesmith.errors import (
    BackendError,
    NotFoundError,
    TunesmithError,
    TuningError,
    UnsupportedError,
)
from tunesmith.evaluation.metrics import Evaluation
from tunesmith.evaluation.readings import READINGS
from tunesmith.experiment import Experiment
from tunesmith.methods import GradientTuning, Method
from tunesmith.pipeline.checks import check_experiment
from tunesmith.progress import SILENT, Progress
from tunesmith.records import Reading, Record
from tunesmith.runs.run import RECORD, Run, slug_of
from tunesmith.spec import GenerationParams
from tunesmith.sweep import latency
from tunesmith.sweep.costs import Cost, Prices, cost_of
from tunesmith.sweep.latency import Latency

if TYPE_CHECKING:
    from tunesmith.backend import Backend

CELLS = "cells"
"""Folder of the runs, and of the backends' stores, in a ladder's or a benchmark's directory."""

CellStatus = Literal["waiting", "done", "failed", "skipped"]


class Place(BaseModel):
    """A backend with its options, and the name under which tables show it."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: str
    label: str = Field(default="", alias="as")
    options: Mapping[str, Any] = Field(default_factory=dict, repr=False)
    """As given; secrets among them never reach a record."""

    @property
    def shown(self) -> str:
        """The name in tables."""
        return self.label or self.name

    def open(self, runs_dir: Path) -> Backend:
        """Connect; the store is under ``runs_dir`` unless an option says else.

        Raises:
            PluginError: no such backend, or it cannot be imported.
            ExperimentError: an option is unknown or wrong.
        """
        cls = backend_class(self.name)
        return cls(resolve_options(self.name, cls.options_model, self.options, runs_dir=runs_dir))

    def recorded(self) -> dict[str, Any]:
        """Return name and given options for a record, secrets as asterisks.

        Raises:
            PluginError: no such backend, or it cannot be imported.
            ExperimentError: an option is unknown or wrong.
        """
        options = resolve_options(self.name, backend_class(self.name).options_model, self.options)
        shown = redacted(options)
        return {"name": self.name, "options": {key: shown[key] for key in self.options}}


class Cell(Record):
    """What is to be found out, and where."""

    name: str
    """Of the method in tables; of two settings of one method each has its own."""
    backend: str
    """The name in tables; see :class:`Place`."""
    base_model: str
    seed: int
    experiment: dict[str, Any]
    """As in an experiment file, data paths absolute."""
    directory: str
    """Of its run, relative to that of the ladder or benchmark."""
    tunes: bool
    """Whether the base model itself is tuned; a classifier beside it or a prompt does not."""
    notes: tuple[str, ...] = ()
    """What was changed to fit the backend."""

    def __str__(self) -> str:
        return f"{self.name} on {self.backend}, {self.base_model}, seed {self.seed}"


class CellResult(Record):
    """What became of a cell."""

    cell: Cell
    status: CellStatus = "waiting"
    reason: str | None = None
    """Why it failed or was skipped."""
    evaluation: Evaluation | None = None
    answer: Reading = "text"
    """The reading of answers that ``evaluation`` is about."""
    other_evaluation: Evaluation | None = None
    """The same in the other reading, if the run holds it."""
    seconds: dict[str, float] = Field(default_factory=dict)
    """Wall time of each stage."""
    cost: Cost | None = None
    costs_money: bool = False
    """As the backend declared."""
    latency: Latency | None = None
    stand_in: str | None = None
    emulated: bool = False
    notes: tuple[str, ...] = ()

    @property
    def total_seconds(self) -> float:
        """Wall time of all stages."""
        return sum(self.seconds.values())

    def read_as(self, answer: Reading) -> CellResult | None:
        """Return the result in a reading; None if its run does not hold that."""
        if self.evaluation is None or answer == self.answer:
            return self
        if self.other_evaluation is None:
            return None
        return self.model_copy(
            update={
                "answer": answer,
                "evaluation": self.other_evaluation,
                "other_evaluation": self.evaluation,
            }
        )


def in_common(results: Sequence[CellResult]) -> tuple[list[CellResult], Reading | None]:
    """Return the results in a reading that all hold, and which one that is.

    That of all if they have one, else decisions before text. None, and the results as they are, if
    nothing is done or nothing is held by all.
    """
    judged = {result.answer for result in results if result.status == "done"}
    for answer in READINGS if len(judged) > 1 else judged:
        read = [result.read_as(answer) for result in results]
        if None not in read:
            return [result for result in read if result is not None], answer
    return list(results), None


def reading_note(answer: Reading | None) -> tuple[str, ...]:
    """Return how answers were read, for whoever reads a table; nothing if nothing is done."""
    how = {
        "decision": "an answer is the most probable label (answer: decision)",
        "text": "an answer is the label that the model wrote (answer: text)",
    }
    return (how[answer],) if answer else ()


def make_cell(
    experiment: Experiment, place: Place, backend: Backend, name: str, number: int
) -> Cell:
    """Return the cell of ``experiment`` on ``backend``, fitted to what that declares.

    Args:
        experiment: with the method of the cell.
        place: of the backend.
        backend: connected.
        name: of the method in tables.
        number: of the cell, from 1; it leads the name of its directory.

    Raises:
        NotFoundError: the backend has no such base model.
    """
    capabilities = backend.capabilities(experiment.base_model)
    fitted, notes = _fitted(experiment, place.shown, capabilities)
    own = f"{place.shown} {name} seed {experiment.seed}"
    return Cell(
        name=name,
        backend=place.shown,
        base_model=experiment.base_model,
        seed=experiment.seed,
        experiment=plain(fitted),
        directory=f"{CELLS}/{number:02d}-{slug_of(own)}",
        # What follows no gradient leaves the base model alone: a prompt, a classifier beside it.
        tunes=isinstance(experiment.method, GradientTuning),
        notes=notes,
    )


def plain(experiment: Experiment) -> dict[str, Any]:
    """Return ``experiment`` as plain values that mean the same in another working directory."""
    absolute = experiment.data.relative_to(Path.cwd())
    return experiment.model_copy(update={"data": absolute, "ladder": ()}).model_dump(
        mode="json", exclude={"ladder"}
    )


def _fitted(
    experiment: Experiment, backend: str, capabilities: Capabilities
) -> tuple[Experiment, tuple[str, ...]]:
    changes: dict[str, Any] = {}
    notes = []
    # A classifier generates nothing: the settings are meant for the language models beside it.
    if not capabilities.generation_parameters:
        changes["generation"] = GenerationParams()
    why = _no_validation(experiment.method, backend, capabilities)
    if experiment.data.validation and why:
        changes["data"] = experiment.data.model_copy(update={"validation": None})
        notes.append(f"{why}: it learns from all of train")
    return experiment.model_copy(update=changes), tuple(notes)


def _no_validation(method: Method, backend: str, capabilities: Capabilities) -> str:
    """Return why validation rows would be lost on a method; empty where they would not."""
    if getattr(method, "early_stopping_patience", None) is not None:
        return ""
    if not capabilities.validation:
        return f"backend {backend!r} takes no validation rows"
    fits_at_once = method.tunes and not isinstance(method, GradientTuning)
    return f"{method.name} stops on no validation rows" if fits_at_once else ""


def run_cell(
    cell: Cell,
    place: Place,
    folder: Path,
    prices: Prices | None = None,
    progress: Progress = SILENT,
) -> CellResult:
    """Run ``cell``, or go on with what a stopped process left of it; a failure is a result.

    The cell connects to its backend itself, so that each pays for loading its base model.

    Args:
        cell: what to run.
        place: the backend with its options.
        folder: the directory of the ladder or benchmark.
        prices: of the backend, where they are known.
        progress: is told how it goes.
    """
    try:
        with place.open(folder / CELLS) as backend:
            experiment = Experiment.from_record(cell.experiment)
            run = _run(experiment, backend, folder / cell.directory, progress)
            return _result(cell, experiment, backend, run, prices)
    except TunesmithError as error:
        return CellResult(cell=cell, status="failed", reason=str(error))
    except Exception as error:  # noqa: BLE001  # one cell must not end the others
        return CellResult(cell=cell, status="failed", reason=f"{type(error).__name__}: {error}")


@contextmanager
def connected(places: Iterable[Place]) -> Iterator[dict[str, Backend]]:
    """Connect to all places, to ask what they offer; their stores are thrown away."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        yield {
            place.shown: stack.enter_context(place.open(Path(folder) / place.shown))
            for place in places
        }


def check_cell(cell: Cell, backend: Backend) -> CellResult:
    """Return ``cell`` waiting, or skipped where ``backend`` does not offer what it asks for.

    Raises:
        ExperimentError: its settings cannot work.
        DatasetError: a data file or a row is wrong.
    """
    experiment = Experiment.from_record(cell.experiment)
    data = load_data(experiment.data, experiment.labels, experiment.seed)
    try:
        check_experiment(experiment, backend, data, experiment.answer)
    except UnsupportedError as error:
        return CellResult(cell=cell, status="skipped", reason=str(error))
    return CellResult(cell=cell)


def repriced(result: CellResult, folder: Path, prices: Prices | None) -> CellResult:
    """Return a result with what it costs by the prices of today."""
    if result.status != "done":
        return result
    run = Run.load(folder / result.cell.directory)
    cost = cost_of(run.record, run.predictions(), prices, costs_money=result.costs_money)
    return result.model_copy(update={"cost": cost})


def _run(experiment: Experiment, backend: Backend, directory: Path, progress: Progress) -> Run:
    if not (directory / RECORD).is_file():
        shutil.rmtree(directory, ignore_errors=True)  # made, and stopped before its first record
        return experiment.run_alone(backend, directory, progress=progress)
    run = Run.load(directory, finished=False)
    if run.record.status == "completed":
        return run
    try:
        return experiment.resume(run, backend, progress=progress)
    except (TuningError, NotFoundError):
        # The job itself failed or is lost: nothing is left to go on with.
        if run.record.model is not None:
            raise
    shutil.rmtree(directory)
    return experiment.run_alone(backend, directory, progress=progress)


def _result(
    cell: Cell, experiment: Experiment, backend: Backend, run: Run, prices: Prices | None
) -> CellResult:
    record = run.record
    capabilities = backend.capabilities(experiment.base_model)
    measured, notes = _latency(experiment, backend, run)
    other = record.other_reading
    if record.deployment is not None and capabilities.remote:
        backend.deployer.undeploy(record.deployment)
        notes = (*notes, "the deployment was removed after its last answer")
    return CellResult(
        cell=cell,
        status="done",
        evaluation=record.evaluations[record.primary],
        answer=record.answer,
        other_evaluation=other.evaluations.get(record.primary) if other else None,
        seconds=record.seconds,
        cost=cost_of(record, run.predictions(), prices, costs_money=capabilities.costs_money),
        costs_money=capabilities.costs_money,
        latency=measured,
        stand_in=record.stand_in,
        emulated=record.emulated,
        notes=(*cell.notes, *record.notes, *notes, *_diagnosed(run)),
    )


def _diagnosed(run: Run) -> Iterator[str]:
    for symptom in run.diagnosis():
        # What a model writes matters little where it is asked for decisions; its page has it.
        if symptom.kind != "no label" or run.record.answer == "text":
            yield symptom.line


def _latency(
    experiment: Experiment, backend: Backend, run: Run
) -> tuple[Latency | None, tuple[str, ...]]:
    data = load_data(experiment.data, experiment.labels, experiment.seed)
    rows, train, record = data.test_rows().rows, data.train.rows, run.record
    asked = experiment if record.chat is None else experiment.asked_in(record.chat.chat)
    try:
        measured = latency.measure(asked, backend, rows, train, record.deployment, record.answer)
        return measured, ()
    except BackendError as error:
        # All rows are answered and evaluated; a late failure does not undo that.
        return None, (f"latency was not measured: {error}",)
