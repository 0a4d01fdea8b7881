"""The coverage page in ``docs`` agrees with the route table.

After a change: ``UPDATE_DOCS=1 python -m pytest`` on this file.
"""

from __future__ import annotations

import ast
import os
from collections import Counter
from pathlib import Path

import tunesmith_emulator
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


def test_no_two_shapes_of_a_body_share_a_name() -> None:
    """In the OpenAPI document one of them would take the place of the other."""
    package = Path(tunesmith_emulator.__file__).parent
    files = [*package.glob("routes/*.py"), *package.glob("*/requests.py")]
    names = Counter(
        node.name
        for file in files
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    )
    assert len(names) > 20
    assert [name for name, count in names.items() if count > 1] == []
