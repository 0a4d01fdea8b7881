"""FakeBackend: a complete backend in memory for tests, instant and deterministic.

It passes the conformance suite. A subclass may declare fewer capabilities::

    class Plain(FakeBackend):
        declares = {"streaming": False, "validation": False}
"""
# ruff: noqa: D102  # the interface documents its methods

from __future__ import annotations

import math
import random
import re
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

from pydantic import SecretStr

from tunesmith import backend as interface
from tunesmith import errors, records
from tunesmith.backend import Capabilities, Range, Target
from tunesmith.backends.jobs import JobStopped, ThreadJob
from tunesmith.methods import AUTO_SETTINGS, PromptTuning
from tunesmith.pipeline.checks import check_generation, check_submission
from tunesmith.plugins import DEFAULT_BASE_MODEL
from tunesmith.records import BaseModelInfo, Classification, Deployment, Generation, TunedModel
from tunesmith.spec import GenerationParams, TuningSpec
from tunesmith.testing import fake_model
from tunesmith.testing.fake_choices import choose

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
        "search_epochs": Range(minimum=1),
    },
    auto_settings=frozenset(AUTO_SETTINGS),
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
    embedding_dimension=2,
)


class FakeOptions(interface.BackendOptions):
    """Options of the fake backend."""

    api_key: SecretStr | None = None
    """Not used, except by tests that look for leaked secrets."""
    step_seconds: float = 0.0
    """Seconds that each optimizer step takes."""
    hold: Path | None = None
    """A tuning waits at its first step as long as this file exists."""
    fail: Literal["tune", "deploy", "predict"] | None = None
    """The stage that fails."""

    def fail_at(self, stage: str, error: type[errors.BackendError]) -> None:
        """Raise ``error`` if ``stage`` is the one that fails."""
        if self.fail == stage:
            raise error(f"the fake backend was set to fail at {stage!r}; unset option 'fail'")


@dataclass
class FakeStore:
    """The content of a store. Backends with the same ``options.store`` share it."""

    trainings: dict[str, tuple[ThreadJob, fake_model.Training]] = field(default_factory=dict)
    models: dict[str, fake_model.WordVotes] = field(default_factory=dict)
    deployments: dict[str, Deployment] = field(default_factory=dict)


_STORES: dict[Path, FakeStore] = defaultdict(FakeStore)


class _Part:
    def __init__(self, backend: FakeBackend) -> None:
        self._backend = backend


class FakeTuner(_Part, interface.Tuner):
    """Trains in a thread."""

    def submit(
        self,
        spec: TuningSpec,
        train: Sequence[records.Row],
        validation: Sequence[records.Row] | None = None,
        *,
        prepared: object | None = None,
    ) -> interface.TuningJob:
        del prepared  # its check prepares nothing
        check_submission(spec, self._backend, train, validation)
        choices = choose(spec.method, len(train))
        values = {choice.setting: choice.value for choice in choices}
        method = cast("PromptTuning", spec.method).model_copy(update=values)
        spec = spec.model_copy(update={"method": method})
        _check_answers(method, spec)
        training = fake_model.Training(spec, train, validation, choices)
        return self._start(training, uuid.uuid4().hex)

    def resume(self, job_id: str) -> interface.TuningJob:
        self._backend.require("resumable")
        if job_id not in self._backend.stored.trainings:
            raise errors.NotFoundError(f"no job {job_id!r} in this store; check option 'store'")
        job, training = self._backend.stored.trainings[job_id]
        if job.status() != "interrupted":
            return job
        return self._start(training, job_id, job.events())

    def _start(
        self,
        training: fake_model.Training,
        job_id: str,
        events: Sequence[records.TuningEvent] = (),
    ) -> ThreadJob:
        job = ThreadJob(job_id, partial(self._work, training), curve=training.curve, events=events)
        self._backend.stored.trainings[job_id] = (job, training)
        self._backend.jobs.append(job)
        return job.start()

    def _work(self, training: fake_model.Training, job: ThreadJob) -> TunedModel:
        options = self._backend.fake_options
        while not training.finished:
            if job.stop_requested.is_set():
                raise JobStopped
            for step in training.run_epoch():
                job.emit(records.TuningEvent(kind="step", **step.model_dump()))
                job.stop_requested.wait(options.step_seconds)
                while options.hold is not None and options.hold.exists():
                    if job.stop_requested.wait(0.02):
                        break
            last = training.curve().epochs[-1]
            job.emit(records.TuningEvent(kind="epoch", **last.model_dump()))
        options.fail_at("tune", errors.TuningError)
        return self._tuned(training, job.id)

    def _tuned(self, training: fake_model.Training, job_id: str) -> TunedModel:
        spec, curve, cut = training.spec, training.curve(), training.truncated_rows
        model = TunedModel(
            id=uuid.uuid4().hex,
            method={"name": spec.method.name, **spec.method.model_dump(mode="json")},
            labels=spec.labels,
            job_id=job_id,
            curve=curve,
            choices=training.choices,
            details={"optimizer_steps": len(curve.steps), "truncated_rows": cut},
            **self._backend.identity(spec.base_model),
        )
        self._backend.stored.models[model.id] = training.model
        return model


