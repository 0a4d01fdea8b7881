"""The entry point: what tunesmith learns without importing anything heavy."""

from __future__ import annotations

import tunesmith_micro_granite
from tunesmith_micro_granite import plugin


def test_the_model_is_named_with_its_place() -> None:
    (entry,) = plugin.register_base_models()
    assert entry.name == "tunesmith/micro-granite"
    assert entry.path is not None
    module, _, attribute = entry.path.partition(":")
    assert module == tunesmith_micro_granite.__name__
    assert getattr(tunesmith_micro_granite, attribute)() == tunesmith_micro_granite.path()
