"""The pages of a ladder and of a benchmark: the recommendation first, nothing hidden."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from report_records import Page, made

from tunesmith.evaluation.metrics import Evaluation
from tunesmith.run import Run
from tunesmith.sweep.costs import UNKNOWN, Cost
from tunesmith.sweep.latency import percentiles
from tunesmith.sweep.page import render
from tunesmith.sweep.records import (
    BenchmarkRecord,
    LadderRecord,
    LadderVerdict,
    StepComparison,
    Trial,
    TrialResult,
    lines_of,
)
from tunesmith.sweep.sweep import Sweep

MODEL = "ibm-granite/granite-4.0-350m"
HOSTILE = "<script>alert('x')</script>"
ROWS = 40
FREE = Cost(amount=0.0)


def score(right: int) -> Evaluation:
    evaluations = made(tuned="+" * right + "-" * (ROWS - right))[0].evaluations
    return evaluations["tuned"]


def trial(name: str, backend: str = "local", seed: int = 0, model: str = MODEL) -> Trial:
    return Trial(
        name=name, backend=backend, base_model=model, seed=seed, experiment={},
        directory=f"cells/{backend} {name} {seed}", trains_base_model=name == "prompt_tuning",
    )  # fmt: skip


def done(what: Trial, right: int, cost: Cost = FREE, **changes: Any) -> TrialResult:
    values = {
        "status": "done", "evaluation": score(right), "seconds": {"tune": 3.0}, "cost": cost,
        "latency": percentiles([0.002, 0.004]), **changes,
    }  # fmt: skip
    return TrialResult(trial=what, **values)


STEPS = (
    done(trial("majority", "sklearn"), 20),
    done(trial("tfidf_logreg", "sklearn"), 35),
    done(trial("zero_shot"), 0, UNKNOWN),
    TrialResult(trial=trial("few_shot"), status="skipped", reason=f"no room for {HOSTILE}"),
    TrialResult(trial=trial("p_tuning"), status="skipped", reason=f"no room for {HOSTILE}"),
    TrialResult(trial=trial("lora")),
    done(trial("prompt_tuning"), 37, Cost(currency="USD", amount=1.25), notes=(HOSTILE,)),
)
VERDICT = LadderVerdict(
    best="prompt_tuning",
    recommended="tfidf_logreg",
    comparisons=(
        StepComparison(
            step="majority", difference=0.425, p_value=1e-5, corrected_p=3e-5, established=True
        ),
        StepComparison(
            step="tfidf_logreg", difference=0.05, p_value=0.5, corrected_p=0.5, established=False
        ),
    ),
    lead="You do not need tuning",
    why="tfidf_logreg (0.875) is the cheapest step",
    settled=True,
)
SETUP = {
    "backends": {"local": {"name": "local", "options": {"api_key": "**********"}}},
    "data": {"train": "ab" * 32},
}
RUN = made(tuned="++-+")[0]


def ladder(verdict: LadderVerdict | None = VERDICT, **changes: Any) -> LadderRecord:
    values = {"name": "reviews", "setup": SETUP, "results": STEPS, "verdict": verdict, **changes}
    return LadderRecord(**values)


def ladder_page(**changes: Any) -> Page:
    return Page(render(ladder(**changes), [RUN]))


TRIALS = (
    *(done(trial("tfidf_logreg", "sklearn", seed), 30 + seed) for seed in (0, 1)),
    *(done(trial("prompt_tuning", "local", seed), 35 + seed, UNKNOWN) for seed in (0, 1)),
    *(
        TrialResult(trial=trial("lora", "local", seed), status="failed", reason=HOSTILE)
        for seed in (0, 1)
    ),
    TrialResult(trial=trial("zero_shot", "local", 0), status="failed", reason="no memory"),
)


def benchmark(results: tuple[TrialResult, ...] = TRIALS) -> BenchmarkRecord:
    return BenchmarkRecord(name="table", setup=SETUP, results=results, lines=lines_of(results))


def benchmark_page(results: tuple[TrialResult, ...] = TRIALS) -> Page:
    return Page(render(benchmark(results), [RUN]))


PAGES = {
    "ladder": ladder_page(),
    "ladder without a verdict": ladder_page(verdict=None),
    "ladder without a step": Page(render(ladder(None, results=STEPS[3:6]))),
    "benchmark": benchmark_page(),
    "benchmark without a trial": Page(render(benchmark(TRIALS[4:]))),
}


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> Page:
    return PAGES[request.param]


def test_no_request_leaves_the_page_and_links_stay_in_the_directory(page: Page) -> None:
    assert all(re.match(r"#|cells/[^\s:]*/report\.html$", v) for v in page.values("href", "src"))
    assert not {tag for tag, _ in page.tags} & {"script", "img", "link", "iframe", "object"}


def test_every_reference_has_one_target(page: Page) -> None:
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {v[1:] for v in page.values("href") if v.startswith("#")} <= set(ids)


def test_tables_have_captions_and_scoped_heads(page: Page) -> None:
    tags = [tag for tag, _ in page.tags]
    assert tags.count("caption") == tags.count("table") > 0
    assert all("scope" in attrs for tag, attrs in page.tags if tag == "th")
    assert tags.count("h1") == 1


def test_the_recommendation_is_first() -> None:
    text = ladder_page().text
    lead = text.index("You do not need tuning. tfidf_logreg (0.875) is the cheapest step. Note:")
    assert lead < text.index("Recommended tfidf_logreg 3 s, cost 0") < text.index("Steps, cheapest")
    assert "Best prompt_tuning 3 s, cost 1.25 USD Its accuracy 92.5%" in text


def test_a_step_that_is_both_is_shown_once() -> None:
    both = VERDICT.model_copy(update={"recommended": "prompt_tuning"})
    text = ladder_page(verdict=both).text
    assert "Recommended and best prompt_tuning" in text
    assert text.count("Its accuracy") == 1


def test_each_step_has_its_line_and_its_report() -> None:
    page = ladder_page()
    for line in (
        "majority sklearn 50.0% 35.2 to 64.8 0 3 s 0 3 ms 3.98 ms yes, +42.5 < 0.0001",
        "tfidf_logreg recommended sklearn 87.5%",
        "not shown, +5.0 0.5",
        "zero_shot local 0.0% 0.0 to 8.8 0 3 s unknown",
        "prompt_tuning best local 92.5% 80.1 to 97.4 0 3 s 1.25 USD 3 ms 3.98 ms is the best",
    ):
        assert line in page.text, line
    assert "cells/sklearn%20tfidf_logreg%200/report.html" in page.values("href")


def test_the_plot_has_a_description_in_both_widths() -> None:
    said = [str(a["aria-label"]) for tag, a in ladder_page().tags if tag == "svg"]
    assert len(said) == 2
    assert "tfidf_logreg (recommended) 87.5%" in said[0]
    assert "prompt_tuning (best) 92.5%" in said[1]


def test_missing_measurements_have_a_reason_and_each_reason_is_shown_once() -> None:
    text = ladder_page().text
    assert f"few_shot; p_tuning skipped: no room for {HOSTILE}" in text
    assert "lora not run: it was left out, or it is still waiting" in text
    assert text.count("no room for") == 1


def test_an_unfinished_ladder_has_no_verdict() -> None:
    page = ladder_page(verdict=None)
    assert "No verdict yet. 4 of 7 steps are done." in page.text
    assert "ecommended" not in page.text.replace("Diamond: recommended", "")
    assert "No step is done." in PAGES["ladder without a step"].text


def test_an_open_verdict_is_not_green() -> None:
    def tones(verdict: LadderVerdict) -> list[str]:
        page = ladder_page(verdict=verdict)
        return [str(a["class"]) for _, a in page.tags if "verdict" in str(a.get("class"))]

    assert tones(VERDICT) == ["verdict good"]
    assert tones(VERDICT.model_copy(update={"settled": False})) == ["verdict plain"]


def test_a_ladder_that_stopped_early_has_a_note() -> None:
    words = "stopped after tfidf_logreg: its interval is at or above 70.0%"
    assert words in ladder_page(stopped_at="tfidf_logreg", stop_at=0.7).text
    assert words not in ladder_page().text


def test_the_highest_line_is_first_beside_the_baseline() -> None:
    text = benchmark_page().text
    assert "Highest: prompt_tuning on local." in text
    assert "4 methods, 2 backends, 1 base model, 2 seeds: 4 of 7 trials done." in text
    assert (
        "The highest of several is too high by chance, and this page contains no significance test"
        in text
    )
    assert "Its accuracy 88.8%" in text
    assert "mean of 2 seeds" in text
    assert "The baseline 76.2% TF-IDF of word n-grams and logistic regression" in text


def test_each_line_has_its_numbers_and_each_trial_its_report() -> None:
    page = benchmark_page()
    assert "tfidf_logreg sklearn 2 / 2 76.2% 75.0 to 77.5" in page.text
    assert "prompt_tuning on local, seed 1 90.0%" in page.text
    assert "cells/local%20prompt_tuning%201/report.html" in page.values("href")


def test_seeds_are_named_if_some_are_missing() -> None:
    text = benchmark_page().text
    assert f"lora on local failed: {HOSTILE}" in text
    assert "zero_shot on local, seed 0 failed: no memory" in text


def test_base_models_are_named_if_there_are_several() -> None:
    more = (*TRIALS, done(trial("prompt_tuning", model="m/other"), 39, stand_in="m/tiny"))
    page = benchmark_page(more)
    assert "Highest: prompt_tuning on local, m/other." in page.text
    assert "m/tiny answered in place of m/other." in page.text
    assert "Base model" in page.text
    assert "Base model" not in benchmark_page().text.replace("base models", "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stand_in": "m/tiny"}, f"m/tiny answered in place of {MODEL}."),
        ({"emulated": True}, "The backend local was emulated"),
    ],
)
def test_emulation_and_stand_ins_are_marked(changes: dict[str, Any], words: str) -> None:
    step = STEPS[-1].model_copy(update=changes)
    assert words in ladder_page(results=(*STEPS[:-1], step)).text
    assert words not in ladder_page().text


def test_versions_of_all_backends_are_in_the_provenance_and_no_secret() -> None:
    other = RUN.model_copy(update={"provenance": {"versions": {"scikit-learn": "1.9"}}})
    text = Page(render(ladder(), [other, RUN])).text
    assert "scikit-learn 1.9, torch 2.13.0, peft 0.21.2" in text
    assert "backend local plugin local, api_key **********" in text


def test_the_same_record_gives_the_same_page() -> None:
    record, measured = ladder(), benchmark()
    assert render(record, [RUN]) == render(record, [RUN])
    assert render(measured, [RUN]) == render(measured, [RUN])


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Sweep[BenchmarkRecord]]:
    """A sweep with results, whose page lists the runs that it was given."""
    monkeypatch.setattr(
        "tunesmith.sweep.sweep.render", lambda _, runs: " ".join(run.name for run in runs)
    )

    def begin(results: tuple[TrialResult, ...]) -> Sweep[BenchmarkRecord]:
        sweep = Sweep.at(tmp_path / "benchmark", benchmark(results))
        for result in results:
            run = Run(sweep.directory / result.trial.directory, RUN)
            run.update(name=result.trial.directory, status="completed")
        return sweep

    return begin


def test_the_page_is_written_when_the_work_ends(
    begun: Callable[..., Sweep[BenchmarkRecord]],
) -> None:
    sweep = begun(TRIALS[:4])
    with sweep.guarded():
        assert not (sweep.directory / "report.html").exists()
    page = (sweep.directory / "report.html").read_text()
    assert page == "cells/sklearn tfidf_logreg 0 cells/local prompt_tuning 0"


@pytest.mark.parametrize(("results", "written"), [(TRIALS[:1], True), (TRIALS[4:], False)])
def test_an_interrupted_sweep_has_a_page_if_a_trial_is_done(
    begun: Callable[..., Sweep[BenchmarkRecord]],
    results: tuple[TrialResult, ...],
    *,
    written: bool,
) -> None:
    sweep = begun(results)
    with pytest.raises(KeyboardInterrupt), sweep.guarded():
        raise KeyboardInterrupt
    assert (sweep.directory / "report.html").exists() == written
