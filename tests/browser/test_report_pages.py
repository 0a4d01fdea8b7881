"""Reports of real runs, opened as files in Chromium: silent, alone, accessible on any screen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from tunesmith import Experiment
from tunesmith.backend import Backend
from tunesmith.backends.connect import backend_class
from tunesmith.runs.run import REPORT
from tunesmith.sweep.benchmark import Benchmark, run_benchmark
from tunesmith.sweep.ladder import run_ladder
from tunesmith.sweep.trial import BackendRef
from tunesmith.testing.fake import FAKE_MODEL, FakeBackend

AXE = Path(__file__).parents[2] / "build/clients/node/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
WIDTHS = {"screen": 1280, "phone": 390}
SCHEMES = ("light", "dark")
OPINIONS = {"1": ("lovely staff", "great haircut"), "0": ("rude staff", "a dirty room")}
TOPICS = {name: (f"about the {name}",) for name in ("billing", "parking", "quality", "website")}
LONG = "Comment: " + "the same long story about one brush and no end " * 12 + "a/very/long/" * 12


def experiment_on(folder: Path, says: dict[str, tuple[str, ...]], **changes: Any) -> Experiment:
    """Return a small experiment on ``copies`` of texts for each label."""
    folder.mkdir(parents=True)
    for part, copies in (("train", 4), ("test", 2)):
        rows = [
            {"input": f"{text} {i} {LONG * (i == 1)}", "output": label}
            for i in range(copies)
            for label, texts in says.items()
            for text in texts
        ]
        (folder / f"{part}.json").write_text(json.dumps(rows))
    values = {
        "name": "grooming reviews",
        "base_model": FAKE_MODEL,
        "method": {"name": "prompt_tuning", "num_epochs": 3, "batch_size": 4},
        "data": {part: str(folder / f"{part}.json") for part in ("train", "test")},
        "labels": list(says),
    }
    data = {**values["data"], **changes.pop("data", {})}
    return Experiment.from_values({**values, "data": data, **changes})


def report_of(says: dict[str, tuple[str, ...]], **changes: Any) -> Callable[[Path], Path]:
    """Return what runs a small experiment and gives the path of its report."""

    def call(folder: Path) -> Path:
        run = experiment_on(folder, says, **changes).run(FakeBackend(), runs_dir=folder / "runs")
        return run.directory / REPORT

    return call


@contextmanager
def fake_by_name() -> Iterator[None]:
    """Let ladders and benchmarks find the fake backend, which no plugin registers."""

    def found(name: str) -> type[Backend]:
        return FakeBackend if name == FakeBackend.name else backend_class(name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tunesmith.sweep.trial.backend_class", found)
        patch.setattr("tunesmith.backends.connect.backend_class", found)
        yield


def ladder_page(folder: Path) -> Path:
    """Run some steps; the others are not measured."""
    only = ("majority", "tfidf_logreg", "zero_shot", "prompt_tuning-random")
    with fake_by_name():
        sweep = run_ladder(
            experiment_on(folder, OPINIONS),
            BackendRef(name="fake"),
            runs_dir=folder / "runs",
            only=only,
        )
    return sweep.directory / REPORT


def benchmark_page(folder: Path) -> Path:
    """Measure two methods on each backend that offers them, with a stand-in and two seeds."""
    experiment = experiment_on(folder, OPINIONS)
    what = Benchmark(
        name="reviews",
        experiment=experiment,
        methods={name: experiment.method_named(name) for name in ("tfidf_logreg", "prompt_tuning")},
        refs={name: BackendRef(name=name) for name in ("sklearn", "fake")},
        base_models=(FAKE_MODEL, "ibm/granite-3-8b-instruct"),
        seeds=(0, 1),
        prices={},
    )
    with fake_by_name():
        return run_benchmark(what, runs_dir=folder / "runs").directory / REPORT


PAGES: dict[str, Callable[[Path], Path]] = {
    "tuned": report_of(OPINIONS),
    "stand-in": report_of(OPINIONS, base_model="ibm/granite-3-8b-instruct"),
    "four labels": report_of(TOPICS),
    "zero shot": report_of(OPINIONS, method={"name": "zero_shot"}),
    "calibrated": report_of(OPINIONS, data={"validation": 0.25}),
    "ladder": ladder_page,
    "benchmark": benchmark_page,
}
"""The functions that make each page in a new folder."""


@pytest.fixture(scope="module", params=PAGES)
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return PAGES[request.param](tmp_path_factory.mktemp("page") / "run")


@contextmanager
def opened(
    chromium: Browser, file: Path, width: int = WIDTHS["screen"], *, scripts: bool = False
) -> Iterator[Page]:
    """Open ``file``; ``scripts`` lifts the page's own ban on scripts, which axe-core needs."""
    size: ViewportSize = {"width": width, "height": 900}
    context = chromium.new_context(viewport=size, locale="en-GB", bypass_csp=scripts)
    page = context.new_page()
    page.goto(file.as_uri())
    yield page
    context.close()


