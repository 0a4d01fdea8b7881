"""FakeBackend: a complete backend in memory for tests, instant and deterministic.

It passes the conformance suite. A subclass may declare fewer capabilities::

    class Plain(FakeBackend):
        declares = {"streaming": False, "validation": False}
"""

from __future__ import annotations

import math
import random
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from pydantic import SecretStr

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
from tunesmith.errors import (
    DeploymentError,
    ExperimentError,
    NotFoundError,
    PredictionError,
    TuningError,
    UnsupportedError,
    near_misses,
)
from tunesmith.methods import PromptTuning
from tunesmith.pipeline.checks import check_generation, check_submission
from tunesmith.plugins import DEFAULT_BASE_MODEL
from tunesmith.records import (
    BaseModelInfo,
    Classification,
    Deployment,
    Generation,
    LabelTokens,
    Row,
    StopReason,
    TunedModel,
    TuningEvent,
)
from tunesmith.spec import GenerationParams
from tunesmith.testing.fake_model import (
    TINY,
    Training,
    WordVotes,
    count_tokens,
    fit_into,
    softmax,
    words,
)

if TYPE_CHECKING:
    from tunesmith.spec import TuningSpec

FAKE_MODEL = "tunesmith/fake"
STOOD_IN_FOR = (DEFAULT_BASE_MODEL, "ibm/granite-3-8b-instruct")
"""Names of base models for which the fake model stands in, to test stand-ins."""
GOOD = frozenset(
    ["good", "great", "happy", "friendly", "gentle", "lovely", "love", "best", "clean", "kind"]
)
BAD = frozenset(
    ["bad", "rude", "dirty", "late", "hurt", "never", "worst", "broken", "slow", "poor"]
)

CAPABILITIES = Capabilities(
    methods=(PromptTuning.name,),
    hyperparameters={
        "num_virtual_tokens": Range(minimum=1, maximum=1000),
        "num_epochs": Range(minimum=1, maximum=1000),
        "learning_rate": Range(minimum=1e-6, maximum=10),
        "batch_size": Range(minimum=1, maximum=1024),
        "accumulate_steps": Range(minimum=1, maximum=1024),
        "max_input_tokens": Range(minimum=1, maximum=4096),
        "max_output_tokens": Range(minimum=1, maximum=4096),
        "init_method": Range(choices=("random", "text", "sample_vocab")),
        "init_text": Range(),
        "verbalizer": Range(),
        "lr_schedule": Range(choices=("linear", "constant")),
        "early_stopping_patience": Range(minimum=1),
    },
    generation_parameters=frozenset(
        {"decoding_method", "temperature", "random_seed", "max_new_tokens", "stop_sequences"}
    ),
    base_inference=True,
    validation=True,
    label_scores=True,
    base_label_scores=True,
    learning_curve=True,
    seeded=True,
    batch_independent=True,
    resumable=True,
    cancellable=True,
    streaming=True,
    tokenize=True,
)


class FakeOptions(BackendOptions):
    """Options of the fake backend."""

    api_key: SecretStr | None = None
    """Not used, except by tests that look for leaked secrets."""
    step_seconds: float = 0.0
    """Seconds that each optimizer step takes."""
    fail: Literal["tune", "deploy", "predict"] | None = None
    """The stage that fails."""


@dataclass
class FakeStore:
    """The content of a store. Backends with the same ``options.store`` share it."""

    trainings: dict[str, tuple[ThreadJob, FakeTuning]] = field(default_factory=dict)
    models: dict[str, WordVotes] = field(default_factory=dict)
    deployments: dict[str, Deployment] = field(default_factory=dict)


_STORES: dict[Path, FakeStore] = {}


