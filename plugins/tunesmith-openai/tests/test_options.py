"""Options: the key never shows, and no test reaches a provider that costs money."""

from __future__ import annotations

import traceback

import pytest

from tunesmith.backends.options import redacted, resolve_options
from tunesmith.errors import AuthenticationError, BackendError, ExperimentError, UnsupportedError
from tunesmith_openai.backend import OpenAIBackend
from tunesmith_openai.options import LIVE, OpenAIOptions

KEY = "sk-never-shown"


def test_the_environment_gives_address_and_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.example.com/v1/")
    options = resolve_options("openai", OpenAIOptions, {})
    assert (options.base_url, options.key()) == ("https://api.example.com/v1", KEY)


def test_an_option_names_the_variable_of_another_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "the key of another provider")
    options = resolve_options("openai", OpenAIOptions, {"key_variable": "THEIR_KEY"})
    with pytest.raises(ExperimentError, match="THEIR_KEY is not set"):
        options.key()
    monkeypatch.setenv("THEIR_KEY", KEY)
    assert options.key() == KEY
    assert KEY not in repr(options) + repr(redacted(options))


def test_only_a_server_on_this_machine_needs_no_key():
    assert OpenAIOptions(base_url="http://localhost:8000/v1").key()
    with pytest.raises(ExperimentError, match="set OPENAI_API_KEY"):
        OpenAIOptions().key()


@pytest.mark.parametrize("url", ["api.openai.com", "ftp://host/v1", "https://"])
def test_an_address_must_be_one(url):
    with pytest.raises(ExperimentError, match=r"base_url.*must be an address"):
        resolve_options("openai", OpenAIOptions, {"base_url": url})


def test_an_error_of_the_provider_does_not_show_the_key(provider, connect):
    provider.key = "another"
    with pytest.raises(AuthenticationError) as caught:
        connect(api_key=KEY).base_models()
    assert "Incorrect API key" in str(caught.value)
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_a_server_that_is_not_there_is_named(tmp_path):
    options = OpenAIOptions(base_url="http://127.0.0.1:9/v1", store=tmp_path)
    with OpenAIBackend(options) as backend, pytest.raises(BackendError, match="option base_url"):
        backend.base_models()


def test_a_test_is_refused(monkeypatch, tmp_path):
    monkeypatch.delenv(LIVE, raising=False)
    options = OpenAIOptions(api_key=KEY, store=tmp_path)
    with (
        OpenAIBackend(options) as backend,
        pytest.raises(UnsupportedError, match=r"api\.openai\.com.*TUNESMITH_OPENAI_LIVE"),
    ):
        backend.base_models()


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://localhost/v1", True),
        ("https://localhost.example.com/v1", False),
        ("https://api.openai.com/v1", False),
    ],
)
def test_a_server_on_this_machine_costs_nothing(url, here):
    assert OpenAIOptions(base_url=url).on_this_machine is here
