"""The backend: tuning fits a classifier, deploying writes a file, generating returns a label."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import uuid4
from weakref import WeakSet

from tunesmith.backend import (
    Backend,
    BackendOptions,
    Capabilities,
    Deployer,
    Predictor,
    Range,
    Target,
    Tuner,
    TuningJob,
)
from tunesmith.backends.jobs import JobStopped, ThreadJob
from tunesmith.errors import ExperimentError, UnsupportedError
from tunesmith.pipeline.checks import check_generation, check_submission
from tunesmith.records import BaseModelInfo, Classification, Deployment, Generation, Row, TunedModel
from tunesmith.spec import GenerationParams
from tunesmith_sklearn import embeddings
from tunesmith_sklearn.methods import METHODS, EmbeddingsLogreg
from tunesmith_sklearn.store import FittedFrom, Store

if TYPE_CHECKING:
    from tunesmith.spec import TuningSpec

NO_BASE_MODEL = "a text classifier: no base model is used, any name will do"
NO_VALIDATION = "nothing was fitted on the validation rows"
CAPABILITIES = Capabilities(
    methods=tuple(METHODS),
    hyperparameters={
        "ngram_max": Range(minimum=1, maximum=3),
        "c": Range(minimum=0.001, maximum=1000),
    },
    validation=True,
    label_scores=True,
    seeded=True,
    batch_independent=True,
    cancellable=True,
)


class SklearnTuner(Tuner):
    """Fits classifiers in threads."""

    def __init__(self, backend: SklearnBackend) -> None:
        self._backend = backend

    def check(
        self, spec: TuningSpec, train: Sequence[Row], validation: Sequence[Row] | None = None
    ) -> None:
        """Refuse embeddings without the packages that compute them; see ``Tuner.check``."""
        del train, validation
        missing = embeddings.trouble() if spec.method.name == EmbeddingsLogreg.name else None
        if missing:
            raise UnsupportedError(f"method {spec.method.name!r}: {missing}")

    def submit(
        self,
        spec: TuningSpec,
        train: Sequence[Row],
        validation: Sequence[Row] | None = None,
        *,
        prepared: object | None = None,
    ) -> TuningJob:
        """See ``Tuner.submit``."""
        del prepared  # always None, because ``check`` returns nothing
        check_submission(spec, self._backend, train, validation)
        self.check(spec, train, validation)
        rows, notes = tuple(train), [NO_BASE_MODEL]
        if validation is not None:
            notes.append(NO_VALIDATION)
        job = ThreadJob(uuid4().hex, lambda job: self._fit(job, spec, rows, notes))
        self._backend.jobs.add(job)
        return job.start()

    def resume(self, job_id: str) -> TuningJob:
        """Refuse, because a fit takes milliseconds and can be repeated."""
        raise UnsupportedError(f"backend 'sklearn' cannot resume job {job_id!r}; submit it again")

    def _fit(
        self, job: ThreadJob, spec: TuningSpec, rows: tuple[Row, ...], notes: list[str]
    ) -> TunedModel:
        method = {"name": spec.method.name, **spec.method.model_dump(mode="json")}
        source = FittedFrom(method=method, seed=spec.seed, rows=rows)
        fitted = source.fit()
        if job.stop_requested.is_set():
            raise JobStopped
        model_id = uuid4().hex
        return TunedModel(
            id=model_id,
            backend=SklearnBackend.name,
            base_model=spec.base_model,
            method=method,
            labels=spec.labels,
            job_id=job.id,
            location=self._backend.store.save_model(model_id, source, fitted),
            details={"notes": notes},
        )


class SklearnDeployer(Deployer):
    """Writes and deletes deployments, which are files."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def deploy(self, model: TunedModel, name: str) -> Deployment:
        """See ``Deployer.deploy``."""
        self._store.classifier(model.id)
        deployment = Deployment(
            id=uuid4().hex,
            name=name,
            backend=SklearnBackend.name,
            base_model=model.base_model,
            model=model,
        )
        self._store.save_deployment(deployment)
        return deployment

    def get(self, deployment_id: str) -> Deployment:
        """See ``Deployer.get``."""
        return self._store.deployment(deployment_id)

    def list(self) -> Sequence[Deployment]:
        """See ``Deployer.list``."""
        return self._store.deployments()

    def undeploy(self, deployment: Deployment) -> None:
        """See ``Deployer.undeploy``."""
        self._store.remove_deployment(deployment.id)


