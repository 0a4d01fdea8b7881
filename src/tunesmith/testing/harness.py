"""What every part of the conformance suite stands on: knobs, fixtures and the guard."""

from __future__ import annotations

import contextlib
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, get_args

import pytest
from pydantic import SecretStr

from tunesmith.backend import Backend, Capabilities, TuningJob
from tunesmith.dataset import Dataset, ExperimentData
from tunesmith.errors import UnsupportedError
from tunesmith.records import Deployment, Row, TunedModel
from tunesmith.spec import TuningSpec
from tunesmith.testing import rows

CANARY = "canary-5f0c1e-do-not-print"
"""The value of every secret option that the test class does not give."""

MakeBackend = Callable[[], Backend]


class Harness:
    """Knobs (class attributes) and fixtures (class methods), all of which a subclass may set."""

    backend_class: ClassVar[type[Backend]]
    """The backend under test."""
    backend_options: ClassVar[Mapping[str, Any]] = {}
    """Its options; ``store`` is set by the suite, and secrets unless they are given here."""
    experiment_values: ClassVar[Mapping[str, Any]] = {}
    """``base_model`` and ``method`` of an experiment that is tuned in seconds."""
    train_rows: ClassVar[Sequence[Row]] = rows.TRAIN
    validation_rows: ClassVar[Sequence[Row]] = rows.VALIDATION
    prediction_rows: ClassVar[Sequence[Row]] = rows.TEST
    any_base_model: ClassVar[bool] = False
    """Whether the backend accepts every name of a base model."""
    timeout_seconds: ClassVar[float] = 300.0
    """How long one tuning may take."""
    score_tolerance: ClassVar[float] = 1e-5
    """How far apart two probabilities of one row may lie, alone and in a batch."""
    cancel_attempts: ClassVar[int] = 16
    """How many jobs, of ever more rows, are submitted until one is caught before it ends."""
    known_failures: ClassVar[Mapping[str, str]] = {}
    """Tests that fail, by name (``test_x`` or ``test_x[case]``), each with the reason."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith("tunesmith.testing."):
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
        names: tuple[str, str] = (request.node.name, getattr(request.node, "originalname", ""))
        for name in names:
            if name in self.known_failures:
                reason = self.known_failures[name]
                request.node.add_marker(pytest.mark.xfail(reason=reason, strict=True))
                return

    @classmethod
    def experiment(cls, **changes: Any) -> TuningSpec:
        """Return what this class tunes, with changes."""
        values = {
            "name": "conformance",
            "labels": ["0", "1"],
            **cls.experiment_values,
            **changes,
        }
        return TuningSpec.model_validate(values)

    @classmethod
    def data(cls, *, validation: bool = False) -> ExperimentData:
        """Return the rows as the core's checks take them."""
        held_out = Dataset(source="validation", rows=tuple(cls.validation_rows))
        train = Dataset(source="train", rows=tuple(cls.train_rows))
        return ExperimentData(train, held_out if validation else None, None, train)

    @classmethod
    def inputs(cls) -> list[str]:
        """Return the inputs of the test rows."""
        return [row.input for row in cls.prediction_rows]

    @pytest.fixture(scope="class")
    @classmethod
    def store(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """The store that all instances share."""
        return tmp_path_factory.mktemp("store")

    @pytest.fixture(scope="class")
    @classmethod
    def make_backend(cls, store: Path) -> MakeBackend:
        """A factory of instances on one store."""
        model = cls.backend_class.options_model
        secrets = {
            name: CANARY
            for name, field in model.model_fields.items()
            if SecretStr in (field.annotation, *get_args(field.annotation))
        }
        options = model.model_validate({**secrets, "store": store, **cls.backend_options})
        return lambda: cls.backend_class(options)

    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, make_backend: MakeBackend) -> Iterator[Backend]:
        """The instance that most tests use."""
        with make_backend() as backend:
            yield backend

    @pytest.fixture(scope="class")
    @classmethod
    def capabilities(cls, backend: Backend) -> Capabilities:
        """What the backend declares for the base model of the experiment."""
        return backend.capabilities(cls.experiment().base_model)

    @pytest.fixture(scope="class")
    @classmethod
    def job(cls, backend: Backend) -> TuningJob:
        """A job that is completed."""
        job = backend.tuner.submit(cls.experiment(), cls.train_rows)
        job.wait(timeout=cls.timeout_seconds)
        return job

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, job: TuningJob) -> TunedModel:
        """The tuned model of that job."""
        return job.result()

    @pytest.fixture(scope="class")
    @classmethod
    def deployment(cls, backend: Backend, model: TunedModel) -> Deployment:
        """A deployment of that model."""
        return backend.deployer.deploy(model, "conformance")

    @pytest.fixture(scope="class")
    @classmethod
    def twin(cls, backend: Backend, job: TuningJob) -> Deployment:
        """The same experiment, tuned and deployed once more."""
        del job  # the first tuning comes first
        again = backend.tuner.submit(cls.experiment(), cls.train_rows)
        return backend.deployer.deploy(again.wait(timeout=cls.timeout_seconds), "twin")

    @pytest.fixture(scope="class")
    @classmethod
    def contrary(cls, backend: Backend, job: TuningJob) -> Deployment:
        """The same experiment, tuned on rows with exchanged labels and deployed."""
        del job  # the first tuning comes first
        labels = sorted({row.output for row in cls.train_rows if row.output is not None})
        other = dict(zip(labels, labels[::-1], strict=True))
        rows = [Row(input=r.input, output=other.get(str(r.output))) for r in cls.train_rows]
        tuned = backend.tuner.submit(cls.experiment(), rows).wait(timeout=cls.timeout_seconds)
        return backend.deployer.deploy(tuned, "contrary")


@contextlib.contextmanager
def refused(what: str, naming: str = "") -> Iterator[None]:
    """Expect exactly ``UnsupportedError`` with ``naming`` in it: ``what`` is not declared."""
    try:
        yield
    except UnsupportedError as error:
        if type(error) is not UnsupportedError:
            pytest.fail(f"{what}: raise UnsupportedError itself, not {type(error).__name__}")
        if not str(error).strip() or naming not in str(error):
            pytest.fail(f"{what}: the message must name {naming or 'what is refused'}: {error}")
    else:
        pytest.fail(f"{what} is not declared, and was not refused with UnsupportedError")


def _suite_tests(cls: type) -> Iterator[tuple[str, types.FunctionType]]:
    for base in cls.__mro__:
        if base.__module__.startswith("tunesmith.testing."):
            for name, value in vars(base).items():
                if name.startswith("test_"):
                    yield name, value
