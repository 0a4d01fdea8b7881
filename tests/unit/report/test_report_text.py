"""The report as Markdown and as JSON agrees with the page, and escapes all text."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from report_records import VARIANTS, Page, made, predictions

from tunesmith import report
from tunesmith.audit import audit_data
from tunesmith.dataset import Dataset
from tunesmith.labels import LabelSet
from tunesmith.records import Row
from tunesmith.report.markdown import text, to_markdown
from tunesmith.run import Run
from tunesmith.runs.record import RunRecord


def markdown(variant: Any) -> str:
    return to_markdown(report.make_document(*variant))


def document(variant: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(report.make_document(*variant).to_json())
    return found


def headings(markdown: str) -> list[str]:
    return [line for line in markdown.splitlines() if line.startswith("#")]


@pytest.mark.parametrize("name", VARIANTS)
def test_the_three_agree(name: str) -> None:
    record, answers = VARIANTS[name]
    page, said = Page(report.render(record, answers)).text, markdown(VARIANTS[name])
    found = document(VARIANTS[name])
    headline = found["headline"]
    sentences = [headline["explanation"], found["cheap_truth"], found["curve_words"]]
    for sentence in (*headline["remarks"], *filter(None, sentences)):
        assert sentence in page
        assert text(sentence) in said
    assert f"**{headline['lead']}** {headline['sentence']}" in said
    assert "\n\n\n" not in said
    for standing in found["scoreboard"]:
        e = standing["evaluation"]
        row = (standing["title"], f"{e['correct']} / {e['rows']}", f"{100 * e['accuracy']:.1f}%")
        assert f"| {' | '.join(row)} |" in said
        assert " ".join(row) in page


def test_calibration_is_in_all_three_in_the_same_words() -> None:
    variant = VARIANTS["calibrated"]
    said, found = markdown(variant), document(variant)
    page = Page(report.render(*variant)).text
    record = variant[0].calibration
    assert record is not None
    assert found["calibration"] == json.loads(record.model_dump_json())
    for sentence in found["calibration_words"].values():
        assert sentence in page
        assert sentence in said
    for scores in (record.before, record.after):
        numbers = [f"{n:.3f}" for n in (scores.ece, scores.nll, scores.brier)]
        assert " | ".join(numbers) in said
        assert " ".join(numbers) in page


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"temperature": 20.0}, "The temperature is at the end of its range"),
        ({"threshold": None, "held_out": None, "test": None}, "No threshold brings the answered"),
        ({"test": None}, "No test row is answered there."),
    ],
)
def test_a_calibration_has_notes_on_its_limits(changes: dict[str, Any], words: str) -> None:
    record, answers = VARIANTS["calibrated"]
    assert record.calibration is not None
    other = record.model_copy(update={"calibration": record.calibration.model_copy(update=changes)})
    assert words in markdown((other, answers))
    assert words not in markdown((record, answers))


def test_the_default_generation_is_described() -> None:
    record, answers = made("+-", "++")
    experiment = {**record.experiment, "generation": None}
    bare = record.model_copy(update={"experiment": experiment})
    words = "Generation: watsonx.ai's defaults (greedy, at most 20 new tokens)"
    for said in (markdown((bare, answers)), Page(report.render(bare, answers)).text):
        assert words in said
    assert words not in markdown((record, answers))


def test_the_rows_to_read_are_in_all_three() -> None:
    found, said = document(VARIANTS["both"]), markdown(VARIANTS["both"])
    cases = found["cases"]["disagreements"]
    assert len(cases) == found["cases"]["all_disagreements"]
    for case in cases:
        assert f"- **Row {case['row']}**, only the" in said
    assert "disagreements" not in found["comparison"]
    assert said.count("\n  > ") == len(cases) + len(found["cases"]["errors"])


def test_headings_are_those_of_the_page() -> None:
    assert [line for line in headings(markdown(VARIANTS["both"])) if line.startswith("## ")] == [
        "## Diagnosis", "## Scoreboard", "## Learning curve", "## Confusion matrices",
        "## Rows to read", "## Notes", "## Method and settings", "## Data", "## Provenance",
    ]  # fmt: skip


HOSTILE = "# <script>x</script> | *bold* `code` [a](http://evil.example) ![b](c)\n---\n\x1b[31m"


def hostile() -> tuple[RunRecord, list[Any]]:
    labels = LabelSet.model_validate(["<u> | x", "`{{ 7 * 7 }}`"])
    data = Dataset(
        source="x", rows=tuple(Row(input=f"{HOSTILE} {i}", output="<u> | x") for i in "ab")
    )
    record, _ = made("+-?", "+++", labels=labels, name=HOSTILE, notes=(HOSTILE,),
                     audit=audit_data(data, data))  # fmt: skip
    answers = [*predictions("tuned", "+-?", labels, said=HOSTILE),
               *predictions("base", "+++", labels)]  # fmt: skip
    return record, [p.model_copy(update={"input": f"{HOSTILE} | {p.row}"}) for p in answers]


def test_hostile_text_is_no_markdown() -> None:
    said, tame = markdown(hostile()), markdown(VARIANTS["both"])
    assert [line for line in headings(said)[1:] if line not in headings(tame)] == [
        "## Audit of the data"
    ]
    assert "<" not in said.replace("p < ", "")
    assert not re.search(r"(?<!\\)(\[a\]\(|`code`)|(?<![\\*])\*bold", said)
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", said)
    for table in re.findall(r"(?:^\|.*\n)+", said, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table


def test_json_keeps_texts_as_they_are() -> None:
    found = document(hostile())
    assert found["name"] == HOSTILE
    assert found["cases"]["errors" if found["cases"]["errors"] else "disagreements"][0][
        "input"
    ].startswith(HOSTILE)


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("num_virtual_tokens", "num_virtual_tokens"),
        ("_slanted_", r"\_slanted\_"),
        ("a & b < c > d", "a &amp; b &lt; c &gt; d"),
        ("two\nlines  here", "two lines here"),
        ("$x$ ~~y~~", r"\$x\$ \~\~y\~\~"),
    ],
)
def test_only_markdown_syntax_is_escaped(said: str, written: str) -> None:
    assert text(said) == written


def test_secrets_are_in_none(tmp_path: Any) -> None:
    record, answers = VARIANTS["both"]
    run = Run(tmp_path, record)
    run.write_predictions(answers)
    report.write(run)
    assert '"api_key": "**********"' in (tmp_path / "report.json").read_text()
    assert r"| api_key | \*\*" in (tmp_path / "report.md").read_text()
