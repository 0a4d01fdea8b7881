"""The pages of ``tunesmith ui`` in Chromium: filter, sort, pick two, read the verdict."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.test_report_pages import (
    OPINIONS,
    SCHEMES,
    TOPICS,
    WIDTHS,
    benchmark_page,
    experiment_on,
    tabbed,
    violations,
)

from tunesmith.atomic import file_lock
from tunesmith.runs.comparing import compare_runs
from tunesmith.runs.directory import LOCK
from tunesmith.runs.judgment import judge
from tunesmith.runs.run import RECORD, RunDirectory
from tunesmith.testing.fake import FakeBackend
from tunesmith.ui.folder import RunsFolder
from tunesmith.ui.server import Server


class Site:
    """A server, and the names of its runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        runs = folder / "runs"
        reviews = experiment_on(folder / "reviews", OPINIONS)
        self.tuned = reviews.run(FakeBackend(), runs_dir=runs).directory
        prompted = reviews.model_copy(update={"method": reviews.method_named("zero_shot")})
        self.prompted = prompted.run(FakeBackend(), runs_dir=runs).directory
        topics = experiment_on(folder / "topics", TOPICS, name="topics")
        self.topics = topics.run(FakeBackend(), runs_dir=runs).directory
        self.benchmark = benchmark_page(folder / "bench").parent
        shutil.move(self.benchmark, runs)
        self.spoil_some_answers()
        self.running = self.copied("running", status="running", evaluations={}, baselines=[])
        self.copied("failed", status="failed", error="the loss is nan", evaluations={})
        (runs / "damaged").mkdir()
        (runs / "damaged" / RECORD).write_text("{")

    def spoil_some_answers(self) -> None:
        """Let each of two models be right alone on some rows."""
        for directory, wrong in ((self.tuned, {0}), (self.prompted, {1, 2, 3})):
            run = RunDirectory.load(directory)
            said = {True: {"label": None, "text": "hm"}, False: {}}
            run.write_predictions([
                p.model_copy(update={"answer": "text", "label": p.expected, **said[p.row in wrong]})
                for p in run.predictions()
            ])  # fmt: skip

    def copied(self, name: str, **changes: Any) -> Path:
        record = json.loads((self.tuned / RECORD).read_text())
        copy = self.tuned.with_name(name)
        copy.mkdir()
        (copy / RECORD).write_text(json.dumps({**record, **changes}))
        return copy


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("ui"))


@pytest.fixture(scope="module")
def url(site: Site) -> Iterator[str]:
    with (
        file_lock(site.running / LOCK),
        Server(RunsFolder(site.folder / "runs"), 0) as server,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.url.rstrip("/")
        server.shutdown()


@contextmanager
def opened(
    chromium: Browser, url: str, width: str = "screen", **settings: Any
) -> Iterator[tuple[Page, list[str]]]:
    """Open ``url``; yields the page, and what it said and asked for elsewhere."""
    size = {"width": WIDTHS[width], "height": 900}
    context = chromium.new_context(viewport=size, locale="en-GB", **settings)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda r: said.append(r.url) if not r.url.startswith(url[:21]) else None)
    page.goto(url)
    yield page, [] if settings else said
    context.close()


def names(page: Page) -> list[str]:
    """Return the directories of the lines that are shown."""
    return [name.strip() for name in page.locator("tbody tr:visible .id").all_inner_texts()]


def test_pick_two_and_read_the_verdict(chromium: Browser, url: str, site: Site) -> None:
    runs = [RunDirectory.load(directory) for directory in (site.tuned, site.prompted)]
    (found,) = compare_runs(runs).comparisons
    assert (found.first_only, found.second_only) == (3, 1)
    with opened(chromium, url) as (page, said):
        expect(page.get_by_role("button", name="Compare")).to_be_disabled()
        for directory in (site.tuned, site.prompted):
            page.get_by_label(f"Pick {directory.name}", exact=True).check()
        expect(page.get_by_text("prompt_tuning against zero_shot")).to_be_visible()
        page.get_by_role("button", name="Compare").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("prompt_tuning against zero_shot")
        expect(page.locator(".verdict")).to_contain_text("Not established:")
        assert found.line in page.locator(".line").inner_text().replace("\xa0", " ")
        table = page.get_by_role("table", name="The rows, paired.")
        assert table.locator("td").all_inner_texts()[1:] == ["4", "3", "1", "0"]
        assert page.locator("summary").all_inner_texts() == [
            "Only zero_shot is right: 1 row",
            "Only prompt_tuning is right: 3 rows",
        ]
        assert page.locator(".cases .side").all_inner_texts() == [
            "Row 0",
            "Row 1",
            "Row 2",
            "Row 3",
        ]
        page.get_by_role("link", name="Swap the two").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("zero_shot against prompt_tuning")
        page.get_by_role("link", name=site.tuned.name).click()
        expect(page).to_have_title(f"grooming reviews: {judge(runs[0].record).headline}")
    assert said == []


