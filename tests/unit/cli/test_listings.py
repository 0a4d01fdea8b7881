"""backends, methods, models, plugins, deployments."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import Result

from tunesmith.methods import FewShot, Method, PromptTuning, ZeroShot
from tunesmith.plugins import CORE_METHODS
from tunesmith.testing.fake import FAKE_MODEL

Invoke = Callable[..., Result]


def listed(invoke: Invoke, *arguments: str) -> list[dict[str, object]]:
    done = invoke(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", ["backends", "methods", "models", "plugins", "data", "runs"])
def test_listing_prints_json_or_text(name: str, invoke: Invoke) -> None:
    assert isinstance(listed(invoke, name), list)
    assert invoke(name).stdout.strip()


def test_backends_list_missing_modules(invoke: Invoke) -> None:
    found = {entry["name"]: entry for entry in listed(invoke, "backends")}
    assert found["sklearn"]["methods"] == ["majority", "tfidf_logreg", "embeddings_logreg"]
    assert found["fake"]["missing"] == []
    assert found["lacking"]["missing"] == ["no_such_module"]
    assert "needs no_such_module: pip install it" in invoke("backends").stdout


@pytest.mark.parametrize("method", [PromptTuning, ZeroShot, FewShot])
def test_methods_of_the_core_are_listed(method: type[Method], invoke: Invoke) -> None:
    assert method.name in CORE_METHODS
    assert len(CORE_METHODS) == 3
    assert method.name in {entry["name"] for entry in listed(invoke, "methods")}


def test_methods_of_backends_are_listed(invoke: Invoke) -> None:
    found = {entry["name"]: entry["from"] for entry in listed(invoke, "methods")}
    assert found["tfidf_logreg"] == "sklearn"
    of_local = {"linear_probe", "p_tuning", "prefix_tuning", "lora", "fine_tuning"}
    assert {name for name, owner in found.items() if owner == "local"} == of_local


def test_models_of_a_backend(invoke: Invoke) -> None:
    found = {m["name"]: m["stand_in"] for m in listed(invoke, "models", "--backend", "fake")}
    assert found[FAKE_MODEL] is None
    assert found["ibm/granite-3-8b-instruct"] == FAKE_MODEL


def test_plugins_name_their_distribution(invoke: Invoke) -> None:
    found = {entry["name"]: entry for entry in listed(invoke, "plugins")}
    assert found["sklearn"]["distribution"] == "tunesmith-sklearn"
    assert found["fake"]["error"] is None
