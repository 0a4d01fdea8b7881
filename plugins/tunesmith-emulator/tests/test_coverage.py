"""The coverage page in ``docs`` is what the route table says.

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


def test_every_route_says_where_its_shape_comes_from() -> None:
    for route in ROUTES:
        assert route.evidence, route.name
        assert set(route.evidence) <= set(MEANING), route.name
        own = route.path.startswith("/_emulator/")
        assert (route.evidence == ("ours",)) == own, route.name


def test_no_route_stands_twice() -> None:
    assert not [name for name, count in Counter(r.name for r in ROUTES).items() if count > 1]
