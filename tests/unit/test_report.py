"""The report says what the record says, stands alone and trusts no text."""

from __future__ import annotations

import random
import re
from collections import Counter
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tunesmith import charts, report
from tunesmith.comparison import compare
from tunesmith.errors import RunError
from tunesmith.evaluation import evaluate
from tunesmith.labels import LabelSet
from tunesmith.records import (
    EpochLoss,
    LearningCurve,
    ModelRole,
    Prediction,
    StepLoss,
    TunedModel,
)
from tunesmith.runs import Baseline, DataRecord, Run, RunRecord

YES_NO = LabelSet.model_validate(["0", "1"])
FIVE = LabelSet.model_validate(["billing", "shipping", "quality", "website", "staff"])
HOSTILE = "Comment: <script>alert('x')</script> <img src=http://evil.example/x> \x1b[31m\u202ered"
REVIEWS = (
    "Comment: Biscuit came home calm, dry and smelling of oats. We will be back.\nSatisfaction:\n",
    "Comment: They were forty minutes late and then cut one ear shorter.\nSatisfaction:\n",
    "Comment: The owner is kind, but the drying cage frightens our old dog, and nobody seemed to "
    "notice until I asked twice.\nSatisfaction:\n",
    HOSTILE,
)
START = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)


def predictions(
    role: ModelRole, rights: str, labels: LabelSet = YES_NO, said: str | None = None
) -> list[Prediction]:
    """One for each character: ``+`` right, ``-`` another label, ``?`` unparsable."""
    names = labels.names
    made = []
    for i, mark in enumerate(rights):
        expected = names[i * 7 % len(names)]
        wrong = names[(i * 7 + 1 + i % (len(names) - 1)) % len(names)]
        text = {"+": expected, "-": wrong, "?": said or "\nI think so"}[mark]
        made.append(
            Prediction(
                row=i, model=role, input=f"{REVIEWS[i % len(REVIEWS)]}", prompt="p", text=text,
                label=labels.parse(text), expected=expected,
            )
        )  # fmt: skip
    return made


