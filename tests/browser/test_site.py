"""The documentation site, built and opened in Chromium: complete, silent, accessible."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from tests.browser.test_report_pages import SCHEMES, WIDTHS, violations

import tunesmith

ROOT = Path(__file__).parents[2]
PYTHON_PAGES = "reference/python"
CONFIG = ROOT / "docs/site/mkdocs.yml"
LOOKS = [(width, scheme) for width in WIDTHS for scheme in SCHEMES]
PARTS = 2 * len(LOOKS)
DENSE = (
    "index.html",
    "reference/python/evaluation.html",
    "how-to/use-it-from-python.html",
    "notebooks/tutorial.html",
)
"""Pages with tables, signatures, code in several languages, and outputs."""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built without a warning."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", CONFIG, "--site-dir", folder],
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def all_names(site: Path) -> list[str]:
    """The pages of the site."""
    return sorted(path.relative_to(site).as_posix() for path in site.glob("**/*.html"))


@pytest.fixture(scope="module")
def names(all_names: list[str]) -> list[str]:
    """The pages to open: every sixth one, or all if ``TUNESMITH_ALL_PAGES`` is set."""
    return all_names if os.environ.get("TUNESMITH_ALL_PAGES") else all_names[::6]


@contextmanager
def tab(chromium: Browser, width: str = "screen", scheme: Any = "light") -> Iterator[Page]:
    context = chromium.new_context(
        viewport={"width": WIDTHS[width], "height": 900}, color_scheme=scheme
    )
    page = context.new_page()
    yield page
    context.close()


def test_the_site_has_every_page_of_the_documentation(all_names: list[str]) -> None:
    for folder in (ROOT / "docs", ROOT / "docs/notebooks"):
        suffix = "ipynb" if folder.name == "notebooks" else "md"
        for path in folder.glob(f"**/*.{suffix}"):
            assert path.relative_to(ROOT / "docs").with_suffix(".html").as_posix() in all_names
    assert {"repository/CHANGELOG.html", "repository/CONTRIBUTING.html"} <= set(all_names)


def test_every_public_name_has_its_docstring_on_a_page(site: Path) -> None:
    pages = "".join(path.read_text() for path in (site / PYTHON_PAGES).glob("*.html"))
    anchors = set(re.findall(r'id="(tunesmith[\w.]+)"', pages))
    ends = {anchor.rpartition(".")[2] for anchor in anchors}
    assert set(tunesmith.__all__) - ends == set()


def test_every_command_has_its_help_on_a_page(site: Path) -> None:
    page = (site / "reference/command-line.html").read_text()
    assert 'id="tunesmith-run"' in page
    assert "Usage: tunesmith run" in re.sub("<[^>]+>", "", page)


def test_no_file_names_another_host_to_load_from(site: Path) -> None:
    """Links may lead elsewhere. What a browser loads by itself may not."""
    loaded = re.compile(
        r"<(?:script|link|img|iframe|source)\b[^>]*?(?:src|href)=\"?(https?:[^\"> ]+)"
    )
    found = {url for path in site.glob("**/*.html") for url in loaded.findall(path.read_text())}
    assert found == set()


def test_pages_are_silent_and_ask_no_other_host(
    chromium: Browser, address: str, names: list[str]
) -> None:
    said: list[str] = []
    with tab(chromium) as page:
        page.on("console", lambda message: said.append(f"{page.url}: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"{page.url}: {error}"))
        page.on("request", lambda request: _noted(said, request.url, address))
        for name in names:
            page.goto(f"{address}/{name}")
    assert said == []


def _noted(said: list[str], url: str, address: str) -> None:
    if not url.startswith((address, "data:")):
        said.append(f"asked: {url}")


@pytest.mark.parametrize("part", range(PARTS))
def test_axe_finds_nothing_on_any_page(
    chromium: Browser, address: str, names: list[str], part: int
) -> None:
    """Each page on one screen in one color scheme, in turn: they share one style."""
    width, scheme = LOOKS[part % len(LOOKS)]
    with tab(chromium, width, scheme) as page:
        assert broken(page, address, names[part::PARTS]) == {}


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_axe_finds_nothing_on_the_densest_pages(
    chromium: Browser, address: str, width: str, scheme: str
) -> None:
    with tab(chromium, width, scheme) as page:
        assert broken(page, address, DENSE) == {}


def broken(page: Page, address: str, names: Iterable[str]) -> dict[str, list[str]]:
    """Return the rules that axe finds broken, by the names of the pages."""
    found = {}
    for name in names:
        page.goto(f"{address}/{name}")
        found[name] = violations(page)
    return {name: rules for name, rules in found.items() if rules}


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_overflows_at_the_side(
    chromium: Browser, address: str, names: list[str], width: str
) -> None:
    wide = []
    with tab(chromium, width) as page:
        for name in names:
            page.goto(f"{address}/{name}")
            if page.evaluate("document.documentElement.scrollWidth") > WIDTHS[width]:
                wide.append(name)
    assert wide == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_search_leads_to_a_page(chromium: Browser, address: str, width: str) -> None:
    with tab(chromium, width) as page:
        page.goto(f"{address}/index.html")
        if width == "phone":
            page.click("label.md-header__button[for=__search]")
        page.fill("input[name=query]", "McNemar")
        first = page.locator(".md-search-result__link").first
        first.wait_for()
        assert "explanation/verdicts.html" in " ".join(_results(page))
        first.click()
        page.wait_for_url(re.compile(r"\.html"))
        assert "McNemar" in page.inner_text("main")


def _results(page: Page) -> list[str]:
    links = page.locator(".md-search-result__link").all()
    return [link.get_attribute("href") or "" for link in links]


def test_the_search_can_find_nothing(chromium: Browser, address: str) -> None:
    with tab(chromium) as page:
        page.goto(f"{address}/index.html")
        page.fill("input[name=query]", "xylophonist")
        page.wait_for_function(
            "document.querySelector('.md-search-result__meta').innerText.startsWith('No')"
        )
        assert _results(page) == []


def test_a_phone_opens_the_navigation(chromium: Browser, address: str) -> None:
    with tab(chromium, "phone") as page:
        page.goto(f"{address}/index.html")
        link = page.locator(".md-nav--primary").get_by_role("link", name="Tutorial")
        page.click("label.md-header__button[for=__drawer]")
        link.first.click()
        page.wait_for_url("**/tutorial.html")


def test_the_keyboard_skips_to_the_content(chromium: Browser, address: str) -> None:
    with tab(chromium) as page:
        page.goto(f"{address}/tutorial.html")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.innerText") == "Skip to content"
        page.keyboard.press("Enter")
        assert "#tutorial-from-rows-to-a-verdict" in page.url
