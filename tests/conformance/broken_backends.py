"""Backends that each break one promise, for test_suite_can_fail.py, which runs this file.

The name keeps pytest from collecting it on its own. ``FAILS`` lists the tests that must fail.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import ClassVar

from tunesmith.errors import NotFoundError, UnsupportedError
from tunesmith.records import LearningCurve
from tunesmith.testing.conformance import BackendConformance
from tunesmith.testing.fake import (
    FAKE_MODEL,
    FakeBackend,
    FakeDeployer,
    FakePredictor,
    FakeStore,
    FakeTuner,
)


class Suite(BackendConformance):
    experiment_values: ClassVar = {
        "base_model": FAKE_MODEL,
        "method": {
            "name": "prompt_tuning",
            "num_epochs": 30,
            "batch_size": 4,
            "accumulate_steps": 1,
        },
    }


class WrongOrder(FakeBackend):
    @property
    def predictor(self):
        class Reversed(FakePredictor):
            def generate(self, target, inputs, params=None):
                return super().generate(target, inputs, params)[::-1]

        return Reversed(self)


class WrongTexts(FakeBackend):
    @property
    def predictor(self):
        class Sorted(FakePredictor):
            def generate(self, target, inputs, params=None):
                found = super().generate(target, inputs, params)
                texts = sorted(g.text for g in found)
                return [g.model_copy(update={"text": t}) for g, t in zip(found, texts, strict=True)]

        return Sorted(self)


class TouchyUndeploy(FakeBackend):
    @property
    def deployer(self):
        class Touchy(FakeDeployer):
            def undeploy(self, deployment):
                self.get(deployment.id)
                super().undeploy(deployment)

        return Touchy(self)


class Chatty(FakeBackend):
    def __repr__(self):
        return f"<FakeBackend {self.options.api_key.get_secret_value()}>"


class Deaf(FakeBackend):
    def check_parameters(self, params):
        pass


class Neighborly(FakeBackend):
    @property
    def predictor(self):
        class Crowded(FakePredictor):
            def generate(self, target, inputs, params=None):
                found = super().generate(target, inputs, params)
                wrong = {"0": "1", "1": "0"}
                if len(inputs) < 2:
                    return found
                last = found[-1].model_copy(update={"text": wrong.get(found[-1].text, "")})
                return [*found[:-1], last]

        return Crowded(self)


class OneForAll(FakeBackend):
    @property
    def predictor(self):
        class First(FakePredictor):
            def generate_each(self, targets, inputs, params=None):
                pairs = zip(targets, inputs, strict=True)
                return [self.generate(targets[0], [text], params)[0] for _, text in pairs]

            def classify_each(self, targets, inputs, labels):
                return self.classify(targets[0], inputs, labels)

        return First(self)


class Unseeded(FakeBackend):
    @property
    def tuner(self):
        class Random(FakeTuner):
            def submit(self, spec, train, validation=None):
                other = spec.model_copy(update={"seed": uuid.uuid4().int % 2**31})
                return super().submit(other, train, validation)

        return Random(self)


class Forgetful(FakeBackend):
    def __init__(self, options=None):
        super().__init__(options)
        self.stored = FakeStore()


class Littering(FakeBackend):
    def identity(self, base_model):
        found = super().identity(base_model)
        return {**found, "location": str(self.options.store)}


class OwnWords(FakeBackend):
    @property
    def predictor(self):
        class Renamed(FakePredictor):
            def tokenize(self, target, texts):
                return super().tokenize(target, texts)

        return Renamed(self)


class Unstoppable(FakeBackend):
    @property
    def tuner(self):
        class Stubborn(FakeTuner):
            def submit(self, spec, train, validation=None):
                job = super().submit(spec, train, validation)
                job.cancel = job.wait
                return job

        return Stubborn(self)


class LosesCurve(FakeBackend):
    @property
    def tuner(self):
        class Shortened(FakeTuner):
            def submit(self, spec, train, validation=None):
                job = super().submit(spec, train, validation)
                whole = job.learning_curve
                job.learning_curve = lambda: LearningCurve(steps=whole().steps[:-1])
                return job

        return Shortened(self)


class LaxRanges(FakeBackend):
    """Checks the spec against wider ranges than it declares."""

    lenient = False

    def capabilities(self, base_model):
        declared = super().capabilities(base_model)
        if not self.lenient:
            return declared
        wide = {name: type(r)() for name, r in declared.hyperparameters.items()}
        return declared.model_copy(update={"hyperparameters": wide})

    @property
    def tuner(self):
        class Lax(FakeTuner):
            def submit(self, spec, train, validation=None):
                self._backend.lenient = True
                try:
                    return super().submit(spec, train, validation)
                finally:
                    self._backend.lenient = False

        return Lax(self)


class KeepsSilent(FakeBackend):
    """Declares no scores, streaming or tokenizer, and offers them all the same."""

    declares: ClassVar = {"label_scores": False, "streaming": False, "tokenize": False}

    def require(self, capability):
        pass


class OwnError(UnsupportedError):
    pass


class OwnErrors(FakeBackend):
    declares: ClassVar = {"streaming": False}

    def require(self, capability):
        if capability == "streaming":
            raise OwnError("no streaming here")
        super().require(capability)


class MuteAboutNames(FakeBackend):
    def base_model(self, name):
        known = {info.name: info for info in self.base_models()}
        if name not in known:
            raise NotFoundError(f"no base model {name!r}")
        return known[name]


class PathsToDeployments(FakeBackend):
    """Opens the file that a path leads to."""

    @property
    def deployer(self):
        class Opening(FakeDeployer):
            def get(self, deployment_id):
                return super().get(Path(deployment_id).name)

        return Opening(self)


class PathsToJobs(FakeBackend):
    @property
    def tuner(self):
        class Opening(FakeTuner):
            def resume(self, job_id):
                return super().resume(Path(job_id).name)

        return Opening(self)


class OwnPathError(FakeBackend):
    """Refuses a path with an error that is not documented."""

    @property
    def deployer(self):
        class Strict(FakeDeployer):
            def get(self, deployment_id):
                if "/" in deployment_id:
                    raise ValueError(deployment_id)
                return super().get(deployment_id)

        return Strict(self)


class Unchecked(FakeBackend):
    """Lets settings pass under which no label can be written."""

    @property
    def predictor(self) -> FakePredictor:
        class Lenient(FakePredictor):
            def check_answers(self, spec, prompts, answer):
                pass

        return Lenient(self)


FAILS: dict[type[FakeBackend], set[str]] = {
    WrongOrder: {
        "test_prompts",
        "test_prompts_are_in_the_order_of_inputs",
        "test_a_row_does_not_depend_on_its_neighbors",
        "test_rows_of_several_targets",
    },
    WrongTexts: {"test_a_row_does_not_depend_on_its_neighbors", "test_rows_of_several_targets"},
    TouchyUndeploy: {"test_undeploy_is_idempotent"},
    Chatty: {"test_no_secret_is_shown"},
    Deaf: {"test_generation_parameter"},
    Neighborly: {"test_a_row_does_not_depend_on_its_neighbors", "test_rows_of_several_targets"},
    OneForAll: {"test_rows_of_several_targets", "test_scores_of_several_targets"},
    Unseeded: {"test_same_seed_same_model", "test_resume_an_interrupted_job"},
    Forgetful: {
        "test_second_instance_finds_deployment_and_model",
        "test_resume_a_finished_job",
        "test_resume_an_interrupted_job",
    },
    Littering: {"test_records_hold_no_absolute_path", "test_location_is_in_the_store"},
    OwnWords: {"test_signatures"},
    Unstoppable: {"test_cancel"},
    LosesCurve: {"test_learning_curve"},
    LaxRanges: {"test_hyperparameter_out_of_range"},
    KeepsSilent: {"test_classify", "test_stream", "test_tokenize"},
    OwnErrors: {"test_stream"},
    MuteAboutNames: {"test_unknown_base_model"},
    PathsToDeployments: {"test_an_id_is_never_a_path"},
    PathsToJobs: {"test_an_id_is_never_a_path"},
    OwnPathError: {"test_an_id_is_never_a_path"},
    Unchecked: {"test_text_that_can_be_no_label"},
}

for _backend in FAILS:
    globals()[f"Test{_backend.__name__}"] = type(
        f"Test{_backend.__name__}", (Suite,), {"backend_class": _backend, "__module__": __name__}
    )


class TestKnown(Suite):
    backend_class = TouchyUndeploy
    known_failures: ClassVar = {"test_undeploy_is_idempotent": "the service answers 404"}


class TestStale(Suite):
    backend_class = FakeBackend
    known_failures: ClassVar = {"test_generation_parameter[top_k]": "was repaired long ago"}