class FakeDeployer(_Part, interface.Deployer):
    """Keeps deployments as entries of the store."""

    def deploy(self, model: TunedModel, name: str) -> Deployment:
        if model.id not in self._backend.stored.models:
            raise errors.NotFoundError(f"no tuned model {model.id!r} in this store; tune again")
        self._backend.fake_options.fail_at("deploy", errors.DeploymentError)
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
        found = self._backend.stored.deployments.get(deployment_id)
        if found is None:
            raise errors.NotFoundError(
                f"no deployment {deployment_id!r} in this store; deploy again"
            )
        return found

    def list(self) -> Sequence[Deployment]:
        return tuple(self._backend.stored.deployments.values())

    def undeploy(self, deployment: Deployment) -> None:
        self._backend.stored.deployments.pop(deployment.id, None)


class FakePredictor(_Part, interface.Predictor):
    """Answers with the label that gets the most votes of the words. A token is a word."""

    def generate(
        self, target: Target, inputs: Sequence[str], params: GenerationParams | None = None
    ) -> list[Generation]:
        params = params or GenerationParams()
        self._backend.check_parameters(params)
        return [self._generate(target, text, params) for text in inputs]

    def stream(
        self, target: Target, text: str, params: GenerationParams | None = None
    ) -> Iterator[Generation]:
        self._backend.require("streaming")
        whole = self.generate(target, [text], params)[0]
        *pieces, last = re.findall(r"\S+\s*", whole.text) or [""]
        for piece in pieces:
            yield Generation(text=piece, prompt=whole.prompt)
        yield whole.model_copy(update={"text": last})

    def tokenize(self, target: Target, inputs: Sequence[str]) -> list[tuple[str, ...]]:
        self._backend.require("tokenize")
        self._read(target, "")  # refuses an unknown target
        return [tuple(text.split()) for text in inputs]

    def embed(
        self, base_model: str, texts: Sequence[str], max_tokens: int | None = None
    ) -> list[records.Embedding]:
        self._backend.require("embedding_dimension")
        self._read(base_model, "")  # refuses an unknown base model
        return [_embedded(text.split(), max_tokens) for text in texts]

    def prompts(self, deployment: Deployment, inputs: Sequence[str]) -> list[str]:
        return [self._read(deployment, text)[0] for text in inputs]

    def check_answers(
        self, spec: TuningSpec, prompts: Sequence[str], answer: records.Reading
    ) -> None:
        super().check_answers(spec, prompts, answer)
        for label in spec.labels if answer == "text" else ():
            text = spec.labels.surface(label)
            if spec.labels.parse(_stopped(text, spec.generation)[0]) != label:
                raise errors.ExperimentError(
                    f"generation.max_new_tokens: too few for the label {text!r}, which takes "
                    f"{len(text.split())} tokens; raise it"
                )

    def classify(
        self, target: Target, inputs: Sequence[str], labels: Iterable[str]
    ) -> list[Classification]:
        self._backend.require("base_label_scores" if isinstance(target, str) else "label_scores")
        asked = tuple(labels)
        return [self._classify(target, text, asked) for text in inputs]

    def label_tokens(
        self, base_model: str, prompts: Sequence[str], labels: Sequence[str]
    ) -> dict[str, records.LabelTokens]:
        found = self.classify(base_model, prompts, labels)
        return {
            label: records.LabelTokens(
                tokens=tuple(label.split()),
                mass=sum(one.probabilities[label] for one in found) / len(found),
            )
            for label in labels
        }

    def _classify(self, target: Target, text: str, labels: tuple[str, ...]) -> Classification:
        _, _, scores = self._read(target, text)
        if isinstance(target, str):  # other labels are equally probable
            scores = dict.fromkeys(labels, 1 / len(labels)) | scores
        for label in labels:
            if label not in scores:
                raise errors.ExperimentError(f"labels: {label!r} is none of {', '.join(scores)}")
        logs = {label: math.log(max(scores[label], fake_model.TINY)) for label in labels}
        return Classification(probabilities=fake_model.softmax(logs))

    def _generate(self, target: Target, text: str, params: GenerationParams) -> Generation:
        prompt, truncated, scores = self._read(target, text)
        if isinstance(target, str):
            self._backend.require("base_inference")
        label = _decode(scores, prompt, params)
        answer = label if isinstance(target, str) else target.model.labels.surface(label)
        said, count, reason = _stopped(answer, params)
        return Generation(
            text=said,
            prompt=prompt,
            input_token_count=len(prompt.split()),
            generated_token_count=count,
            stop_reason=reason,
            truncated=truncated,
        )

    def _read(self, target: Target, text: str) -> tuple[str, bool, dict[str, float]]:
        """Return the prompt, whether it was cut, and the probability of each label after it."""
        self._backend.fake_options.fail_at("predict", errors.PredictionError)
        if not isinstance(target, str):
            model = self._backend.deployer.get(target.id).model
            limit = model.method["max_input_tokens"]
            prompt, cut = fake_model.fit_into(model.method["verbalizer"], text, limit)
            return prompt, cut, self._backend.stored.models[model.id].probabilities(prompt)
        self._backend.base_model(target)
        votes = sum((word in GOOD) - (word in BAD) for word in fake_model.words(text))
        return text, False, fake_model.softmax({"0": -votes, "1": votes})


