"""The one conformance suite that every backend passes. Needs pytest.

A plugin author subclasses it in a test module::

    from tunesmith.testing.conformance import BackendConformance

    class TestMyBackend(BackendConformance):
        backend_class = MyBackend
        experiment_values = {"base_model": "me/my-model", "method": {"name": "my_method"}}

The suite asks what the backend declares (``Capabilities``), never what it is called: what is
declared must work, what is not must raise ``UnsupportedError``. The knobs are the class attributes
of :class:`~tunesmith.testing.harness.Harness`; its fixtures may be replaced too (``make_backend``
for a backend that needs a server). A test may be neither replaced nor removed: one that fails is
named in ``known_failures`` with the reason and becomes a strict xfail.
"""

from __future__ import annotations

import pytest

# Before they are imported, so that a failing assert shows its values in an author's run too.
pytest.register_assert_rewrite(
    "tunesmith.testing.suite_deployments",
    "tunesmith.testing.suite_jobs",
    "tunesmith.testing.suite_predictions",
    "tunesmith.testing.suite_records",
    "tunesmith.testing.suite_refusals",
)

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
    """Everything that a backend promises. See the module's docstring for how to use it."""