def curve(epochs: int = 12, steps: int = 3) -> LearningCurve:
    draw = random.Random(7)
    losses = [2.6 * 0.93**i + 0.12 + 0.25 * draw.random() for i in range(epochs * steps)]
    return LearningCurve(
        steps=tuple(
            StepLoss(step=i + 1, epoch=i // steps + 1, loss=loss) for i, loss in enumerate(losses)
        ),
        epochs=tuple(
            EpochLoss(
                epoch=e + 1,
                loss=sum(losses[e * steps : (e + 1) * steps]) / steps,
                validation_loss=losses[e * steps] + 0.002 * (e - 7) ** 2,
            )
            for e in range(epochs)
        ),
        best_epoch=epochs - 3,
    )


def made(
    tuned: str | None = None,
    base: str | None = None,
    cheap: str | None = None,
    labels: LabelSet = YES_NO,
    **changes: Any,
) -> tuple[RunRecord, list[Prediction]]:
    """Return the record and predictions of a run whose answers are right where it says."""
    answers: dict[ModelRole, list[Prediction]] = {}
    if tuned:
        answers["tuned"] = predictions("tuned", tuned, labels)
    if base:
        answers["base"] = predictions("base", base, labels)
    own = answers.get("tuned") or answers["base"]
    method = {"name": "prompt_tuning" if tuned else "zero_shot", "num_epochs": 12}
    values: dict[str, Any] = {
        "name": "grooming reviews",
        "created_at": START,
        "experiment": {
            "name": "grooming reviews", "method": method, "seed": 7,
            "labels": labels.model_dump(mode="json"),
            "generation": {"decoding_method": "greedy", "max_new_tokens": 4, "top_k": None},
        },
        "backend": "local",
        "options": {"store": "runs/store", "api_key": "**********"},
        "base_model": "ibm-granite/granite-4.0-350m",
        "seed_honored": True,
        "data": {
            "train": DataRecord(source="train.json", rows=464, fingerprint="ab" * 32),
            "test": DataRecord(source="test.json", rows=len(own), fingerprint="cd" * 32),
        },
        "job_id": "job-1",
        "model": _model(labels, method) if tuned else None,
        "evaluations": {role: evaluate(given, labels) for role, given in answers.items()},
        "comparison": compare(answers["tuned"], answers["base"]) if len(answers) > 1 else None,
        "baselines": _baselines(own, cheap, labels) if cheap else (),
        "seconds": {"tune": 412.5, "deploy": 0.3, "predict tuned": 3.25, "predict base": 3.5},
        "notes": ("The init text was repeated to 100 tokens.",),
        "provenance": {
            "tunesmith": "0.1.0", "python": "3.11.9", "system": "Linux x86_64", "cpus": 2,
            "versions": {"torch": "2.13.0", "peft": "0.21.2"},
            "git": {"commit": "0123abc" * 5, "dirty": True},
        },
    }  # fmt: skip
    return RunRecord(**{**values, **changes}), [p for given in answers.values() for p in given]


def _model(labels: LabelSet, method: dict[str, Any]) -> TunedModel:
    return TunedModel(
        id="m", backend="local", base_model="ibm-granite/granite-4.0-350m", labels=labels,
        method={**method, "learning_rate": 0.3, "verbalizer": "classify {0, 1} {{input}}"},
        job_id="job-1", curve=curve(), created_at=START,
        details={"optimizer_steps": 36, "truncated_rows": 0, "device": "cpu", "notes": ["x"]},
    )  # fmt: skip


def _baselines(own: list[Prediction], cheap: str, labels: LabelSet) -> tuple[Baseline, ...]:
    first = labels.names[0]
    majority = [p.model_copy(update={"text": first, "label": first}) for p in own]
    return tuple(
        Baseline(
            method=method, evaluation=evaluate(given, labels), seconds=seconds,
            comparison=compare(own, given, (own[0].model, method)),
        )
        for method, given, seconds in (
            ("majority", majority, 0.011),
            ("tfidf_logreg", predictions("tuned", cheap, labels), 0.042),
        )
    )  # fmt: skip


def rights(rows: int, wrong: int, seed: int, mark: str = "-") -> str:
    misses = set(random.Random(seed).sample(range(rows), wrong))
    return "".join(mark if i in misses else "+" for i in range(rows))


VARIANTS = {
    "both": made(rights(116, 4, 1), rights(116, 25, 2, "?"), rights(116, 8, 3)),
    "tuned only": made(rights(40, 5, 1)),
    "zero shot": made(None, rights(40, 9, 1), rights(40, 9, 1)),
    "five labels": made(
        rights(150, 20, 1), rights(150, 70, 2, "?"), rights(150, 30, 3), labels=FIVE
    ),
}  # fmt: skip


class Page(HTMLParser):
    """Collects what a page holds and refuses tags that do not close."""

    VOID = frozenset({"meta"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute of {tag} is there twice"
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag not in {"span", "strong", "code", "bdi", "a", "text"}:
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))

    def values(self, *names: str) -> list[str]:
        return [str(v) for _, attrs in self.tags for k, v in attrs.items() if k in names]


@pytest.fixture(params=VARIANTS, scope="module")
def page(request: pytest.FixtureRequest) -> Page:
    return Page(report.render(*VARIANTS[request.param]))


def test_no_request_leaves_the_page(page: Page) -> None:
    assert all(value.startswith("#") for value in page.values("src", "href", "xlink:href"))
    assert not {tag for tag, _ in page.tags} & {"script", "img", "link", "iframe", "object"}
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)


def test_no_style_asks_for_a_file() -> None:
    html = report.render(*VARIANTS["both"])
    assert "@import" not in html
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", html))


def test_ids_are_unique_and_every_reference_has_one(page: Page) -> None:
    ids = Counter(page.values("id"))
    assert set(ids.values()) == {1}
    links = [v[1:] for v in page.values("href", "xlink:href")]
    clips = [v[5:-1] for v in page.values("clip-path")]
    assert {*links, *clips, *page.values("aria-labelledby")} <= set(ids)


