"""Conformance of the records, the interface and the handling of secrets."""
# ruff: noqa: S101  # a test suite is made of assertions

from __future__ import annotations

import inspect
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from pydantic import SecretStr

from tunesmith.backend import Backend, Capabilities, Deployer, Predictor, Tuner, TuningJob
from tunesmith.backends.options import redacted
from tunesmith.errors import NotFoundError
from tunesmith.records import Deployment, Generation, Record, TunedModel
from tunesmith.testing.harness import Harness, MakeBackend


class RecordConformance(Harness):
    """Records are complete, survive JSON and hold no secret or absolute path."""

    @pytest.fixture(scope="class")
    @classmethod
    def records(
        cls, request: pytest.FixtureRequest, backend: Backend, capabilities: Capabilities
    ) -> list[Record]:
        """One record of each kind that the backend makes."""
        name = cls.experiment().base_model
        made: list[Record] = [capabilities, backend.base_model(name)]
        if cls.tunes():
            job: TuningJob = request.getfixturevalue("job")
            deployment: Deployment = request.getfixturevalue("deployment")
            made += [job.result(), deployment, job.result().curve, *job.events()]
        if capabilities.inference if cls.tunes() else capabilities.base_inference:
            made += backend.predictor.generate(deployment if cls.tunes() else name, cls.inputs())
        return made

    def test_records_survive_json(self, records: list[Record]) -> None:
        """Troubleshooting: put only JSON values into ``details``: lists, no tuples, string keys."""
        for record in records:
            assert type(record).from_json(record.to_json()) == record

    def test_records_hold_no_absolute_path(self, records: list[Record], store: Path) -> None:
        """Troubleshooting: make paths relative to ``options.store`` before you record them."""
        roots = [str(p) for p in (store, Path.home(), Path.cwd(), Path(tempfile.gettempdir()))]
        for record in records:
            for text in _texts(json.loads(record.to_json())):
                # A generated text may begin with a slash.
                if not isinstance(record, Generation):
                    assert not _is_absolute(text), f"{type(record).__name__}: {text}"
                found = [root for root in roots if root != "/" and root in text]
                assert not found, f"{type(record).__name__}: {text}"

    def test_tuned_model_says_where_it_comes_from(
        self, backend: Backend, model: TunedModel, job: TuningJob
    ) -> None:
        """A tuned model records backend, base model, stand-in, method, labels and job.

        Troubleshooting: ``method`` is ``{"name": ..., **method.model_dump(mode="json")}``,
        including defaults.
        """
        experiment = self.experiment()
        method = experiment.method
        assert model.backend == backend.name
        assert model.base_model == experiment.base_model
        assert model.stand_in == backend.base_model(experiment.base_model).stand_in
        assert model.method == {"name": method.name, **method.model_dump(mode="json")}
        assert model.labels == experiment.labels
        assert model.job_id == job.id

    def test_location_is_in_the_store(self, model: TunedModel, store: Path) -> None:
        """Troubleshooting: leave ``location`` None if a service keeps the model."""
        if model.location is None or self.declared.remote:
            pytest.skip("the backend keeps no local file")
        assert not Path(model.location).is_absolute()
        assert (store / model.location).exists()

    def test_base_models_are_known_by_name(self, backend: Backend) -> None:
        """Troubleshooting: list portable names in ``base_models``, not the names of the service."""
        listed = backend.base_models()
        assert listed, "base_models() is empty"
        for info in listed:
            assert backend.base_model(info.name) == info
            assert isinstance(backend.capabilities(info.name), Capabilities)

    def test_no_secret_is_shown(
        self,
        backend: Backend,
        make_backend: MakeBackend,
        records: list[Record],
    ) -> None:
        """Troubleshooting: declare it as ``SecretStr`` and unwrap it only when you send it."""
        values = [getattr(backend.options, name) for name in type(backend.options).model_fields]
        secrets = [v.get_secret_value() for v in values if isinstance(v, SecretStr)]
        with make_backend() as other, pytest.raises(NotFoundError) as caught:
            other.deployer.get("nosuchdeployment")
        parts = (backend, backend.options, self.tuner, self.deployer, self.predictor)
        shown = [f"{part!r} {part}" for part in parts]
        shown += [f"{record!r} {record.to_json()}" for record in records]
        shown += [repr(redacted(backend.options)), backend.options.model_dump_json()]
        shown += [repr(backend.versions()), repr(caught.value)]
        for secret in filter(None, secrets):
            leaks = [text for text in shown if secret in text]
            assert not leaks, f"a secret appears in: {leaks[0].replace(secret, '<SECRET>')}"

    def test_signatures(self, request: pytest.FixtureRequest) -> None:
        """Every method has the parameters of the interface.

        Troubleshooting: keep the names, kinds and defaults of the base class. Leave out
        ``prepared`` if ``Tuner.check`` returns nothing.
        """
        pairs: list[tuple[object, type]] = [
            (self.tuner, Tuner),
            (self.deployer, Deployer),
            (self.predictor, Predictor),
        ]
        if self.tunes():
            pairs.append((request.getfixturevalue("job"), TuningJob))
        for instance, base in pairs:
            assert isinstance(instance, base)
            for name, method in inspect.getmembers(base, inspect.isfunction):
                if not name.startswith("_"):
                    own = getattr(type(instance), name)
                    expected = [p for p in _shape(method) if p[0] != "prepared" or p in _shape(own)]
                    assert _shape(own) == expected, f"{type(instance).__name__}.{name}"

    def test_backend_is_a_context_manager(self, make_backend: MakeBackend) -> None:
        """Troubleshooting: ``close`` must not fail if there is nothing left to release."""
        backend = make_backend()
        with backend as entered:
            assert entered is backend
        backend.close()

    def test_versions_are_text(self, backend: Backend) -> None:
        """Troubleshooting: return ``{distribution: version}``."""
        for name, version in backend.versions().items():
            assert isinstance(name, str)
            assert isinstance(version, str)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _is_absolute(text: str) -> bool:
    return PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute()


def _shape(method: Any) -> list[tuple[str, Any, Any]]:
    parameters = inspect.signature(method).parameters.values()
    return [(p.name, p.kind, p.default) for p in parameters]
