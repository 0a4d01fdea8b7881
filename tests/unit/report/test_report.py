"""The report agrees with the record, is one file and escapes all text."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from report_records import VARIANTS, Page, curve, made, predictions

from tunesmith import report
from tunesmith.audit import audit_data
from tunesmith.dataset import Dataset
from tunesmith.errors import RunError
from tunesmith.labels import LabelSet
from tunesmith.records import EpochLoss, LearningCurve, Row
from tunesmith.report import charts
from tunesmith.report.cases import SHOWN_ERRORS
from tunesmith.report.markdown import to_markdown
from tunesmith.report.verdict import baseline_words, headline
from tunesmith.run import Run
from tunesmith.runs.judgment import judge

MINUS = "\N{MINUS SIGN}"


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
    [
        ("both", set()),
        ("tuned only", {"diagnosis"}),
        ("zero shot", {"diagnosis", "curve"}),
        ("five labels", set()),
    ],
)
def test_sections_are_in_order(variant: str, missing: set[str]) -> None:
    page = Page(report.render(*VARIANTS[variant]))
    order = [
        "diagnosis", "scoreboard", "curve", "confusion", "rows", "notes", "method", "data",
        "provenance",
    ]  # fmt: skip
    found = [str(attrs["id"]) for tag, attrs in page.tags if tag == "section"]
    assert found == [name for name in order if name not in missing]


def test_charts_are_drawn_for_two_widths_with_a_description() -> None:
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


def test_the_audit_is_a_section_and_its_problems_are_at_the_top() -> None:
    rows = tuple(Row(input=f"<i>{word}</i>", output="<u>") for word in ("one", "two", "three"))
    data = Dataset(source="x", rows=rows)
    found = audit_data(data, data)
    html = report.render(*made("++--", "++++", audit=found))
    page = Page(html)
    ids = [str(attrs["id"]) for tag, attrs in page.tags if tag == "section"]
    assert ids.index("data") < ids.index("audit") < ids.index("provenance")
    assert not {tag for tag, _ in page.tags} & {"u", "i"}
    top, _, section = html.partition('<section id="audit"')
    assert "Data: 3 of 3 test rows are training rows too" in top
    assert "only the label" in section


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
        ("+" * 20, "+" * 10 + "-" * 10, "Established over the untuned model.", "good"),
        ("+" * 20, "+" * 18 + "--", "Not established: these 20 rows do not show that", "plain"),
        ("+" * 10 + "-" * 10, "+" * 20, "Not worth it: the untuned model (1.000) beats", "bad"),
        ("+" * 18 + "--", "+" * 19 + "-", "Tuning added nothing: the untuned model answers", "bad"),
    ],
)
def test_the_verdict_is_that_of_the_judgment(tuned: str, base: str, words: str, tone: str) -> None:
    record, answers = made(tuned, base, base_input="same")
    found = record.comparison
    assert found is not None
    said = headline(record)
    assert f"{said.lead} {said.sentence}" == judge(record).headline
    assert f"{said.lead} {said.sentence}".startswith(words)
    assert said.tone == tone
    page = Page(report.render(record, answers))
    assert words in page.text
    assert f"right on {tuned.count('+')} of 20 test rows" in page.text
    assert f"{100 * found.difference:+.1f}".replace("-", MINUS) in page.text


def test_numbers_of_the_verdict() -> None:
    page = Page(report.render(*made("+" * 20, "+" * 18 + "??", base_input="same")))
    for words in (
        f"a difference of +10.0 points (95% interval {MINUS}7.7 to +30.1). Only the tuned model is "
        "right on 2 rows, only the untuned model on 0 rows; exact McNemar p = 0.5.",
        f"Difference +10.0 {MINUS}7.7 to +30.1 points",
        "Exact McNemar p 0.5 two-sided",
        "Same answer 90.0% kappa 0.82",
    ):
        assert words in page.text, words


@pytest.mark.parametrize(
    ("tuned", "base", "remark"),
    [
        ("+" * 20, "+" * 18 + "??", "about 78 rows would establish it with 80% power."),
        ("+" * 20, "+" * 18 + "--", "same answer to 90.0% of the rows (Cohen's kappa 0.80)."),
        ("+" * 19 + "?", "+" * 18 + "-?", "No label at all: 1 of the 1 wrong answer of the tuned "
         "model, 1 of the 2 wrong answers of the untuned model. The untuned model read each input"),
        ("+" * 16 + "-" * 4, "-" * 4 + "+" * 9 + "-" * 7,
         "From the two accuracies alone p could be anything from 0.016 to 0.12; the rows decide."),
    ],
)  # fmt: skip
def test_further_remarks_are_below_the_verdict(tuned: str, base: str, remark: str) -> None:
    record, answers = made(tuned, base)
    said = " ".join(headline(record).remarks)
    assert remark in said
    assert remark in Page(report.render(record, answers)).text


def test_a_clear_verdict_has_no_remark_but_the_agreement() -> None:
    (remark,) = headline(made("+" * 20, "-" * 15 + "+" * 5)[0]).remarks
    assert remark.startswith("The two give the same answer to 25.0%")


def test_one_model_alone_is_measured_not_compared() -> None:
    tuned = Page(report.render(*VARIANTS["tuned only"])).text
    assert "Measured, not compared: the tuned model is right on 35 of 40 rows." in tuned
    assert "no base model that answers" in tuned
    assert "Base" not in tuned
    zero = Page(report.render(*VARIANTS["zero shot"])).text
    assert "(0.775) does as well as the prompted model (0.775)." in zero
    alone = Page(report.render(*made(None, "++-", alone=True))).text
    assert "Measured, not compared: the prompted model is right on 2 of 3 rows." in alone
    assert "Only its own model was asked" in alone
    assert "Errors of the base model" in zero


@pytest.mark.parametrize(
    ("tuned", "cheap", "words"),
    [
        ("+" * 20, "+" * 10 + "-" * 10, "right on 10 of 20 rows after 0.042 s; the tuned model b"),
        ("+" * 20, "+" * 19 + "-", "the tuned model is not shown to beat it (+5.0 points, p = 1)"),
        ("-" * 10 + "+" * 10, "+" * 20, f"it beats the tuned model ({MINUS}50.0 points, p ="),
    ],
)
def test_the_baseline_in_words(tuned: str, cheap: str, words: str) -> None:
    record, answers = made(tuned, "+" * 20, cheap)
    assert words in baseline_words(record)
    assert words in Page(report.render(record, answers)).text


def test_the_baseline_in_words_names_the_model_of_a_zero_shot_run() -> None:
    record, _ = made(None, "+" * 20, "+" * 10 + "-" * 10)
    assert "the prompted model beats it" in baseline_words(record)


def test_a_page_without_baselines_has_a_note() -> None:
    assert baseline_words(VARIANTS["tuned only"][0]) == ""
    assert "no TF-IDF baseline was measured" in Page(report.render(*VARIANTS["tuned only"])).text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stand_in": "m/tiny"}, "m/tiny answered in place of ibm-granite/granite-4.0-350m."),
        ({"emulated": True}, "This run was emulated"),
        ({"development": ("ibm-granite/granite-4.0-350m",)}, "not a Granite checkpoint"),
    ],
)
def test_emulation_and_stand_ins_are_marked(changes: dict[str, Any], words: str) -> None:
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
    assert sides["both are wrong"] == SHOWN_ERRORS
    assert "30 rows lost by tuning, 60 rows won. 40 of 90 are shown" in page.text
    assert "25 rows that both get wrong. 20 are shown." in page.text


def test_few_disagreements_are_all_shown_losses_first() -> None:
    page = Page(report.render(*made("+" * 35 + "-", "-" * 35 + "+")))
    rows = [int(n) for n in re.findall(r"Row (\d+): only", page.text)]
    assert rows == [35, *range(35)]
    assert "are shown" not in page.text


def test_an_answer_shows_invisible_characters() -> None:
    record, _ = made("?+", "++")
    said = [*predictions("tuned", "?+", said="1.\n\n0"), *predictions("base", "++")]
    assert "1.↵↵0 unparsable" in Page(report.render(record, said)).text
    said[0] = said[0].model_copy(update={"text": ""})
    assert "(nothing) unparsable" in Page(report.render(record, said)).text


def test_long_texts_are_cut_with_a_mark() -> None:
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


def test_calibration_names_its_rows_and_the_threshold_of_abstaining() -> None:
    record, answers = VARIANTS["calibrated"]
    found = record.calibration
    assert found is not None
    assert found.test is not None
    text = Page(report.render(record, answers)).text
    for words in (
        f"Temperature {found.temperature:.3g}, fitted on 60 validation rows",
        f"expected calibration error {found.before.ece:.3f} before, {found.after.ece:.3f} after",
        f"Before {found.before.ece:.3f} {found.before.nll:.3f} {found.before.brier:.3f}",
        f"The {found.test.covered} validation rows answered at a calibrated "
        f"probability of {found.threshold:.2f} or more reach {100 * found.test.accuracy:.1f}%",
        f"On the test rows that answers {found.test.covered} of 60",
    ):
        assert words in text, words
    never = found.model_copy(update={"threshold": None, "held_out": None, "test": None})
    none = record.model_copy(update={"calibration": never})
    assert "No threshold brings" in Page(report.render(none, answers)).text


@pytest.mark.parametrize(("count", "commonest"), [(12, False), (13, True)])
def test_many_labels_have_a_table_of_the_commonest_confusions_and_no_matrix(
    count: int, commonest: bool
) -> None:
    labels = LabelSet.model_validate([f"intent {n:02}" for n in range(count)])
    record, answers = made("+" * 40 + "-" * 40, "+" * 40 + "?" * 40, labels=labels)
    page = Page(report.render(record, answers)).text
    markdown = to_markdown(report.make_document(record, answers))
    for text in (page, markdown):
        assert ("Tuned model: the commonest wrong answers" in text) is commonest
        assert ("Base model: the commonest wrong answers" in text) is commonest
        assert ("a row for each expected label, a column for each answer" in text) is not commonest
    if commonest:
        counts = [
            int(n) for n in re.findall(r"\| intent \d\d \| unparsable \| (\d) of \d", markdown)
        ]
        assert len(counts) == count
        assert counts == sorted(counts, reverse=True)
        assert sum(counts) == 40


def test_rarer_confusions_are_counted() -> None:
    labels = LabelSet.model_validate([f"intent {n:02}" for n in range(30)])
    record, answers = made("-" * 60, labels=labels)
    expected = {(one.expected, one.label) for one in answers}
    page = Page(report.render(record, answers)).text
    assert f"; {len(expected) - 20} rarer ones are left out here, and are in report.json" in page


def test_unparsable_has_its_own_column() -> None:
    record, answers = made("++-+", "?+?+")
    text = Page(report.render(record, answers)).text
    assert re.search("Expected 0 1 unparsable", text)
    # Rows 0 and 2 expect "0" and the base model has no valid answer; 1 and 3 are right.
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
    assert set(files[0]) == {
        "predictions.jsonl", "report.html", "report.md", "report.json", "learning_curve.svg",
    }  # fmt: skip


def test_a_run_without_a_curve_gets_no_curve(tmp_path: Path) -> None:
    record, answers = VARIANTS["zero shot"]
    run = Run(tmp_path, record)
    run.write_predictions(answers)
    report.write(run)
    assert not (tmp_path / "learning_curve.svg").exists()
    assert json.loads((tmp_path / "report.json").read_text())["curve"] is None
    assert "Learning curve" not in (tmp_path / "report.md").read_text()


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


@pytest.mark.parametrize("others", [1, 13])
def test_a_label_may_be_named_as_the_column_of_other_answers(others: int) -> None:
    labels = LabelSet.model_validate(["unparsable", *(f"l{n}" for n in range(others))])
    tuned = predictions("tuned", "?+--??", labels)
    text = to_markdown(report.make_document(*made("?+--??", "++++++", labels=labels)))
    assert "no label at all" in text
    wrong = {(p.expected, p.label or "no label at all") for p in tuned if p.label != p.expected}
    if others > 1:
        assert all(f"| {expected} | {answer} |" in text for expected, answer in wrong)


def test_of_many_labels_the_worst_come_first() -> None:
    labels = LabelSet.model_validate([f"l{n:02}" for n in range(13)])
    record, answers = made("+" * 12 + "-", "+" * 13, labels=labels)
    page = Page(report.render(record, answers))
    _, caption, below = page.text.partition("The labels with the lowest F1 come first")
    assert caption
    scores = record.evaluations["tuned"].labels
    worst = min(scores, key=lambda name: scores[name].f1)
    assert scores[worst].f1 < 1
    assert re.findall(r"l\d\d", below)[0] == worst