def test_tables_have_captions_and_scoped_heads(page: Page) -> None:
    tags = [tag for tag, _ in page.tags]
    assert tags.count("caption") == tags.count("table") > 0
    assert all("scope" in attrs for tag, attrs in page.tags if tag == "th")
    assert {"header", "main", "nav", "footer"} <= set(tags)
    assert tags.count("h1") == 1


@pytest.mark.parametrize(
    ("variant", "missing"),
    [("both", set()), ("tuned only", set()), ("zero shot", {"curve"}), ("five labels", set())],
)
def test_sections_stand_in_order(variant: str, missing: set[str]) -> None:
    page = Page(report.render(*VARIANTS[variant]))
    order = ["scoreboard", "curve", "confusion", "rows", "notes", "method", "data", "provenance"]
    found = [str(attrs["id"]) for tag, attrs in page.tags if tag == "section"]
    assert found == [name for name in order if name not in missing]


def test_charts_are_drawn_for_page_and_phone_and_say_what_they_show() -> None:
    page = Page(report.render(*VARIANTS["both"]))
    said = [str(attrs["aria-label"]) for tag, attrs in page.tags if tag == "svg"]
    assert len(said) == 4
    assert "Tuned model 96.6%; Base model 78.4%; TF-IDF" in said[0]


def test_hostile_text_stays_text() -> None:
    html = report.render(*made("-" * 8, "+" * 8, name="<b>bold</b>", notes=("<i>note</i>",)))
    page = Page(html)
    assert not {tag for tag, _ in page.tags} & {"script", "b", "i"}
    assert "<script>alert('x')</script> <img src=http://evil.example/x>" in page.text
    assert "<b>bold</b>" in page.text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", html)


def test_hostile_labels_and_answers_stay_text() -> None:
    labels = LabelSet.model_validate(["<u>", "{{ 7 * 7 }}"])
    record, _ = made("+-+-?", "+++++", labels=labels)
    said = predictions("tuned", "+-+-?", labels, said="<em>\x00</em>")
    page = Page(report.render(record, [*said, *predictions("base", "+++++", labels)]))
    assert not {tag for tag, _ in page.tags} & {"u", "em"}
    assert "{{ 7 * 7 }}" in page.text
    assert "<em>\N{REPLACEMENT CHARACTER}</em> unparsable" in page.text


@pytest.mark.parametrize(
    ("tuned", "base", "words", "tone"),
    [
        ("+" * 20, "+" * 10 + "-" * 10, "Established: the tuned model beats the base", "good"),
        ("+" * 20, "+" * 18 + "??", "Not established: these 20 rows do not show", "plain"),
        ("+" * 10 + "?" * 10, "+" * 20, "Wrong direction: the tuned model is worse", "bad"),
    ],
)
def test_the_verdict_is_that_of_the_comparison(
    tuned: str, base: str, words: str, tone: str
) -> None:
    record, answers = made(tuned, base)
    found = record.comparison
    assert found is not None
    said = report.headline(record)
    assert f"{said.lead} {said.sentence}".startswith(words)
    assert said.lead.lower().rstrip(":") == found.verdict
    assert said.tone == tone
    page = Page(report.render(record, answers))
    assert words in page.text
    assert f"right on {tuned.count('+')} of 20 test rows" in page.text
    assert f"{100 * found.difference:+.1f}".replace("-", "\N{MINUS SIGN}") in page.text


def test_numbers_of_the_verdict() -> None:
    page = Page(report.render(*made("+" * 20, "+" * 18 + "??")))
    assert "a difference of +10.0 points. Only the tuned model is right on 2 rows" in page.text
    assert "exact McNemar p = 0.5." in page.text
    assert "Exact McNemar p 0.5 two-sided" in page.text


