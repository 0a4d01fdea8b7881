"""The suite of each defective backend. test_defects.py lets pytest run this file.

The name keeps pytest from collecting it on its own.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar

import pytest

sys.path.insert(0, str(Path(__file__).parent))
# Importing the modules fills the list.
import of_deployments
import of_jobs
import of_predictions
import of_records
import of_refusals
from defective import DEFECTS, EXPERIMENT, Defective

from tunesmith.testing.conformance import BackendConformance
from tunesmith.testing.fake import FakeOptions

__all__ = ["of_deployments", "of_jobs", "of_predictions", "of_records", "of_refusals"]


class Suite(BackendConformance):
    experiment_values: ClassVar = EXPERIMENT

    @pytest.fixture
    @classmethod
    def failing_job(cls, tmp_path, job):
        del job  # skips a backend that tunes nothing
        with cls.backend_class(FakeOptions(store=tmp_path, fail="tune")) as backend:
            yield backend.tuner.submit(cls.experiment(), cls.train_rows)


def suite_of(backend: type[Defective]) -> type[Suite]:
    values = {"backend_class": backend, "__module__": __name__, **backend.knobs}
    return type(f"Test{backend.__name__}", (Suite,), values)


for _backend in (Defective, *DEFECTS):
    globals()[f"Test{_backend.__name__}"] = suite_of(_backend)


class TestKnown(Suite):
    backend_class = of_deployments.TouchyUndeploy
    known_failures: ClassVar = {"test_undeploy_is_idempotent": "the service answers 404"}


class TestStale(Suite):
    backend_class = Defective
    known_failures: ClassVar = {"test_generation_parameter[top_k]": "was repaired long ago"}