class FakeTuning:
    """The work of one job."""

    def __init__(self, backend: FakeBackend, spec: TuningSpec, training: Training) -> None:
        self._options, self._stored = backend.fake_options, backend.stored
        self._identity = backend.identity(spec.base_model)
        self._spec = spec
        self._training = training

    def start(
        self, backend: FakeBackend, job_id: str, events: Sequence[TuningEvent] = ()
    ) -> ThreadJob:
        """Start the job on ``backend``, or continue it after the last complete epoch."""
        job = ThreadJob(job_id, self._work, curve=self._training.curve, events=events)
        self._stored.trainings[job_id] = (job, self)
        backend.jobs.append(job)
        return job.start()

    def _work(self, job: ThreadJob) -> TunedModel:
        while not self._training.finished:
            if job.stop_requested.is_set():
                raise JobStopped
            for step in self._training.run_epoch():
                job.emit(TuningEvent(kind="step", step=step.step, epoch=step.epoch, loss=step.loss))
                job.stop_requested.wait(self._options.step_seconds)
            last = self._training.curve().epochs[-1]
            job.emit(TuningEvent(kind="epoch", **last.model_dump()))
        if self._options.fail == "tune":
            raise TuningError("the fake backend was set to fail at 'tune'; unset option 'fail'")
        return self._finish(job)

    def _finish(self, job: ThreadJob) -> TunedModel:
        model_id, method = uuid.uuid4().hex, self._spec.method
        self._stored.models[model_id] = self._training.model
        curve = self._training.curve()
        return TunedModel(
            id=model_id,
            method={"name": method.name, **method.model_dump(mode="json")},
            labels=self._spec.labels,
            job_id=job.id,
            curve=curve,
            details={
                "optimizer_steps": len(curve.steps),
                "truncated_rows": self._training.truncated_rows,
            },
            **self._identity,
        )


class _Part:
    def __init__(self, backend: FakeBackend) -> None:
        self._backend = backend


class FakeTuner(_Part, Tuner):
    """Trains in a thread."""

    def submit(
        self,
        spec: TuningSpec,
        train: Sequence[Row],
        validation: Sequence[Row] | None = None,
        *,
        prepared: object | None = None,
    ) -> TuningJob:
        """See ``Tuner.submit``."""
        del prepared  # its check prepares nothing
        check_submission(spec, self._backend, train, validation)
        method = cast("PromptTuning", spec.method)
        _check_answers(method, spec)
        training = Training(method, spec.labels, train, validation, spec.seed)
        return FakeTuning(self._backend, spec, training).start(self._backend, uuid.uuid4().hex)

    def resume(self, job_id: str) -> TuningJob:
        """See ``Tuner.resume``."""
        self._backend.require("resumable")
        if job_id not in self._backend.stored.trainings:
            raise NotFoundError(f"no job {job_id!r} in this store; check option 'store'")
        job, tuning = self._backend.stored.trainings[job_id]
        if job.status() != "interrupted":
            return job
        return tuning.start(self._backend, job_id, job.events())


class FakeDeployer(_Part, Deployer):
    """Keeps deployments as entries of the store."""

    def deploy(self, model: TunedModel, name: str) -> Deployment:
        """See ``Deployer.deploy``."""
        if model.id not in self._backend.stored.models:
            raise NotFoundError(f"no tuned model {model.id!r} in this store; tune again")
        if self._backend.fake_options.fail == "deploy":
            raise DeploymentError(
                "the fake backend was set to fail at 'deploy'; unset option 'fail'"
            )
        deployment = Deployment(
            id=uuid.uuid4().hex,
            name=name,
            backend=self._backend.name,
            base_model=model.base_model,
            model=model,
        )
        self._backend.stored.deployments[deployment.id] = deployment
        return deployment

    def get(self, deployment_id: str) -> Deployment:
        """See ``Deployer.get``."""
        if deployment_id not in self._backend.stored.deployments:
            raise NotFoundError(f"no deployment {deployment_id!r} in this store; deploy again")
        return self._backend.stored.deployments[deployment_id]

    def list(self) -> Sequence[Deployment]:
        """See ``Deployer.list``."""
        return tuple(self._backend.stored.deployments.values())

    def undeploy(self, deployment: Deployment) -> None:
        """See ``Deployer.undeploy``."""
        self._backend.stored.deployments.pop(deployment.id, None)