def test_one_model_alone_is_measured_not_compared() -> None:
    tuned = Page(report.render(*VARIANTS["tuned only"])).text
    assert "Measured, not compared: the tuned model is right on 35 of 40 rows." in tuned
    assert "no base model that answers" in tuned
    assert "Base" not in tuned
    zero = Page(report.render(*VARIANTS["zero shot"])).text
    assert "the base model is right on 31 of 40 rows." in zero
    assert "zero_shot only prompts the base model" in zero
    assert "Errors of the base model" in zero


@pytest.mark.parametrize(
    ("tuned", "cheap", "words"),
    [
        ("+" * 20, "+" * 10 + "-" * 10, "right on 10 of 20 rows after 0.042 s; the tuned model b"),
        ("+" * 20, "+" * 19 + "-", "the tuned model is not shown to beat it (+5.0 points, p = 1)"),
        ("-" * 10 + "+" * 10, "+" * 20, "it beats the tuned model (\N{MINUS SIGN}50.0 points, p ="),
    ],
)
def test_the_cheap_truth(tuned: str, cheap: str, words: str) -> None:
    record, answers = made(tuned, "+" * 20, cheap)
    assert words in report.cheap_truth(record.baselines)
    assert words in Page(report.render(record, answers)).text


def test_the_cheap_truth_names_the_model_of_a_zero_shot_run() -> None:
    record, _ = made(None, "+" * 20, "+" * 10 + "-" * 10)
    assert "the base model beats it" in report.cheap_truth(record.baselines)


def test_without_baselines_the_page_says_so() -> None:
    assert report.cheap_truth(()) == ""
    assert "no TF-IDF baseline was measured" in Page(report.render(*VARIANTS["tuned only"])).text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stand_in": "m/tiny"}, "m/tiny answered in place of ibm-granite/granite-4.0-350m."),
        ({"emulated": True}, "This run was emulated"),
        ({"base_model": "tunesmith/micro-granite"}, "development, not a Granite checkpoint"),
    ],
)
def test_what_is_not_the_real_thing_says_so(changes: dict[str, Any], words: str) -> None:
    assert words in Page(report.render(*made("+-", "++", **changes))).text
    assert words not in Page(report.render(*made("+-", "++"))).text


def test_a_plain_run_warns_of_nothing() -> None:
    page = Page(report.render(*made("+-", "++")))
    assert not [attrs for _, attrs in page.tags if attrs.get("role") == "note"]


def test_disagreements_are_cut_fairly_and_the_rest_is_counted() -> None:
    record, answers = made("+" * 60 + "-" * 30 + "-" * 25, "-" * 60 + "+" * 30 + "-" * 25)
    page = Page(report.render(record, answers))
    sides = Counter(re.findall(r"Row \d+: ([a-z ]*)(?= Comment| <)", page.text))
    assert sides["only the base model is right"] == 20
    assert sides["only the tuned model is right"] == 20
    assert sides["both are wrong"] == report.SHOWN_ERRORS
    assert "30 rows lost by tuning, 60 rows won. 40 of 90 are shown" in page.text
    assert "25 rows that both get wrong. 20 are shown." in page.text


def test_few_disagreements_are_all_shown_losses_first() -> None:
    page = Page(report.render(*made("+" * 35 + "-", "-" * 35 + "+")))
    rows = [int(n) for n in re.findall(r"Row (\d+): only", page.text)]
    assert rows == [35, *range(35)]
    assert "are shown" not in page.text


def test_an_answer_shows_what_cannot_be_seen() -> None:
    record, _ = made("?+", "++")
    said = [*predictions("tuned", "?+", said="1.\n\n0"), *predictions("base", "++")]
    assert "1.↵↵0 unparsable" in Page(report.render(record, said)).text
    said[0] = said[0].model_copy(update={"text": ""})
    assert "(nothing) unparsable" in Page(report.render(record, said)).text


def test_long_texts_are_cut_and_say_so() -> None:
    record, answers = made("-", "+")
    answers = [p.model_copy(update={"input": "long " * 400}) for p in answers]
    assert "(and 1,199 more characters)" in Page(report.render(record, answers)).text


