"""Options: given, then environment, then file, then default; secrets never shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field, SecretStr

from tunesmith.backend import BackendOptions
from tunesmith.backends.options import redacted, resolve_options
from tunesmith.errors import ExperimentError


class Options(BackendOptions):
    url: str = Field("https://default", json_schema_extra={"env": "DEMO_URL"})
    apikey: SecretStr | None = Field(None, json_schema_extra={"env": "DEMO_APIKEY"})
    workers: int = 1


@pytest.fixture
def options_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "options.toml"
    monkeypatch.setenv("TUNESMITH_OPTIONS", str(path))
    return path


def test_order_of_precedence(options_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_options("demo", Options, {}).url == "https://default"
    options_file.write_text('[demo]\nurl = "https://file"\nworkers = 2\n')
    assert resolve_options("demo", Options, {}).url == "https://file"
    monkeypatch.setenv("DEMO_URL", "https://environment")
    assert resolve_options("demo", Options, {}).url == "https://environment"
    resolved = resolve_options("demo", Options, {"url": "https://given"})
    assert (resolved.url, resolved.workers) == ("https://given", 2)


def test_an_unknown_option_names_near_misses(options_file: Path) -> None:
    with pytest.raises(ExperimentError, match=r"no option 'worker'.*Did you mean 'workers'"):
        resolve_options("demo", Options, {"worker": "1"})
    options_file.write_text("[demo]\nworker = 2\n")
    with pytest.raises(ExperimentError, match="worker"):
        resolve_options("demo", Options, {})


def test_a_wrong_value_is_named_by_field_and_never_shown(
    options_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO_APIKEY", "very-secret")
    with pytest.raises(ExperimentError, match="workers") as caught:
        resolve_options("demo", Options, {"workers": "very-secret"})
    assert "very-secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_broken_file_is_named(options_file: Path) -> None:
    options_file.write_text("[demo")
    with pytest.raises(ExperimentError, match=r"options\.toml"):
        resolve_options("demo", Options, {})


def test_secrets_are_asterisks(options_file: Path) -> None:
    options = resolve_options("demo", Options, {"apikey": "very-secret"})
    assert options.apikey is not None
    assert options.apikey.get_secret_value() == "very-secret"
    assert (
        "very-secret"
        not in f"{options!r} {options} {redacted(options)} {options.model_dump_json()}"
    )
