"""Experiment: what to find out. ``Experiment.run`` is the whole product on a page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError, field_validator

from tunesmith import report
from tunesmith.audit import Audit
from tunesmith.backend import Capabilities
from tunesmith.backends.options import redacted
from tunesmith.dataset import DataSpec, ExperimentData, load_data
from tunesmith.errors import ExperimentError, UnsupportedError, first_problem
from tunesmith.evaluation.comparison import compare
from tunesmith.evaluation.metrics import evaluate
from tunesmith.evaluation.readings import READINGS, chosen_reading, held, read_as
from tunesmith.experiment_file import apply_overrides, read_yaml
from tunesmith.methods import PLACEHOLDER, Method
from tunesmith.pipeline import baselines
from tunesmith.pipeline.chat import choose_chat
from tunesmith.pipeline.checks import (
    Checked,
    audit_experiment,
    check_experiment,
    forget_lost_job,
    refuse_changed_data,
    submit,
)
from tunesmith.pipeline.plan import Plan, make_plan
from tunesmith.pipeline.predict import predict_base, predict_tuned
from tunesmith.pipeline.probabilities import calibrated
from tunesmith.pipeline.prompts import base_prompts
from tunesmith.plugins import method_class
from tunesmith.progress import SILENT, Progress
from tunesmith.records import (
    BaseInput,
    BaseModelInfo,
    Deployment,
    Prediction,
    Reading,
    TunedModel,
)
from tunesmith.report import model_card
from tunesmith.runs import provenance
from tunesmith.runs.record import DataRecord, OtherReading, RunRecord
from tunesmith.runs.run import ADAPTER, Run
from tunesmith.spec import TuningSpec, parse_method

if TYPE_CHECKING:
    from tunesmith.backend import Backend


class Experiment(TuningSpec):
    """A base model, a method, labels, data and a seed; the same on every backend."""

    data: DataSpec
    answer: Reading | None = None
    """What the verdict is about: ``decision``, the most probable label, or ``text``, what the model
    wrote. By default a decision if every model of the run has label scores."""
    base_input: BaseInput = "same"
    """What the base model reads beside a tuned one: the same text as that, or with ``bare`` the
    input without the template, as in IBM's tutorial."""
    ladder: tuple[dict[str, Any], ...] = ()
    """Settings of other methods, for whoever tries them on the same data; see ``method_named``.
    Plain values: a run does without the plugins that bring them."""

    def run(
        self,
        backend: Backend,
        *,
        runs_dir: Path | str = "runs",
        progress: Progress = SILENT,
    ) -> Run:
        """Tune, deploy, predict with tuned and base model, evaluate and report.

        Everything that can be checked is checked before anything is tuned or paid for.

        Args:
            backend: where it runs; see ``tunesmith.connect``.
            runs_dir: the folder that gets the run directory.
            progress: is told how it goes.

        Raises:
            TunesmithError: see ``tunesmith.errors``; the run directory then says how far it came.
        """
        data, checked, record = self._checked(backend)
        run = Run.create(Path(runs_dir), record)
        return self._carry_on(run, backend, data, progress, checked.prepared)

    def run_alone(self, backend: Backend, directory: Path, *, progress: Progress = SILENT) -> Run:
        """Do the same for the method's own model alone, in ``directory``.

        No untuned model is asked beside a tuned one and no baseline is fitted: whoever runs many
        methods on the same rows asks each of them once.

        Raises:
            TunesmithError: as :meth:`run`.
        """
        data, checked, record = self._checked(backend)
        run = Run.at(directory, record.model_copy(update={"alone": True}))
        return self._carry_on(run, backend, data, progress, checked.prepared)

    def resume(self, run: Run, backend: Backend, *, progress: Progress = SILENT) -> Run:
        """Do what ``run`` has not done yet; the stages that it holds are not done again.

        Raises:
            RunError: the data changed since, or another process works on the run.
            TunesmithError: as :meth:`run`.
        """
        data = load_data(self.data, self.labels, self.seed)
        refuse_changed_data(run, data)
        forget_lost_job(run, backend)
        return self._carry_on(run, backend, data, progress)

    def plan(self, backend: Backend) -> Plan:
        """Load and check everything as :meth:`run` does, count, and stop there.

        Raises:
            TunesmithError: as :meth:`run`.
        """
        data = load_data(self.data, self.labels, self.seed)
        return make_plan(self, backend, data, self.answer)

    def _checked(self, backend: Backend) -> tuple[ExperimentData, Checked, RunRecord]:
        data = load_data(self.data, self.labels, self.seed)
        checked = check_experiment(self, backend, data, self.answer)
        found = audit_experiment(self, backend, data)
        return data, checked, self._record(backend, checked.info, data, found)

    def _carry_on(
        self,
        run: Run,
        backend: Backend,
        data: ExperimentData,
        progress: Progress,
        prepared: object | None = None,
    ) -> Run:
        progress.started(run.directory)
        with run.guarded():
            asked = self._in_chat(run, backend, data, progress)
            tuned = asked._tuned(run, backend, data, progress, prepared)
            base = asked._base(run, backend, data, progress)
            if not run.record.alone:
                tuned, base = calibrated(asked, run, backend, data, tuned, base, progress)
            run.write_predictions([*tuned, *base])
            asked._judge(run, backend, tuned, base, data, progress)
            report.write(run)
            model_card.write(run)
        return run

    def _in_chat(
        self, run: Run, backend: Backend, data: ExperimentData, progress: Progress
    ) -> Experiment:
        if run.record.chat is None and getattr(self.method, "chat", False):
            with run.stage("choose chat"):
                run.update(chat=choose_chat(self, backend, data.train.rows, progress))
        chosen = run.record.chat
        if chosen is None:
            return self
        if chosen.chat and chosen.text is None and run.record.answer == "decision":
            # The service renders the conversation: there is no text behind which a label is scored.
            if self.answer == "decision":
                raise UnsupportedError(
                    f"answer: decision: backend {backend.name!r} has no label scores for a chat; "
                    "set answer: text, or method.chat: false"
                )
            run.update(answer="text")
        return self.asked_in(chosen.chat)

    def _tuned(
        self,
        run: Run,
        backend: Backend,
        data: ExperimentData,
        progress: Progress,
        prepared: object | None,
    ) -> list[Prediction]:
        if not self.method.tunes:
            return []
        model = self._tune(run, backend, data, progress, prepared)
        deployment = self._deploy(run, backend, model, progress)
        progress.stage("predict tuned")
        with run.stage("predict tuned"):
            rows, answer = data.test_rows().rows, run.record.answer
            return predict_tuned(self, backend, rows, deployment, progress, run.note, answer)

    def _tune(
        self,
        run: Run,
        backend: Backend,
        data: ExperimentData,
        progress: Progress,
        prepared: object | None,
    ) -> TunedModel:
        if run.record.model is None:
            progress.stage("tune")
            with run.stage("tune"):
                if run.record.job_id is None:
                    job = submit(self, backend, data, prepared)
                    run.update(job_id=job.id)
                else:
                    job = backend.tuner.resume(run.record.job_id)
                run.update(model=job.wait(progress.tuning))
        model = run.record.model
        assert model is not None  # noqa: S101  # set above, or by an earlier process
        if backend.capabilities(self.base_model).exports_adapter:
            backend.tuner.export(model, run.directory / ADAPTER)
        for note in model.details.get("notes", ()):
            run.note(note)
        return model

    def _deploy(
        self, run: Run, backend: Backend, model: TunedModel, progress: Progress
    ) -> Deployment:
        if run.record.deployment is None:
            progress.stage("deploy")
            with run.stage("deploy"):
                run.update(deployment=backend.deployer.deploy(model, run.directory.name))
        deployment = run.record.deployment
        assert deployment is not None  # noqa: S101  # set above, or by an earlier process
        return deployment

    def _base(
        self, run: Run, backend: Backend, data: ExperimentData, progress: Progress
    ) -> list[Prediction]:
        if run.record.alone and self.method.tunes:
            return []
        if not backend.capabilities(self.base_model).base_inference:
            run.note(f"backend {backend.name!r} has no untuned model that generates: no base row")
            return []
        bare = self.method.tunes and self.base_input == "bare"
        if bare and self.method.input_template != PLACEHOLDER:
            run.note(
                "the base model read each input as it stands, the tuned model with its template "
                f"{self.method.input_template!r}; base_input: same gives both the same text"
            )
        progress.stage("predict base")
        with run.stage("predict base"):
            rows, deployment = data.test_rows().rows, run.record.deployment
            prompts = base_prompts(
                self, backend, rows, data.train.rows, deployment, self.base_input
            )
            return predict_base(self, backend, rows, prompts, progress, run.note, run.record.answer)

    def _judge(
        self,
        run: Run,
        backend: Backend,
        tuned: list[Prediction],
        base: list[Prediction],
        data: ExperimentData,
        progress: Progress,
    ) -> None:
        main, other = (self._numbers(tuned, base, answer) for answer in self._readings(run))
        if main is not None:
            run.update(evaluations=main.evaluations, comparison=main.comparison)
        run.update(other_reading=other)
        if run.record.alone:
            return
        progress.stage("baselines")
        with run.stage("baselines"):
            found = baselines.measure(self, data, tuned or base)
            asked = baselines.measure_untuned(self, run, backend, data, tuned, base)
            run.update(baselines=(*found, *asked))

    def _readings(self, run: Run) -> tuple[Reading, Reading]:
        first = run.record.answer
        return first, READINGS[1 - READINGS.index(first)]

    def _numbers(
        self, tuned: list[Prediction], base: list[Prediction], answer: Reading
    ) -> OtherReading | None:
        sides = {"tuned": tuned, "base": base}
        if any(side and answer not in held(side) for side in sides.values()):
            return None
        read = {role: read_as(side, answer) for role, side in sides.items() if side}
        both = tuned and base
        return OtherReading(
            answer=answer,
            evaluations={role: evaluate(side, self.labels) for role, side in read.items()},
            comparison=compare(read["tuned"], read["base"]) if both else None,
        )

    def _record(
        self, backend: Backend, info: BaseModelInfo, data: ExperimentData, audit: Audit
    ) -> RunRecord:
        capabilities = backend.capabilities(self.base_model)
        absolute = self.data.relative_to(Path.cwd())
        answer = chosen_reading(self.answer, self.method, capabilities, backend.name)
        return RunRecord(
            name=self.name,
            experiment=self.model_copy(update={"data": absolute, "answer": answer}).model_dump(
                mode="json"
            ),
            answer=answer,
            base_input=self.base_input,
            backend=backend.name,
            options=redacted(backend.options),
            base_model=self.base_model,
            stand_in=info.stand_in,
            emulated=capabilities.emulated,
            seed_honored=capabilities.seeded,
            data={
                part: DataRecord(source=rows.source, rows=len(rows), fingerprint=rows.fingerprint)
                for part, rows in data.parts().items()
            },
            audit=audit,
            notes=(*audit.notes, *_seed_note(backend.name, capabilities)),
            provenance=provenance.collect(backend),
        )

    def method_named(self, name: str) -> Method:
        """Return method ``name`` as this experiment sets it: its own, of ``ladder``, or defaults.

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
    def from_file(cls, path: Path | str, overrides: Mapping[str, Any] | None = None) -> Experiment:
        """Read a YAML file. Relative paths in it are relative to the file.

        Args:
            path: the file.
            overrides: dotted keys to values, e.g. ``{"method.num_epochs": 5}``; relative paths
                here are relative to the working directory.

        Raises:
            ExperimentError: the file or a key is wrong; the message names it.
        """
        path = Path(path)
        values = read_yaml(path)
        if isinstance(values.get("data"), dict):
            values["data"] = paths_from(path.parent, values["data"])
        return cls.from_values(apply_overrides(values, overrides or {}), source=str(path))

    @classmethod
    def from_record(cls, values: Mapping[str, Any], *, source: str = "experiment") -> Experiment:
        """Make the experiment of a record, which says what it was judged by.

        Records of before there was a choice judged text, and their base model read the bare input.

        Raises:
            ExperimentError: as :meth:`from_values`.
        """
        return cls.from_values({"answer": "text", "base_input": "bare", **values}, source=source)

    @field_validator("ladder")
    @classmethod
    def _check_ladder(cls, value: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        names = [entry.get("name") for entry in value]
        if None in names:
            raise ValueError("every method needs a name, e.g. [{name: zero_shot, template: T}]")
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"the method {twice!r} stands there twice; keep one")
        return value


def _seed_note(backend: str, capabilities: Capabilities) -> tuple[str, ...]:
    return () if capabilities.seeded else (f"{backend!r} did not honor the seed",)


def paths_from(folder: Path, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of ``data`` in an experiment file in ``folder``, seen from here.

    Raises:
        ExperimentError: a key is unknown or wrong.
    """
    try:
        return DataSpec.model_validate(data).relative_to(folder).model_dump(exclude_unset=True)
    except ValidationError as error:
        raise ExperimentError(f"data.{first_problem(error)}") from None