def test_settings_and_provenance() -> None:
    text = Page(report.render(*made("+-", "++", seed_honored=False))).text
    for words in (
        "36 optimizer steps in 12 epochs", "Validation chose epoch 9", "learning_rate 0.3",
        "verbalizer classify {0, 1} {{input}}", "decoding_method greedy", "truncated_rows 0",
        "seed 7, not honored by the backend", "started 2025-03-04 05:06:07 UTC", "torch 2.13.0",
        "0123abc" * 5 + ", with changes", "tune 7 min", "api_key **********", "abababababab ",
        "The init text was repeated",
    ):  # fmt: skip
        assert words in text, words
    assert "top_k" not in text


def test_unparsable_stands_in_its_own_column() -> None:
    record, answers = made("++-+", "?+?+")
    text = Page(report.render(record, answers)).text
    assert re.search("Expected 0 1 unparsable", text)
    # Rows 0 and 2 expect "0" and the base model says nothing that counts; 1 and 3 are right.
    assert re.search(r"Base model: .*? 0 0 of 2, right 0 of 2 2 of 2 1 0 of 2 2 of 2, right", text)


def test_the_same_record_gives_the_same_bytes(tmp_path: Path) -> None:
    record, answers = VARIANTS["both"]
    assert report.render(record, answers) == report.render(record, answers[::-1])
    files = []
    for name in ("a", "b"):
        run = Run(tmp_path / name, record)
        run.write_predictions(answers)
        report.write(run)
        files.append({p.name: p.read_bytes() for p in run.directory.iterdir()})
    assert files[0] == files[1]
    assert set(files[0]) == {"predictions.jsonl", "report.html", "learning_curve.svg"}


def test_a_run_without_a_curve_gets_no_curve(tmp_path: Path) -> None:
    record, answers = VARIANTS["zero shot"]
    run = Run(tmp_path, record)
    run.write_predictions(answers)
    report.write(run)
    assert {p.name for p in tmp_path.iterdir()} == {"predictions.jsonl", "report.html"}


def test_a_run_that_was_not_evaluated_is_refused() -> None:
    record, answers = made("+-", "++", evaluations={})
    with pytest.raises(RunError, match="no evaluation"):
        report.render(record, answers)


@pytest.mark.parametrize(
    "drawn",
    [curve(), curve(200, 9), LearningCurve(steps=curve().steps),
     LearningCurve(epochs=(EpochLoss(epoch=1, loss=0.5),))],
)  # fmt: skip
@pytest.mark.parametrize("width", [charts.WIDE, charts.NARROW])
def test_a_chart_is_xml_and_follows_the_theme(drawn: LearningCurve, width: int) -> None:
    svg = charts.standalone(charts.learning_curve(drawn, width))
    root = ET.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "prefers-color-scheme: dark" in svg
    body = svg.split("</style>")[1]
    assert "var(--accent)" in body
    assert ("each step" in body, "epoch mean" in body) == (bool(drawn.steps), bool(drawn.epochs))
    assert not re.search(r"#[0-9a-f]{6}", body), "a color that does not follow the theme"


def test_a_method_name_is_no_formula() -> None:
    standing = charts.Standing("$x^2$ & <co>", "t", VARIANTS["both"][0].evaluations["tuned"], 1, "")
    root = ET.fromstring(charts.scoreboard([standing]))
    assert "$x^2$ & <co>" in [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]


def _luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("color", ["ink", "muted", "accent", "warn"])
@pytest.mark.parametrize("ground", ["paper", "sunk"])
def test_text_has_the_contrast_of_wcag_aa(scheme: str, color: str, ground: str) -> None:
    part = charts.theme().split("@media")[scheme == "dark"]
    colors = dict(re.findall(r"--(\w+): (#\w{6})", part))
    light, dark = sorted((_luminance(colors[c]) for c in (color, ground)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5