def test_the_order_of_the_picks_counts(chromium: Browser, url: str, site: Site) -> None:
    with opened(chromium, url) as (page, _):
        for directory in (site.prompted, site.tuned):
            page.get_by_label(f"Pick {directory.name}", exact=True).check()
        page.get_by_role("button", name="Compare").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("zero_shot against prompt_tuning")
        page.go_back()
        expect(page.get_by_label(f"Pick {site.tuned.name}", exact=True)).to_be_checked()
        page.get_by_role("button", name="Clear").click()
        expect(page.get_by_text("Pick two runs to compare them.")).to_be_visible()


def test_runs_on_other_rows_get_the_reason(chromium: Browser, url: str, site: Site) -> None:
    with opened(chromium, url) as (page, _):
        for directory in (site.tuned, site.topics):
            page.get_by_label(f"Pick {directory.name}", exact=True).check()
        expect(page.get_by_text("their test rows differ")).to_be_visible()
        page.get_by_role("button", name="Compare").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("These runs cannot be compared.")
        expect(page.locator(".reason")).to_contain_text("The test rows differ: ")


def test_filter(chromium: Browser, url: str, site: Site) -> None:
    with opened(chromium, url) as (page, said):
        every = names(page)
        assert {site.tuned.name, site.topics.name, site.benchmark.name, "failed"} <= set(every)
        page.get_by_label("Find").fill("Topics fake")
        assert names(page) == [site.topics.name]
        page.reload()
        assert names(page) == [site.topics.name]
        page.get_by_label("Find").fill("")
        page.get_by_label("Status").select_option("running")
        assert names(page) == ["running"]
        page.get_by_label("Status").select_option("any")
        page.get_by_label("Test rows").select_option(index=2)
        assert 0 < len(names(page)) < len(every)
        page.get_by_label("Test rows").select_option("any")
        assert names(page) == every
        page.get_by_role("link", name="trials").click()
        assert names(page)
        assert all(name.startswith(f"{site.benchmark.name}/cells/") for name in names(page))
    assert said == []


def test_sort(chromium: Browser, url: str) -> None:
    with opened(chromium, f"{url}/?show=all") as (page, _):
        for column, place in (("Accuracy", 3), ("Time", 7)):
            for order, sign in (("descending", -1), ("ascending", 1)):
                page.get_by_role("button", name=column).click()
                head = page.get_by_role("columnheader", name=column)
                expect(head).to_have_attribute("aria-sort", order)
                cells = f"[...document.querySelectorAll('tbody tr')].map(r => r.cells[{place}])"
                values = page.evaluate(f"{cells}.map(c => c.dataset.value)")
                given = [sign * float(value) for value in values if value]
                assert given == sorted(given)
                assert len(given) > 3
                assert set(values[len(given) :]) == {""}  # lines without a value are last
        page.reload()
        expect(page.get_by_role("columnheader", name="Time")).to_have_attribute(
            "aria-sort", "ascending"
        )


def test_a_form_without_script_compares_too(chromium: Browser, url: str, site: Site) -> None:
    with opened(chromium, url, java_script_enabled=False) as (page, _):
        for directory in (site.tuned, site.prompted):
            page.get_by_label(f"Pick {directory.name}", exact=True).check()
        page.get_by_role("button", name="Compare").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("against")


def paths(site: Site) -> dict[str, str]:
    tuned, prompted = site.tuned.name, site.prompted.name
    return {
        "table": "/?show=all",
        "comparison": f"/compare?run={tuned}&run={prompted}",
        "own": f"/compare?run={site.topics.name}",
        "refusal": "/nothing",
    }


KINDS = ("table", "comparison", "own", "refusal")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing(
    chromium: Browser, url: str, site: Site, kind: str, width: str, scheme: Any
) -> None:
    settings = {"bypass_csp": True, "color_scheme": scheme}
    with opened(chromium, url + paths(site)[kind], width, **settings) as (page, _):
        if kind == "table":
            page.get_by_label(f"Pick {site.topics.name}", exact=True).check()
        assert violations(page) == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_overflows_at_the_side(
    chromium: Browser, url: str, site: Site, kind: str, width: str
) -> None:
    with opened(chromium, url + paths(site)[kind], width) as (page, _):
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[width]


@pytest.mark.parametrize("width", WIDTHS)
def test_all_that_the_tab_key_reaches_shows_the_focus(
    chromium: Browser, url: str, width: str
) -> None:
    with opened(chromium, url, width) as (page, _):
        reached = list(tabbed(page))
    assert len(reached) > 20
    assert [where for where, visible in reached if not visible] == []
