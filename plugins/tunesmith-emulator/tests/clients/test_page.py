"""The web page, in Chromium: a training grows before the eyes, a prompt is answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from client_programs import NODE_FOLDER, present
from emulator_direct import MODEL_ID, ROWS, Direct
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tunesmith_emulator import Emulator

HTML_NAME = "<img src=x onerror=alert(1)> & more"
expect.set_options(timeout=30_000)  # a busy machine may need it, an idle one never waits
AXE = NODE_FOLDER / "node_modules" / "axe-core" / "axe.min.js"


@dataclass
class Visit:
    """A page, and what went on behind it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    """Errors in the console, and uncaught ones."""

    def watch(self) -> None:
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on(
            "console",
            lambda said: self.troubles.append(said.text) if said.type == "error" else None,
        )


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    # The emulator has its own authority, which a browser does not trust.
    context = chromium.new_context(ignore_https_errors=True, locale="en-GB")
    visit = Visit(context.new_page())
    visit.watch()
    yield visit
    context.close()


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(backend="local", seed=0) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def direct(emulator: Emulator) -> Iterator[Direct]:
    with Direct(emulator) as direct:
        yield direct


def points(card: Locator) -> int:
    """Return how many steps the thin line of a learning curve shows."""
    path = card.locator(".chart path.steps")
    return len(re.findall("[ML]", path.get_attribute("d") or "")) if path.count() else 0


def grown(card: Locator, beyond: int) -> int:
    """Wait until the line has more than ``beyond`` steps; returns how many."""
    while (now := points(card)) <= beyond:
        expect(card.locator(".badge")).to_have_text("running")
        card.page.wait_for_timeout(100)
    return now


def broken_rules(page: Page, scheme: Literal["light", "dark"]) -> list[str]:
    """Return the accessibility rules that axe-core finds broken, with the elements."""
    present(AXE)
    page.emulate_media(color_scheme=scheme)
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")["violations"]
    return [f"{rule['id']}: {node['html']}" for rule in found for node in rule["nodes"]]


def test_a_training_grows_then_its_model_answers(
    visit: Visit, emulator: Emulator, direct: Direct
) -> None:
    page = visit.page
    page.goto(emulator.url)
    expect(page.get_by_text("This is an emulator, not IBM")).to_be_visible()
    expect(page.get_by_text("No training yet.")).to_be_visible()
    expect(page.get_by_text("Nothing is deployed.")).to_be_visible()
    expect(page.get_by_label("Python", exact=True)).to_contain_text(emulator.url)

    training = direct.train(HTML_NAME, direct.upload(ROWS * 4), num_epochs=16)
    card = page.locator("details.training")
    expect(card.get_by_role("heading")).to_have_text(HTML_NAME)
    assert page.locator("img").count() == 0, "a name is text"
    expect(card.locator(".badge")).to_have_text("running")
    seen = grown(card, beyond=0)
    assert seen < grown(card, beyond=seen) <= 128

    model = direct.tuned_model(training)
    expect(card.locator(".badge")).to_have_text("completed")
    assert points(card) == 128, "16 epochs of 8 batches"
    assert card.locator(".chart circle.mean").count() == 16
    expect(card.get_by_role("img")).to_have_attribute("aria-label", re.compile("Mean loss"))

    direct.deploy(model, "reviews", "reviews_on_the_page")
    page.get_by_role("button", name="Try reviews").click()
    expect(page.get_by_label("Answered by")).to_have_value(re.compile("^deployment "))
    page.get_by_label("Input").fill(ROWS[0]["input"])
    page.get_by_label("Input").press("Control+Enter")
    said = direct.post(
        "/ml/v1/deployments/reviews_on_the_page/text/generation", {"input": ROWS[0]["input"]}
    )
    expect(page.locator("#try-result .answer")).to_have_text(said["results"][0]["generated_text"])
    expect(page.locator("#request-list")).to_contain_text("/ml/v4/trainings")

    card.get_by_role("button", name="log scale").click()
    expect(card.locator(".chart")).to_contain_text("log scale")
    assert points(card) == 128

    assert broken_rules(page, "light") == broken_rules(page, "dark") == []
    assert visit.troubles == []
    assert {url for url in visit.requests if not url.startswith(emulator.url)} == set()


def test_a_scripted_answer_is_named(visit: Visit, emulator: Emulator, direct: Direct) -> None:
    answer = {"match": {"prompt": "capital"}, "answer": {"text": "Paris"}}
    emulator.script([{"name": "capitals #1", **answer}])
    body = {"model_id": MODEL_ID, "input": "the capital of France", **direct.scope}
    said = direct.post("/ml/v1/text/generation", body)
    assert said["results"][0]["generated_text"] == "Paris"

    visit.page.goto(emulator.url)
    expect(visit.page.locator("#request-list tr").first).to_contain_text("scripted: capitals #1")
    assert broken_rules(visit.page, "light") == broken_rules(visit.page, "dark") == []


def test_a_base_model_answers(visit: Visit, emulator: Emulator) -> None:
    page = visit.page
    page.goto(emulator.url)
    page.get_by_label("Answered by").select_option(f"model_id {MODEL_ID}")
    page.get_by_label("Input").fill(ROWS[0]["input"])
    page.get_by_label("New tokens, at most").fill("3")
    page.get_by_role("button", name="Generate").click()
    expect(page.locator("#try-result")).to_contain_text("3 tokens from")
    assert visit.troubles == []


def test_a_refused_prompt_has_the_reason(visit: Visit, emulator: Emulator) -> None:
    page = visit.page
    page.goto(emulator.url)
    page.get_by_label("Input").fill("a" * 20_001)
    page.get_by_role("button", name="Generate").click()
    expect(page.locator("#try-result .failure")).to_contain_text("at most 20000 characters")


def test_nothing_can_be_sent_before_the_models_are_listed(visit: Visit, emulator: Emulator) -> None:
    page, held = visit.page, list[Route]()

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/_emulator/state*", hold)
    page.goto(emulator.url)
    generate = page.get_by_role("button", name="Generate")
    expect(generate).to_be_disabled()
    for route in held:
        route.continue_()
    page.unroute("**/_emulator/state*")
    expect(generate).to_be_enabled()


def test_it_fits_a_phone(visit: Visit, emulator: Emulator) -> None:
    visit.page.set_viewport_size({"width": 360, "height": 740})
    visit.page.goto(emulator.url)
    expect(visit.page.locator("#connection")).to_contain_text("Live")
    assert visit.page.evaluate("document.documentElement.scrollWidth") == 360


def test_the_page_shows_that_the_emulator_stopped_and_reconnects(
    visit: Visit, tmp_path: Path
) -> None:
    page = visit.page
    with Emulator(backend="sklearn", data_dir=tmp_path) as emulator:
        page.goto(emulator.url)
        expect(page.locator("#connection")).to_contain_text("Live")
        port = emulator.port
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    expect(page.get_by_role("alert")).to_contain_text("the last ones that arrived")
    assert broken_rules(page, "light") == []
    with Emulator(backend="sklearn", data_dir=tmp_path, port=port):
        expect(page.locator("#connection")).to_contain_text("Live")
        expect(page.get_by_role("alert")).to_be_hidden()