class FakePredictor(_Part, Predictor):
    """Answers with the label that gets the most votes of the words."""

    def generate(
        self, target: Target, inputs: Sequence[str], params: GenerationParams | None = None
    ) -> list[Generation]:
        """See ``Predictor.generate``."""
        params = params or GenerationParams()
        self._backend.check_parameters(params)
        return [self._generate(target, text, params) for text in inputs]

    def stream(
        self, target: Target, text: str, params: GenerationParams | None = None
    ) -> Iterator[Generation]:
        """See ``Predictor.stream``; one piece for each token."""
        self._backend.require("streaming")
        whole = self.generate(target, [text], params)[0]
        pieces = re.findall(r"\S+\s*", whole.text) or [""]
        for piece in pieces[:-1]:
            yield Generation(text=piece, prompt=whole.prompt)
        yield whole.model_copy(update={"text": pieces[-1]})

    def tokenize(self, target: Target, inputs: Sequence[str]) -> list[tuple[str, ...]]:
        """See ``Predictor.tokenize``."""
        self._backend.require("tokenize")
        self._deployment(target)
        return [tuple(text.split()) for text in inputs]

    def prompts(self, deployment: Deployment, inputs: Sequence[str]) -> list[str]:
        """See ``Predictor.prompts``."""
        return [self._prompt(deployment, text)[0] for text in inputs]

    def classify(
        self, target: Target, inputs: Sequence[str], labels: Iterable[str]
    ) -> list[Classification]:
        """See ``Predictor.classify``."""
        self._backend.require("base_label_scores" if isinstance(target, str) else "label_scores")
        asked = tuple(labels)
        return [self._classify(target, text, asked) for text in inputs]

    def label_tokens(
        self, base_model: str, prompts: Sequence[str], labels: Sequence[str]
    ) -> dict[str, LabelTokens]:
        """See ``Predictor.label_tokens``: a token is a word, and only labels are answered."""
        found = self.classify(base_model, prompts, labels)
        return {
            label: LabelTokens(
                tokens=tuple(label.split()),
                mass=sum(one.probabilities[label] for one in found) / len(found),
            )
            for label in labels
        }

    def _classify(self, target: Target, text: str, labels: tuple[str, ...]) -> Classification:
        prompt, _ = self._prompt(target, text)
        scores = self._scores(target, prompt)
        if isinstance(target, str):  # other labels are equally probable
            scores = dict.fromkeys(labels, 1 / len(labels)) | scores
        for label in labels:
            if label not in scores:
                raise ExperimentError(f"labels: {label!r} is none of {', '.join(scores)}")
        logs = {label: math.log(max(scores[label], TINY)) for label in labels}
        return Classification(probabilities=softmax(logs))

    def _generate(self, target: Target, text: str, params: GenerationParams) -> Generation:
        prompt, truncated = self._prompt(target, text)
        label = _decode(self._scores(target, prompt), prompt, params)
        answer = label if isinstance(target, str) else target.model.labels.surface(label)
        said, count, reason = _stopped(answer, params)
        return Generation(
            text=said,
            prompt=prompt,
            input_token_count=count_tokens(prompt),
            generated_token_count=count,
            stop_reason=reason,
            truncated=truncated,
        )

    def _prompt(self, target: Target, text: str) -> tuple[str, bool]:
        deployment = self._deployment(target)
        if deployment is None:
            return text, False
        method = deployment.model.method
        return fit_into(method["verbalizer"], text, method["max_input_tokens"])

    def _scores(self, target: Target, prompt: str) -> dict[str, float]:
        deployment = self._deployment(target)
        if deployment is None:
            found = words(prompt)
            votes = sum(w in GOOD for w in found) - sum(w in BAD for w in found)
            return softmax({"0": -votes, "1": votes})
        return self._backend.stored.models[deployment.model.id].probabilities(prompt)

    def _deployment(self, target: Target) -> Deployment | None:
        if self._backend.fake_options.fail == "predict":
            raise PredictionError(
                "the fake backend was set to fail at 'predict'; unset option 'fail'"
            )
        if not isinstance(target, str):
            return self._backend.deployer.get(target.id)
        self._backend.base_model(target)
        self._backend.require("base_inference")
        return None


