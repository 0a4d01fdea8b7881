"""The experiment. ``Experiment.run`` is the whole product on a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError, field_validator, model_validator

from tunesmith import report
from tunesmith.audit import Audit
from tunesmith.backend import Backend
from tunesmith.backends.connect import opened
from tunesmith.backends.options import default_store, redacted
from tunesmith.dataset import DataSpec, ExperimentData, load_data
from tunesmith.errors import ExperimentError, first_problem
from tunesmith.experiment_file import apply_overrides, read_yaml
from tunesmith.methods import Method
from tunesmith.pipeline import answerable
from tunesmith.pipeline.checks import (
    Checked,
    Loaded,
    audit_experiment,
    check_experiment,
    forget_lost_job,
    refuse_changed_data,
)
from tunesmith.pipeline.plan import Plan, make_plan
from tunesmith.pipeline.stages import Stages
from tunesmith.plugins import development_models, method_class, method_entry
from tunesmith.progress import SILENT, Progress
from tunesmith.progress.notebook import fitting
from tunesmith.records import BaseInput, Reading, check_writable
from tunesmith.report import model_card
from tunesmith.run import Run
from tunesmith.runs import provenance
from tunesmith.runs.record import DataRecord, RunRecord
from tunesmith.spec import TuningSpec, parse_method


class Experiment(TuningSpec):
    """A base model, a method, labels, data and a seed; the same on every backend."""

    data: DataSpec
    answer: Reading | None = None
    """The reading of answers for the verdict: ``decision``, the most probable label, or ``text``,
    the label that the model wrote. By default a decision if every model of the run has label
    scores."""
    base_input: BaseInput = "same"
    """The input of the base model beside a tuned one: the same text as that, or with ``bare`` the
    input without the template, as in IBM's tutorial."""
    ladder: tuple[dict[str, Any], ...] = ()
    """Settings of other methods, for a ladder or a benchmark on the same data; see
    :meth:`method_named`. Plain values, so that a run needs no plugin that it does not use."""

    def run(
        self,
        backend: Backend | str,
        *,
        runs_dir: Path | str = "runs",
        progress: Progress | None = None,
    ) -> Run:
        """Tune, deploy, predict with tuned and base model, evaluate and report.

        Everything that can be checked is checked before anything is tuned or paid for.

        Args:
            backend: where it runs: the name of a backend, or one from ``tunesmith.connect``.
            runs_dir: the folder for the run directory.
            progress: gets the progress; by default bars in a notebook, and nothing elsewhere.

        Raises:
            TunesmithError: see ``tunesmith.errors``. The run directory holds what was done.
        """
        with opened(backend, Path(runs_dir)) as at:
            data, prepared, record = self._checked(at, base_input=self.base_input)
            run = Run.create(Path(runs_dir), record, partial(self._begin, record))
            self._carry_on(Stages(self, run, at, data, fitting(progress), prepared))
        return run

    def run_alone(
        self,
        backend: Backend,
        directory: Path,
        *,
        loaded: Loaded | None = None,
        progress: Progress = SILENT,
    ) -> Run:
        """Run the method's own model alone: no base row and no baselines.

        A sweep runs many methods on the same rows, and the untuned model and the baselines among
        them once.

        The run directory ``directory`` must not exist. ``loaded`` holds the rows, if they have been
        loaded already.
        """
        data, prepared, record = self._checked(backend, loaded)
        options, beside = record.options, default_store(directory.parent, backend.name)
        if options.get("store") == str(beside):  # the record says the same wherever a sweep runs it
            options = {**options, "store": str(default_store(Path(), backend.name))}
        record = record.model_copy(update={"alone": True, "options": options})
        run = Run.at(directory, record, partial(self._begin, record))
        self._carry_on(Stages(self, run, backend, data, progress, prepared))
        return run

    def resume(
        self,
        run: Run,
        backend: Backend,
        *,
        loaded: Loaded | None = None,
        progress: Progress = SILENT,
    ) -> Run:
        """Do the stages that ``run`` does not hold yet.

        Raises:
            RunError: the data changed, or another process works on the run.
        """
        data = loaded.data if loaded else self._load()
        refuse_changed_data(run, data)
        forget_lost_job(run, backend)
        self._carry_on(Stages(self, run, backend, data, progress))
        return run

    def plan(self, backend: Backend | str) -> Plan:
        """Load and check everything as :meth:`run` does, and count; tune nothing."""
        with opened(backend) as at:
            return make_plan(self, at, self._load(), self.answer, self.base_input)

    def _load(self) -> ExperimentData:
        return load_data(self.data, self.labels, self.seed)

    def _checked(
        self, backend: Backend, loaded: Loaded | None = None, *, base_input: BaseInput = "same"
    ) -> tuple[ExperimentData, object | None, RunRecord]:
        data, overlaps = (loaded.data, loaded.overlaps) if loaded else (self._load(), None)
        checked = check_experiment(self, backend, data, self.answer, base_input)
        found = audit_experiment(self, backend, data, overlaps=overlaps)
        return data, checked.prepared, self._record(backend, checked, data, found)

    def _carry_on(self, stages: Stages) -> None:
        run = stages.run
        stages.progress.started(run.directory)
        with run.guarded():
            stages.choose_chat(self.answer)
            tuned = []
            if self.method.tunes:
                tuned = stages.ask_tuned(stages.deploy(stages.tune()))
            base = stages.ask_base()
            if not run.record.alone:
                tuned, base = stages.calibrate(tuned, base)
            run.write_predictions([*tuned, *base])
            stages.evaluate(tuned, base)
            if not run.record.alone:
                stages.compare_with_baselines(tuned, base)
            report.write(run)
            model_card.write(run)
        stages.progress.ended()

    def _record(
        self, backend: Backend, checked: Checked, data: ExperimentData, audit: Audit
    ) -> RunRecord:
        capabilities = backend.capabilities(self.base_model)
        info, answer = checked.info, checked.answer
        seed = [] if capabilities.seeded else [f"{backend.name!r} did not honor the seed"]
        return RunRecord(
            name=self.name,
            experiment=self.model_copy(update={"answer": answer}).model_dump(
                mode="json", exclude={"data"}
            ),
            answer=answer,
            left_out=dict(checked.left_out),
            base_input=self.base_input,
            backend=backend.name,
            options=redacted(backend.options),
            base_model=self.base_model,
            method_kind=entry.kind if (entry := method_entry(self.method.name)) else None,
            stand_in=info.stand_in,
            development=development_models(self.base_model, info.stand_in),
            emulated=capabilities.emulated,
            seed_honored=capabilities.seeded,
            data={
                part: DataRecord(source=rows.source, rows=len(rows), fingerprint=rows.fingerprint)
                for part, rows in data.parts().items()
            },
            audit=audit,
            notes=(
                *data.notes,
                *audit.notes,
                *seed,
                *capabilities.notes,
                *answerable.notes(checked.left_out),
            ),
            provenance=provenance.collect(backend),
        )

    def with_data_in(self, folder: Path) -> Experiment:
        """Return the same with rows in memory written to ``folder``; equal rows are equal files.

        Trials of a sweep read them in other processes, and a later call finds the same sweep.
        """
        if isinstance(self.data.train, str):
            return self
        place = folder.absolute() / self.data.train.fingerprint[:16]
        return self.model_copy(update={"data": self.data.saved_in(place)})

    def _begin(self, record: RunRecord, directory: Path) -> dict[str, Any]:
        """Write rows in memory into the run directory; return the data's part of the record."""
        kept = self.data.relative_to(Path.cwd()).saved_in(directory.absolute() / "data")
        return {"experiment": {**record.experiment, "data": kept.model_dump(mode="json")}}

    def method_named(self, name: str) -> Method:
        """Return method ``name`` with the settings of this experiment, or with its defaults.

        The settings are those of ``method`` or of an entry of ``ladder``.

        Raises:
            ExperimentError: no such method (near misses are named), or a setting is wrong.
        """
        if name == self.method.name:
            return self.method
        entry = next((entry for entry in self.ladder if entry["name"] == name), None)
        if entry is None:
            return method_class(name)()
        try:
            return parse_method(entry)
        except ValueError as error:
            raise ExperimentError(f"ladder: {name}: {error}") from None

    @classmethod
    def from_file(
        cls,
        path: Path | str,
        overrides: Mapping[str, Any] | None = None,
        note: Callable[[str], None] = lambda text: None,
    ) -> Experiment:
        """Read a YAML file. Relative paths in it are relative to the file.

        Args:
            path: the file.
            overrides: dotted keys to values, e.g. ``{"method.num_epochs": 5}``; relative paths
                here are relative to the working directory.
            note: gets a sentence if settings are left out because of an override.

        Raises:
            ExperimentError: the file or a key is wrong; the message names it.
        """
        path = Path(path)
        values = read_yaml(path)
        if isinstance(values.get("data"), dict):
            values["data"] = paths_from(path.parent, values["data"])
        return cls.from_values(apply_overrides(values, overrides or {}, note), source=str(path))

    @classmethod
    def from_record(cls, values: Mapping[str, Any], *, source: str = "experiment") -> Experiment:
        """Make the experiment that a run record holds.

        Records from before there was a choice judged text, and their base model read bare inputs.
        """
        return cls.from_values({"answer": "text", "base_input": "bare", **values}, source=source)

    @model_validator(mode="before")
    @classmethod
    def _labels_of_rows(cls, values: Any) -> Any:
        """Without ``labels``, take those of training rows that are in memory."""
        if not isinstance(values, Mapping) or "labels" in values or "data" not in values:
            return values
        data = DataSpec.model_validate(values["data"])
        if isinstance(data.train, str):
            return values
        return {**values, "data": data, "labels": data.train.outputs}

    @field_validator("data")
    @classmethod
    def _check_data(cls, value: DataSpec) -> DataSpec:
        texts = (name for name in DataSpec.model_fields if isinstance(getattr(value, name), str))
        check_writable(value, texts)
        return value

    @field_validator("ladder")
    @classmethod
    def _check_ladder(cls, value: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        names = [entry.get("name") for entry in value]
        if None in names:
            raise ValueError("every method needs a name, e.g. [{name: zero_shot, template: T}]")
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"the method {twice!r} is there twice; keep one")
        return value


def paths_from(folder: Path, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``data`` of an experiment file in ``folder``, with paths relative to this process.

    Raises:
        ExperimentError: a key is unknown or wrong.
    """
    try:
        return DataSpec.model_validate(data).relative_to(folder).model_dump(exclude_unset=True)
    except ValidationError as error:
        known = (f"data.{key}" for key in DataSpec.model_fields)
        raise ExperimentError(f"data.{first_problem(error, known)}") from None
