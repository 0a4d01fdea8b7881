"""The sources of the options, their errors, and the redaction of secrets."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tunesmith.backends.options import redacted, resolve_options
from tunesmith.cli.app import cli
from tunesmith.errors import ExperimentError
from tunesmith_watsonx.backend import WatsonxBackend
from tunesmith_watsonx.options import WatsonxOptions

URL = "https://us-south.ml.cloud.ibm.com"
KEY = "k-3f2a-do-not-print"
VARIABLES = {
    "WATSONX_URL": ("url", URL),
    "WATSONX_PROJECT_ID": ("project_id", "p"),
    "WATSONX_PLATFORM_URL": ("platform_url", "https://localhost:1"),
    "WATSONX_AUTH_URL": ("auth_url", "https://localhost:1/identity/token"),
    "WATSONX_USERNAME": ("username", "me"),
    "WATSONX_INSTANCE_ID": ("instance_id", "openshift"),
    "WATSONX_VERSION": ("version", "5.2"),
}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch, tmp_path):
    for name in (*VARIABLES, "WATSONX_APIKEY", "WATSONX_TOKEN", "WATSONX_SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("WATSONX_VERIFY", raising=False)
    monkeypatch.setenv("TUNESMITH_OPTIONS", str(tmp_path / "options.toml"))


def resolved(**given):
    return resolve_options("watsonx", WatsonxOptions, given)


@pytest.mark.parametrize("variable", sorted(VARIABLES))
def test_an_option_comes_from_its_variable(variable, monkeypatch):
    field, value = VARIABLES[variable]
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("WATSONX_AUTH_URL", VARIABLES["WATSONX_AUTH_URL"][1])
    assert getattr(resolved(), field) == value


def test_the_key_comes_from_its_variable_or_the_options_file(monkeypatch, tmp_path):
    (tmp_path / "options.toml").write_text('[watsonx]\napi_key = "from-file"\n')
    assert resolved().api_key.get_secret_value() == "from-file"
    monkeypatch.setenv("WATSONX_APIKEY", KEY)
    assert resolved().api_key.get_secret_value() == KEY


def test_no_secret_shows_in_options_or_backend():
    options = resolved(url=URL, api_key=KEY, token=KEY, password=KEY)
    backend = WatsonxBackend(options)
    shown = [repr(options), str(options), options.model_dump_json(), repr(redacted(options))]
    shown += [repr(backend), repr(backend.tuner), repr(backend.predictor), repr(vars(backend))]
    assert not [text for text in shown if KEY in text]
    assert options.secrets() == (KEY, KEY, KEY)


@pytest.mark.parametrize("field", ["api_key", "token", "password"])
def test_a_wrong_secret_is_not_in_the_error(field):
    with pytest.raises(ExperimentError) as caught:
        resolved(**{field: [KEY]})
    assert field in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("value", ["false", "False", False])
def test_certificates_are_always_checked(value):
    with pytest.raises(ExperimentError, match="certificate authority"):
        resolved(verify=value)


def test_verify_is_true_or_a_file_that_exists(tmp_path: Path):
    file = tmp_path / "ca.pem"
    with pytest.raises(ExperimentError, match=r"ca\.pem"):
        resolved(verify=str(file))
    file.touch()
    assert resolved(verify=str(file)).verify == str(file)
    assert resolved(verify="True").verify == "true"


@pytest.mark.parametrize("field", ["url", "platform_url", "auth_url"])
def test_plain_http_is_refused(field):
    given = {"auth_url": "https://localhost/t", field: "http://localhost:1"}
    with pytest.raises(ExperimentError, match="https://"):
        resolved(**given)


def test_an_unknown_host_needs_a_token_address():
    with pytest.raises(ExperimentError, match="auth_url"):
        resolved(url="https://localhost:1", platform_url="https://localhost:1", api_key=KEY)
    resolved(url="https://localhost:1", platform_url="https://localhost:1", token=KEY)


def test_project_and_space_exclude_each_other():
    with pytest.raises(ExperimentError, match="project_id"):
        resolved(project_id="p", space_id="s")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "url"),
        ({"url": URL}, "api_key"),
        ({"url": URL, "api_key": KEY}, "project_id"),
        ({"url": "https://localhost:1", "api_key": KEY, "project_id": "p"}, "platform_url"),
    ],
)
def test_a_missing_setting_is_named_with_its_variable(given, named, tmp_path):
    with (
        WatsonxBackend(resolved(store=tmp_path, **given)) as backend,
        pytest.raises(ExperimentError, match=f"option {named} .*WATSONX_") as caught,
    ):
        backend.base_models()
    assert KEY not in str(caught.value)


def test_a_backend_is_made_without_any_option(tmp_path):
    with WatsonxBackend() as backend:
        assert backend.versions()["ibm-watsonx-ai"]


def test_the_clean_up_command_reads_its_options():
    done = CliRunner().invoke(cli, ["watsonx-clean-up", "--yes", "--option", "no_such=1"])
    assert done.exit_code == ExperimentError.exit_code
    assert "backend 'watsonx' has no option 'no_such'" in done.stderr
