"""A backend or a method whose plugin is not installed is named with its installation."""

from __future__ import annotations

import pytest

from tunesmith import plugins
from tunesmith.backends.connect import backend_class
from tunesmith.errors import ExperimentError, PluginError


@pytest.fixture
def core_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunesmith.plugins.registry", lambda: plugins.Registry([]))
    monkeypatch.setattr("tunesmith.backends.connect.registry", lambda: plugins.Registry([]))


@pytest.mark.usefixtures("core_alone")
@pytest.mark.parametrize(("name", "extra"), plugins.EXTRAS.items())
def test_without_the_plugin_the_package_is_named(name: str, extra: str) -> None:
    message = rf"pip install 'tunesmith\[{extra}\]'"
    if name in ("local", "openai", "sklearn", "watsonx"):
        with pytest.raises(PluginError, match=message):
            backend_class(name)
    else:
        with pytest.raises(ExperimentError, match=message):
            plugins.method_class(name)


@pytest.mark.usefixtures("core_alone")
def test_an_unknown_method_has_no_installation_hint() -> None:
    with pytest.raises(ExperimentError, match="no method 'prompt_tunning'") as error:
        plugins.method_class("prompt_tunning")
    assert "did you mean" in str(error.value).lower()
    assert "pip install" not in str(error.value)


@pytest.mark.usefixtures("core_alone")
def test_the_core_has_its_own_methods() -> None:
    assert plugins.method_class("zero_shot").name == "zero_shot"
    entry = plugins.method_entry("few_shot")
    assert entry is not None
    assert entry.kind == "prompting"