class SklearnPredictor(Predictor):
    """Generates the text of the most probable label."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def generate(
        self, target: Target, inputs: Sequence[str], params: GenerationParams | None = None
    ) -> list[Generation]:
        """See ``Predictor.generate``."""
        check_generation(params or GenerationParams(), SklearnBackend.name, CAPABILITIES)
        labels = self._deployed(target).model.labels
        scored = self.classify(target, inputs, labels)
        best = [max(one.probabilities, key=one.probabilities.__getitem__) for one in scored]
        return [
            _generation(text, labels.surface(label))
            for text, label in zip(inputs, best, strict=True)
        ]

    def classify(
        self, target: Target, inputs: Sequence[str], labels: Iterable[str]
    ) -> list[Classification]:
        """See ``Predictor.classify``. A label without training rows has probability 0."""
        model, labels = self._deployed(target).model, tuple(labels)
        for label in labels:
            if label not in model.labels:
                raise ExperimentError(
                    f"labels: {label!r} is none of {', '.join(model.labels)}; choose of these"
                )
        classifier = self._store.classifier(model.id)
        rows = classifier.probabilities(inputs) if inputs else []
        return [_classification(classifier.labels, row, labels) for row in rows]

    def _deployed(self, target: Target) -> Deployment:
        if isinstance(target, str):
            raise UnsupportedError("backend 'sklearn' has no base model; give a deployment")
        return self._store.deployment(target.id)


class SklearnBackend(Backend):
    """Majority class, and logistic regression on TF-IDF or on sentence embeddings."""

    name = "sklearn"

    def __init__(self, options: BackendOptions | None = None) -> None:
        super().__init__(options)
        self.store = Store(self.options.store)
        self.jobs: WeakSet[ThreadJob] = WeakSet()
        """The running jobs, and finished ones that someone still holds."""

    def close(self) -> None:
        """Stop the running jobs: none is in the middle of a file when the process ends."""
        for job in list(self.jobs):
            job.interrupt()

    @property
    def tuner(self) -> SklearnTuner:
        """See ``Backend.tuner``."""
        return SklearnTuner(self)

    @property
    def deployer(self) -> SklearnDeployer:
        """See ``Backend.deployer``."""
        return SklearnDeployer(self.store)

    @property
    def predictor(self) -> SklearnPredictor:
        """See ``Backend.predictor``."""
        return SklearnPredictor(self.store)

    def base_models(self) -> list[BaseModelInfo]:
        """Return one entry for all names."""
        return [self.base_model("any")]

    def base_model(self, name: str) -> BaseModelInfo:
        """Accept every name, because experiments for other backends run here for comparison."""
        return BaseModelInfo(name=name, summary=NO_BASE_MODEL)

    def capabilities(self, base_model: str) -> Capabilities:
        """Return the same for every name."""
        del base_model
        return CAPABILITIES

    def versions(self) -> dict[str, str]:
        """Return the version of scikit-learn."""
        from sklearn import __version__

        return {"scikit-learn": __version__}


def _generation(text: str, answer: str) -> Generation:
    # The tokens of a text classifier are words.
    return Generation(
        text=answer,
        prompt=text,
        input_token_count=len(text.split()),
        generated_token_count=len(answer.split()),
        stop_reason="eos_token",
    )


def _classification(
    classes: Sequence[str], probabilities: list[float], labels: tuple[str, ...]
) -> Classification:
    known = dict(zip(classes, probabilities, strict=True))
    asked = {label: known.get(label, 0.0) for label in labels}
    total = sum(asked.values())
    even = 1 / (len(asked) or 1)
    return Classification(probabilities={k: v / total if total else even for k, v in asked.items()})
