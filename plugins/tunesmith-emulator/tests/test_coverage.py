"""The coverage page in ``docs`` agrees with the route table.

After a change: ``UPDATE_DOCS=1 python -m pytest`` on this file.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from tunesmith_emulator.coverage import MEANING, coverage_page
from tunesmith_emulator.routes.table import ROUTES

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "watsonx-coverage.md"


def test_the_page_is_up_to_date() -> None:
    page = coverage_page()
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page


def test_every_route_names_the_source_of_its_shape() -> None:
    for route in ROUTES:
        assert route.evidence, route.name
        assert set(route.evidence) <= set(MEANING), route.name
        own = route.path.startswith("/_emulator/")
        assert (route.evidence == ("ours",)) == own, route.name


def test_no_route_is_registered_twice() -> None:
    assert not [name for name, count in Counter(r.name for r in ROUTES).items() if count > 1]
