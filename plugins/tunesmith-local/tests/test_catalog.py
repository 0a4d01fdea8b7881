"""The base models that are available, and the requirements of those in plugins."""

from __future__ import annotations

import pytest

from tunesmith.errors import PluginError
from tunesmith.hookspecs import BaseModelEntry
from tunesmith_local import catalog
from tunesmith_local.catalog import Catalog
from tunesmith_local.options import LocalOptions

ABSENT = BaseModelEntry("a/model", "sum", path="of_nobody:path", served_as={"local": "a/model"})


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Catalog:
    unserved = BaseModelEntry("b/model", "install something first", path="of_nobody:path")
    monkeypatch.setattr(catalog, "_registered", lambda: {e.name: e for e in (ABSENT, unserved)})
    return Catalog(LocalOptions.model_validate({"device": "cpu", "offline": True}))


def test_listing_does_not_ask_an_embedded_model_for_its_path(here: Catalog) -> None:
    # Some are converted when they are asked, which takes seconds.
    assert "a/model" in [info.name for info in here.infos()]
    assert here.info("a/model").summary == "sum"


def test_an_embedded_model_that_no_backend_serves_yet_is_not_listed(here: Catalog) -> None:
    assert "b/model" not in [info.name for info in here.infos()]


def test_loading_asks_the_plugin_for_the_path(here: Catalog) -> None:
    for name in ("a/model", "b/model"):
        with pytest.raises(PluginError, match="of_nobody"):
            here.load(name)


@pytest.mark.parametrize(("dtype", "expected"), [(None, "float32"), ("auto", "auto")])
def test_an_entry_has_its_compute_type(dtype: str | None, expected: str) -> None:
    more = {} if dtype is None else {"dtype": dtype}
    entry = BaseModelEntry("c/model", "sum", path="tunesmith_micro_granite:path", **more)
    assert catalog._source(entry).dtype == expected