class FakeBackend(Backend):
    """A backend with a bag of words as its model. Without ``options`` it shares no state."""

    name = "fake"
    options_model = FakeOptions
    declares: ClassVar[Mapping[str, Any]] = {}
    """Capabilities that a subclass changes. It can only declare fewer."""

    def __init__(self, options: BackendOptions | None = None) -> None:
        super().__init__(options)
        stored = FakeStore()
        self.stored = _STORES.setdefault(self.options.store, stored) if options else stored
        self.jobs: list[ThreadJob] = []

    @property
    def fake_options(self) -> FakeOptions:
        """The options, with their type."""
        return cast("FakeOptions", self.options)

    @property
    def tuner(self) -> FakeTuner:
        """See ``Backend.tuner``."""
        return FakeTuner(self)

    @property
    def deployer(self) -> FakeDeployer:
        """See ``Backend.deployer``."""
        return FakeDeployer(self)

    @property
    def predictor(self) -> FakePredictor:
        """See ``Backend.predictor``."""
        return FakePredictor(self)

    def base_models(self) -> list[BaseModelInfo]:
        """See ``Backend.base_models``."""
        stand_ins = [BaseModelInfo(name=name, stand_in=FAKE_MODEL) for name in STOOD_IN_FOR]
        return [BaseModelInfo(name=FAKE_MODEL, summary="a short list of words"), *stand_ins]

    def base_model(self, name: str) -> BaseModelInfo:
        """See ``Backend.base_model``."""
        known = {info.name: info for info in self.base_models()}
        if name not in known:
            listed = ", ".join(known)
            raise NotFoundError(
                f"no base model {name!r}; there are: {listed}.{near_misses(name, known)}"
            )
        return known[name]

    def capabilities(self, base_model: str) -> Capabilities:
        """See ``Backend.capabilities``."""
        self.base_model(base_model)
        return CAPABILITIES.model_copy(update=dict(self.declares))

    def versions(self) -> dict[str, str]:
        """See ``Backend.versions``."""
        return {"fake": "1"}

    def close(self) -> None:
        """Interrupt the jobs that this instance started."""
        for job in self.jobs:
            job.interrupt()

    def require(self, capability: str) -> None:
        """Refuse a capability that is not declared."""
        if not getattr(self.capabilities(FAKE_MODEL), capability):
            raise UnsupportedError(f"backend {self.name!r} does not declare {capability}")

    def check_parameters(self, params: GenerationParams) -> None:
        """Refuse generation parameters that are not declared."""
        check_generation(params, self.name, self.capabilities(FAKE_MODEL))

    def identity(self, base_model: str) -> dict[str, Any]:
        """Return the fields of a tuned model that name its origin."""
        stand_in = self.base_model(base_model).stand_in
        return {"backend": self.name, "base_model": base_model, "stand_in": stand_in}


def _check_answers(method: PromptTuning, spec: TuningSpec) -> None:
    for label in spec.labels:
        needed = count_tokens(spec.labels.surface(label)) + 1
        if needed > method.max_output_tokens:
            raise ExperimentError(
                f"method.max_output_tokens: {method.max_output_tokens} is too short for the label "
                f"{label!r}, which takes {needed} tokens with its end; raise it"
            )


def _decode(scores: Mapping[str, float], prompt: str, params: GenerationParams) -> str:
    temperature = 1.0 if params.temperature is None else params.temperature
    if params.decoding_method != "sample" or temperature == 0:
        return max(scores, key=scores.__getitem__)
    # The text is part of the seed, so that a row does not depend on its neighbors.
    rng = random.Random(f"{params.random_seed}:{prompt}")
    weights = [score ** (1 / temperature) for score in scores.values()]
    return rng.choices(list(scores), weights)[0]


def _stopped(answer: str, params: GenerationParams) -> tuple[str, int, StopReason]:
    budget = 20 if params.max_new_tokens is None else params.max_new_tokens
    tokens = re.findall(r"\S+\s*", answer)
    said = "".join(tokens[:budget])
    for stop in params.stop_sequences or ():
        if stop in said:
            said = said[: said.index(stop) + len(stop)]
            return said, count_tokens(said), "stop_sequence"
    if len(tokens) < budget:
        return said, len(tokens) + 1, "eos_token"
    return said, budget, "max_tokens"
