"""Experiment: what to find out. ``Experiment.run`` is the whole product on a page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
    field_serializer,
    field_validator,
)

from tunesmith import baselines, provenance, report
from tunesmith.backend import Capabilities, GenerationParams
from tunesmith.checks import check_experiment
from tunesmith.comparison import compare
from tunesmith.data_spec import DataSpec, ExperimentData, load_data
from tunesmith.errors import ExperimentError
from tunesmith.evaluation import evaluate
from tunesmith.experiment_file import apply_overrides, read_yaml
from tunesmith.labels import LabelSet
from tunesmith.methods import PLACEHOLDER, Method, PromptTuning
from tunesmith.options import redacted
from tunesmith.plugins import method_class
from tunesmith.predict import predict_base, predict_tuned
from tunesmith.progress import SILENT, Progress
from tunesmith.records import BaseModelInfo, Deployment, Prediction, TunedModel
from tunesmith.runs import ADAPTER, DataRecord, Run, RunRecord
from tunesmith.validation import first_problem

if TYPE_CHECKING:
    from tunesmith.backend import Backend


class Experiment(BaseModel):
    """A base model, a method, labels, data and a seed; the same on every backend."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "experiment"
    base_model: str = "tunesmith/micro-granite"
    method: SerializeAsAny[Method] = Field(default_factory=PromptTuning)
    data: DataSpec
    labels: LabelSet
    generation: GenerationParams = GenerationParams()
    """How tuned and base model generate alike; watsonx.ai's defaults where nothing is given."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Drives splits, few-shot examples and, on seeded backends, the tuning."""

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
        data = load_data(self.data, self.labels, self.seed)
        info = check_experiment(self, backend, data)
        run = Run.create(Path(runs_dir), self._record(backend, info, data))
        progress.started(run.directory)
        return self.carry_on(run, backend, data, progress)

    def carry_on(
        self, run: Run, backend: Backend, data: ExperimentData, progress: Progress = SILENT
    ) -> Run:
        """Do what ``run`` has not done yet; a resumed run skips the stages that it holds."""
        with run.guarded():
            if self.method.tunes:
                model = self._tune(run, backend, data, progress)
                deployment = self._deploy(run, backend, model, progress)
                tuned = self._predict_tuned(run, backend, data, deployment, progress)
            else:
                tuned = []
            base = self._predict_base(run, backend, data, progress)
            run.write_predictions([*tuned, *base])
            self._judge(run, tuned, base, data, progress)
            report.write(run)
        return run

    def _tune(
        self, run: Run, backend: Backend, data: ExperimentData, progress: Progress
    ) -> TunedModel:
        if run.record.model is None:
            progress.stage("tune")
            with run.stage("tune"):
                if run.record.job_id is None:
                    held_out = data.validation.rows if data.validation else None
                    job = backend.tuner.submit(self, data.train.rows, held_out)
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

    def _predict_tuned(
        self,
        run: Run,
        backend: Backend,
        data: ExperimentData,
        deployment: Deployment,
        progress: Progress,
    ) -> list[Prediction]:
        progress.stage("predict tuned")
        with run.stage("predict tuned"):
            rows = data.test_rows().rows
            return predict_tuned(self, backend, rows, deployment, progress, run.note)

    def _predict_base(
        self, run: Run, backend: Backend, data: ExperimentData, progress: Progress
    ) -> list[Prediction]:
        if not backend.capabilities(self.base_model).base_inference:
            run.note(f"backend {backend.name!r} has no untuned model that generates: no base row")
            return []
        if self.method.tunes and self.method.input_template != PLACEHOLDER:
            run.note(
                "the base model read each input as it stands, the tuned model with its template "
                f"{self.method.input_template!r}; the method zero_shot prompts the base model"
            )
        progress.stage("predict base")
        with run.stage("predict base"):
            rows = data.test_rows().rows
            return predict_base(self, backend, rows, data.train.rows, progress, run.note)

    def _judge(
        self,
        run: Run,
        tuned: list[Prediction],
        base: list[Prediction],
        data: ExperimentData,
        progress: Progress,
    ) -> None:
        run.update(
            evaluations={
                role: evaluate(predictions, self.labels)
                for role, predictions in (("tuned", tuned), ("base", base))
                if predictions
            }
        )
        if tuned and base:
            run.update(comparison=compare(tuned, base))
        progress.stage("baselines")
        with run.stage("baselines"):
            run.update(baselines=baselines.measure(self, data, tuned or base))

    def _record(self, backend: Backend, info: BaseModelInfo, data: ExperimentData) -> RunRecord:
        capabilities = backend.capabilities(self.base_model)
        absolute = self.data.relative_to(Path.cwd())
        return RunRecord(
            name=self.name,
            experiment=self.model_copy(update={"data": absolute}).model_dump(mode="json"),
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
            notes=(*data.notes(), *_seed_note(backend.name, capabilities)),
            provenance=provenance.collect(backend),
        )

    def with_method(self, method: Method) -> Experiment:
        """Return the experiment with another method and default generation."""
        return self.model_copy(update={"method": method, "generation": GenerationParams()})

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
            values["data"] = _paths_from(path.parent, values["data"])
        return cls.from_values(apply_overrides(values, overrides or {}), source=str(path))

    @classmethod
    def from_values(cls, values: Mapping[str, Any], *, source: str = "experiment") -> Experiment:
        """Make an experiment of plain values.

        Raises:
            ExperimentError: a key is missing, unknown or wrong; the message names it.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ExperimentError(f"{source}: {first_problem(error)}") from None

    @field_validator("method", mode="before")
    @classmethod
    def _parse_method(cls, value: Any) -> Any:
        if isinstance(value, Method):
            return value
        settings = {"name": value} if isinstance(value, str) else dict(value)
        name = settings.pop("name", PromptTuning.name)
        try:
            return method_class(name).model_validate(settings)
        except ValidationError as error:
            problem = first_problem(error)
            raise ValueError(
                problem if problem.startswith("method.") else f"method.{problem}"
            ) from None

    @field_serializer("method")
    def _dump_method(self, method: Method) -> dict[str, Any]:
        # Only what was set: a default is not a demand that a backend would have to support.
        return {"name": method.name, **method.model_dump(mode="json", exclude_unset=True)}


def _seed_note(backend: str, capabilities: Capabilities) -> tuple[str, ...]:
    return () if capabilities.seeded else (f"{backend!r} did not honor the seed",)


def _paths_from(folder: Path, data: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return DataSpec.model_validate(data).relative_to(folder).model_dump(exclude_unset=True)
    except ValidationError as error:
        raise ExperimentError(f"data.{first_problem(error)}") from None
