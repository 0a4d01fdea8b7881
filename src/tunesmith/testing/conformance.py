"""The conformance suite that every backend must pass. It needs pytest.

A plugin author subclasses it in a test module::

    from tunesmith.testing.conformance import BackendConformance

    class TestMyBackend(BackendConformance):
        backend_class = MyBackend
        experiment_values = {"base_model": "me/my-model", "method": {"name": "my_method"}}

The suite reads the ``Capabilities`` that the backend declares: a declared capability must work, and
any other must raise ``UnsupportedError``. So the backend may also lack ``prompt_tuning``, text or
tuning: the tests of what it lacks are skipped. The settings are the class attributes of
:class:`~tunesmith.testing.harness.Harness`. Its fixtures may be replaced, for example
``make_backend`` for a backend that needs a server, or ``failing_job``. Tests may not be replaced or
removed. If a test fails, its last line says what to do. If you cannot repair it, name it in
``known_failures`` with the reason: it becomes a strict xfail.
"""

from __future__ import annotations

import pytest

# Registered before the import, so that a failing assert shows its values.
for _part in ("deployments", "jobs", "predictions", "records", "refusals"):
    pytest.register_assert_rewrite(f"tunesmith.testing.suite_{_part}")

from tunesmith.testing.suite_deployments import DeploymentConformance  # noqa: E402
from tunesmith.testing.suite_jobs import JobConformance  # noqa: E402
from tunesmith.testing.suite_predictions import PredictionConformance  # noqa: E402
from tunesmith.testing.suite_records import RecordConformance  # noqa: E402
from tunesmith.testing.suite_refusals import RefusalConformance  # noqa: E402

__all__ = ["BackendConformance"]


class BackendConformance(
    RefusalConformance,
    JobConformance,
    DeploymentConformance,
    PredictionConformance,
    RecordConformance,
):
    """All tests for a backend. The docstring of the module shows how to use it."""