class FakeBackend(interface.Backend):
    """A backend with a bag of words as its model. Without ``options`` it shares no state."""

    name = "fake"
    options_model = FakeOptions
    declares: ClassVar[Mapping[str, Any]] = {}
    """Capabilities that a subclass changes. It can only declare fewer."""

    def __init__(self, options: interface.BackendOptions | None = None) -> None:
        super().__init__(options)
        self.stored = _STORES[self.options.store] if options else FakeStore()
        self.jobs: list[ThreadJob] = []

    @property
    def fake_options(self) -> FakeOptions:
        """The options, with their type."""
        return cast("FakeOptions", self.options)

    @property
    def tuner(self) -> FakeTuner:
        return FakeTuner(self)

    @property
    def deployer(self) -> FakeDeployer:
        return FakeDeployer(self)

    @property
    def predictor(self) -> FakePredictor:
        return FakePredictor(self)

    def base_models(self) -> list[BaseModelInfo]:
        stand_ins = [BaseModelInfo(name=name, stand_in=FAKE_MODEL) for name in STOOD_IN_FOR]
        return [BaseModelInfo(name=FAKE_MODEL, summary="a short list of words"), *stand_ins]

    def base_model(self, name: str) -> BaseModelInfo:
        known = {info.name: info for info in self.base_models()}
        if name not in known:
            others = f"there are: {', '.join(known)}.{errors.near_misses(name, known)}"
            raise errors.NotFoundError(f"no base model {name!r}; {others}")
        return known[name]

    def capabilities(self, base_model: str) -> Capabilities:
        self.base_model(base_model)
        return CAPABILITIES.model_copy(update=dict(self.declares))

    def versions(self) -> dict[str, str]:
        return {"fake": "1"}

    def close(self) -> None:
        for job in self.jobs:
            job.interrupt()

    def require(self, capability: str) -> None:
        """Refuse a capability that is not declared."""
        if not getattr(self.capabilities(FAKE_MODEL), capability):
            raise errors.UnsupportedError(f"backend {self.name!r} does not declare {capability}")

    def check_parameters(self, params: GenerationParams) -> None:
        """Refuse generation parameters that are not declared."""
        check_generation(params, self.name, self.capabilities(FAKE_MODEL))

    def identity(self, base_model: str) -> dict[str, Any]:
        """Return the fields of a tuned model that name its origin."""
        stand_in = self.base_model(base_model).stand_in
        return {"backend": self.name, "base_model": base_model, "stand_in": stand_in}


def _check_answers(method: PromptTuning, spec: TuningSpec) -> None:
    for label in spec.labels:
        needed = len(spec.labels.surface(label).split()) + 1
        if needed > method.max_output_tokens:
            raise errors.ExperimentError(
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


def _stopped(answer: str, params: GenerationParams) -> tuple[str, int, records.StopReason]:
    budget = 20 if params.max_new_tokens is None else params.max_new_tokens
    tokens = re.findall(r"\S+\s*", answer)
    said = "".join(tokens[:budget])
    if any(stop in said for stop in params.stop_sequences or ()):
        said = params.ended(said)
        return said, len(said.split()), "stop_sequence"
    if len(tokens) < budget:
        return said, len(tokens) + 1, "eos_token"
    return said, budget, "max_tokens"


def _embedded(words: Sequence[str], limit: int | None) -> records.Embedding:
    """Return the direction of the numbers of words and of letters."""
    read = words[:limit]
    size = math.hypot(len(read), letters := sum(map(len, read)))
    if not read:
        raise errors.PredictionError("a text has no tokens; give text to embed")
    return records.Embedding(
        vector=(len(read) / size, letters / size),
        token_count=len(read),
        unread_token_count=len(words) - len(read),
    )
