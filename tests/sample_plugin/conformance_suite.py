"""The conformance tests of the sample plugin; run by tests/conformance/test_sample_plugin.py."""

from tunesmith_parrot import Parrot

from tunesmith.testing.conformance import BackendConformance


class TestParrot(BackendConformance):
    backend_class = Parrot
    experiment_values = {"base_model": "acme/parrot", "method": {"name": "repeat"}}  # noqa: RUF012
