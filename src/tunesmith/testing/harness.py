"""The base of all parts of the conformance suite: settings, fixtures and a check of subclasses."""

from __future__ import annotations

import contextlib
import functools
import inspect
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest

from tunesmith.backend import Backend, Capabilities, Deployer, Predictor, Target, Tuner, TuningJob
from tunesmith.backends.options import secret_options
from tunesmith.dataset import Dataset, ExperimentData
from tunesmith.errors import UnsupportedError
from tunesmith.records import Deployment, Row, TunedModel
from tunesmith.spec import TuningSpec
from tunesmith.testing import rows

CANARY = "canary-5f0c1e-do-not-print"
"""The value of every secret option that the test class does not set."""
LABELS = ("0", "1")
"""The labels of the experiment."""
REMEDY = "Troubleshooting:"
"""Begins the end of the docstring of each test: what to do if it fails."""

MakeBackend = Callable[[], Backend]
T = TypeVar("T")


class Harness:
    """Settings (class attributes) and fixtures (class methods). A subclass may set all of them.

    The name of a test is the promise that it checks. The end of its docstring, what to do if it
    fails, is printed below the failure.
    """

    backend_class: ClassVar[type[Backend]]
    """The backend under test."""
    backend_options: ClassVar[Mapping[str, Any]] = {}
    """Its options. The suite sets ``store``, and each secret that is not given here."""
    experiment_values: ClassVar[Mapping[str, Any]] = {}
    """``base_model`` and ``method`` of an experiment that takes seconds to tune. For a backend that
    tunes nothing, ``method`` is ``zero_shot``."""
    train_rows: ClassVar[Sequence[Row]] = rows.TRAIN
    validation_rows: ClassVar[Sequence[Row]] = rows.VALIDATION
    prediction_rows: ClassVar[Sequence[Row]] = rows.TEST
    any_base_model: ClassVar[bool] = False
    """Whether the backend accepts any name as a base model."""
    seed_matters: ClassVar[bool] = True
    """Whether another seed makes another model, if ``seeded`` is declared. False for a method that
    draws nothing."""
    timeout_seconds: ClassVar[float] = 300.0
    """Time limit of one tuning, in seconds."""
    score_tolerance: ClassVar[float] = 1e-5
    """Largest difference between the probabilities of a row alone and in a batch."""
    cancel_attempts: ClassVar[int] = 16
    """Number of jobs, each with more rows, to submit until one is cancelled before its end."""
    known_failures: ClassVar[Mapping[str, str]] = {}
    """Names of failing tests (``test_x`` or ``test_x[case]``), each with the reason."""

    declared: Capabilities
    """The capabilities and the parts of the backend, set for each test."""
    tuner: Tuner
    deployer: Deployer
    predictor: Predictor

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith("tunesmith.testing."):
            for name, test in list(vars(cls).items()):
                if name.startswith("test_"):
                    setattr(cls, name, _with_remedy(test))
            return
        suite = dict(_suite_tests(cls))
        replaced = [name for name, test in suite.items() if getattr(cls, name) is not test]
        if replaced:
            raise TypeError(
                f"{cls.__name__} overrides conformance tests: {', '.join(sorted(replaced))}. "
                "Declare known_failures = {'test_name': 'reason'} instead"
            )
        for name, reason in cls.known_failures.items():
            if name.partition("[")[0] not in suite or not reason.strip():
                raise TypeError(
                    f"{cls.__name__}.known_failures[{name!r}]: needs the name of a conformance "
                    "test and a reason"
                )

    @pytest.fixture(autouse=True)
    def _expect_known_failure(self, request: pytest.FixtureRequest) -> None:
        name, test = request.node.name, getattr(request.node, "originalname", "")
        if reason := self.known_failures.get(name) or self.known_failures.get(test):
            request.node.add_marker(pytest.mark.xfail(reason=reason, strict=True))

    @pytest.fixture(autouse=True)
    def _parts(
        self, _expect_known_failure: None, backend: Backend, capabilities: Capabilities
    ) -> None:
        self.declared, self.tuner = capabilities, backend.tuner
        self.deployer, self.predictor = backend.deployer, backend.predictor

    @classmethod
    def experiment(cls, **changes: Any) -> TuningSpec:
        """Return the experiment of this class, with changes."""
        fixed = {"name": "conformance", "labels": list(LABELS)}
        return TuningSpec.model_validate({**fixed, **cls.experiment_values, **changes})

    @classmethod
    def data(cls) -> ExperimentData:
        """Return the training rows in the form that the checks of the core take."""
        train = Dataset(source="train", rows=tuple(cls.train_rows))
        return ExperimentData(train, None, None, train)

    @classmethod
    def _tuned(cls, backend: Backend, rows: Sequence[Row]) -> TunedModel:
        return backend.tuner.submit(cls.experiment(), rows).wait(timeout=cls.timeout_seconds)

    @classmethod
    def inputs(cls) -> list[str]:
        """Return the inputs of the test rows."""
        return [row.input for row in cls.prediction_rows]

    @pytest.fixture(scope="class")
    @classmethod
    def store(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """The store of all instances."""
        return tmp_path_factory.mktemp("store")

    @pytest.fixture(scope="class")
    @classmethod
    def make_backend(cls, store: Path) -> MakeBackend:
        """A function that makes instances with the same store."""
        model = cls.backend_class.options_model
        secrets = dict.fromkeys(secret_options(model), CANARY)
        options = model.model_validate({**secrets, "store": store, **cls.backend_options})
        return lambda: cls.backend_class(options)

    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, make_backend: MakeBackend) -> Iterator[Backend]:
        """The instance for most tests."""
        with make_backend() as backend:
            yield backend

    @pytest.fixture(scope="class")
    @classmethod
    def capabilities(cls, backend: Backend) -> Capabilities:
        """The capabilities of the backend for the base model of the experiment."""
        return backend.capabilities(cls.experiment().base_model)

    @classmethod
    def tunes(cls) -> bool:
        """Return whether the experiment has a method that tunes."""
        return cls.experiment().method.tunes

    def writes(self, base: bool) -> bool:
        """Return whether the base model, or else a deployment, writes text."""
        return self.declared.base_inference if base else self.declared.inference

    def answers(self, target: Target, predictor: Predictor | None = None) -> list[Any]:
        """Return the answers to the test rows: texts, or probabilities if no text is written."""
        asked = predictor or self.predictor
        if self.writes(isinstance(target, str)):
            return [answer.text for answer in asked.generate(target, self.inputs())]
        return [one.probabilities for one in asked.classify(target, self.inputs(), LABELS)]

    @pytest.fixture(scope="class")
    @classmethod
    def job(cls, backend: Backend) -> TuningJob:
        """A completed job."""
        needs(cls.tunes(), "a method that tunes; see test_nothing_is_tuned_without_a_method")
        job = backend.tuner.submit(cls.experiment(), cls.train_rows)
        job.wait(timeout=cls.timeout_seconds)
        return job

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, job: TuningJob) -> TunedModel:
        """The tuned model of the job."""
        return job.result()

    @pytest.fixture(scope="class")
    @classmethod
    def deployment(cls, backend: Backend, model: TunedModel) -> Deployment:
        """A deployment of the model."""
        return backend.deployer.deploy(model, "conformance")

    @pytest.fixture
    def writer(self, request: pytest.FixtureRequest) -> Target:
        """A deployment that writes text; of a backend that tunes nothing, the base model."""
        needs(self.writes(base=not self.tunes()), "text")
        if not self.tunes():
            return self.experiment().base_model
        found: Deployment = request.getfixturevalue("deployment")
        return found

    @pytest.fixture
    @classmethod
    def failing_job(cls) -> TuningJob:
        """A submitted job that will fail. Replace it if you can make a tuning fail."""
        pytest.skip("the test class does not replace the fixture 'failing_job'")

    @pytest.fixture(scope="class")
    @classmethod
    def repeated(cls, backend: Backend, job: TuningJob) -> Deployment:
        """A second tuning of the same experiment, deployed."""
        del job  # it must be tuned before
        return backend.deployer.deploy(cls._tuned(backend, cls.train_rows), "repeated")

    @pytest.fixture(scope="class")
    @classmethod
    def swapped(cls, backend: Backend, job: TuningJob) -> Deployment:
        """The same experiment, tuned on rows with swapped labels and deployed."""
        del job  # it must be tuned before
        labels = sorted({row.output for row in cls.train_rows if row.output is not None})
        other = dict(zip(labels, labels[::-1], strict=True))
        rows = [Row(input=r.input, output=other.get(str(r.output))) for r in cls.train_rows]
        return backend.deployer.deploy(cls._tuned(backend, rows), "swapped")