def test_the_page_is_silent_and_asks_for_nothing(chromium: Browser, file: Path) -> None:
    context = chromium.new_context()
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri(), wait_until="networkidle")
    context.close()
    assert said == []
    assert asked == [file.as_uri()]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing(chromium: Browser, file: Path, width: str, scheme: Any) -> None:
    with opened(chromium, file, WIDTHS[width], scripts=True) as page:
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == []


def violations(page: Page) -> list[str]:
    """Return the accessibility rules that axe-core finds broken, with the elements."""
    page.evaluate(axe())
    found = page.evaluate(f"axe.run({{runOnly: {json.dumps(RULES)}}})")["violations"]
    return [
        f"{rule['id']} ({rule['help']}): {node['target']} {node['html'][:200]}"
        for rule in found
        for node in rule["nodes"]
    ]


@cache
def axe() -> str:
    if not AXE.exists():
        pytest.fail(f"{AXE} is missing; `make clients` installs axe-core")
    return AXE.read_text(encoding="utf-8")


def test_axe_can_find_something(chromium: Browser, tmp_path: Path) -> None:
    page_file = tmp_path / "page.html"
    page_file.write_text("<html lang=en><title>x</title><p style='color:#ccc'>pale</p></html>")
    with opened(chromium, page_file, scripts=True) as page:
        rules = {line.split(" ")[0] for line in violations(page)}
    assert rules >= {"color-contrast", "landmark-one-main"}


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_overflows_at_the_side(chromium: Browser, file: Path, width: str) -> None:
    with opened(chromium, file, WIDTHS[width]) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[width]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_print_is_dark_on_white(chromium: Browser, file: Path, scheme: Any) -> None:
    with opened(chromium, file) as page:
        page.emulate_media(media="print", color_scheme=scheme)
        assert page.evaluate(_DARK_GROUNDS) == []
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(22, 25, 29)"


# Painted on one pixel, a color of any notation is read back as four bytes.
_DARK_GROUNDS = """() => {
  const pen = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const dark = element => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = getComputedStyle(element).backgroundColor;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return a > 127 && 0.2126 * r + 0.7152 * g + 0.0722 * b < 128;
  };
  const printed = [...document.querySelectorAll("*")].filter(e => e.checkVisibility());
  return printed.filter(dark).map(e => e.outerHTML.slice(0, 120));
}"""


@pytest.mark.parametrize("width", WIDTHS)
def test_all_that_the_tab_key_reaches_shows_the_focus(
    chromium: Browser, file: Path, width: str
) -> None:
    with opened(chromium, file, WIDTHS[width]) as page:
        reached = list(tabbed(page))
        operable = page.evaluate(_OPERABLE)
    assert [where for where, _ in reached] == operable
    assert [where for where, visible in reached if not visible] == []


def tabbed(page: Page) -> Iterator[tuple[str, bool]]:
    """Press Tab through the page; yields each element and whether its focus can be seen."""
    while True:
        page.keyboard.press("Tab")
        focus = page.evaluate(_FOCUS)
        if focus is None:
            return
        yield focus["where"], focus["visible"]


_NAME = "e => e.outerHTML.slice(0, e.outerHTML.indexOf('>') + 1)"
_OPERABLE = f"""() => [...document.querySelectorAll(
  "a[href], button, input, select, textarea, summary, [tabindex='0']"
)].filter(e => e.checkVisibility()).map({_NAME})"""
_FOCUS = f"""() => {{
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const style = getComputedStyle(element);
  const ground = getComputedStyle(document.body).backgroundColor;
  return {{
    where: ({_NAME})(element),
    visible: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
      && style.outlineColor !== ground,
  }};
}}"""
