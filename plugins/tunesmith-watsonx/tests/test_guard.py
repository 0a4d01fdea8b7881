"""No test spends money unless it is allowed explicitly."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tunesmith.errors import UnsupportedError
from tunesmith_watsonx.backend import WatsonxBackend
from tunesmith_watsonx.guard import LIVE, is_ibm, refuse_paid_tests
from tunesmith_watsonx.options import WatsonxOptions

IBM = "https://us-south.ml.cloud.ibm.com"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (IBM, True),
        ("https://us-east-1.aws.wxai.ibm.com", True),
        ("https://api.dai.ibmforusgov.com", True),
        ("https://localhost:8443", False),
        ("https://127.0.0.1:8443", False),
        ("https://ibm.com.example.org", False),
        ("https://notibm.com", False),
    ],
)
def test_hosts_of_ibm_are_known(url, expected):
    assert is_ibm(url) is expected


@pytest.fixture
def not_live(monkeypatch):
    monkeypatch.delenv(LIVE, raising=False)


def test_a_test_is_refused(not_live, tmp_path):
    options = WatsonxOptions(url=IBM, api_key="k", project_id="p", store=tmp_path)
    with (
        WatsonxBackend(options) as backend,
        pytest.raises(UnsupportedError, match=r"us-south.*--live"),
    ):
        backend.base_models()


def test_an_emulator_is_not_refused(not_live):
    refuse_paid_tests("https://localhost:8443")


def test_live_allows_it(monkeypatch):
    monkeypatch.setenv(LIVE, "1")
    refuse_paid_tests(IBM)


def test_outside_pytest_nothing_is_refused(not_live, monkeypatch):
    monkeypatch.delenv("PYTEST_VERSION", raising=False)
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)
    refuse_paid_tests(IBM)


@pytest.mark.parametrize(("options", "passes"), [([], False), (["--live"], True)])
def test_the_option_of_the_pytest_plugin(options, passes, tmp_path):
    test = tmp_path / "test_it.py"
    test.write_text(
        "from tunesmith_watsonx.guard import refuse_paid_tests\n"
        f"def test_it():\n    refuse_paid_tests({IBM!r})\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != LIVE}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(test)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (done.returncode == 0) is passes, done.stdout


def test_the_pytest_plugin_imports_nothing_heavy():
    code = (
        "import sys, tunesmith_watsonx.pytest_plugin\n"
        "print([m for m in ('ibm_watsonx_ai', 'pandas', 'pydantic', 'httpx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