def offered(declared: bool, name: str, call: Callable[[], T], naming: str = "") -> T | None:
    """Return ``call()``; if it is not declared, expect a refusal of ``name`` and return None."""
    if declared:
        return call()
    with refused(name, naming):
        call()
    return None


def needs(declared: bool, names: str) -> None:
    """Skip the test if a capability is not declared."""
    if not declared:
        pytest.skip(f"the backend does not declare {names}")


@contextlib.contextmanager
def refused(what: str, naming: str = "") -> Iterator[None]:
    """Expect exactly ``UnsupportedError`` with ``naming`` in it; ``what`` is not declared."""
    try:
        yield
    except UnsupportedError as error:
        if type(error) is not UnsupportedError:
            pytest.fail(f"{what}: raise UnsupportedError itself, not {type(error).__name__}")
        if not str(error).strip() or naming not in str(error):
            pytest.fail(f"{what}: the message must name {naming or 'the capability'}: {error}")
    else:
        pytest.fail(f"{what} is not declared, but did not raise UnsupportedError")


def _with_remedy(test: types.FunctionType) -> Callable[..., None]:
    """Return ``test`` with the end of its docstring, the remedy, below each failure."""
    remedy = (inspect.getdoc(test) or "").rpartition(REMEDY)[2]

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        try:
            test(*args, **kwargs)
        except (Exception, pytest.fail.Exception) as error:
            error.add_note(f"What to do: {' '.join(remedy.split())}")
            raise

    return run


def _suite_tests(cls: type) -> Iterator[tuple[str, Callable[..., None]]]:
    for base in cls.__mro__:
        if base.__module__.startswith("tunesmith.testing."):
            for name, value in vars(base).items():
                if name.startswith("test_"):
                    yield name, value
