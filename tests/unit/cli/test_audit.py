"""``tunesmith audit``: files or an experiment, on a screen or as JSON, strict or not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Invoke = Callable[..., Result]


def document(done: Result) -> dict[str, Any]:
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def codes(found: dict[str, Any]) -> set[str]:
    return {one["code"] for one in found["findings"]}


@pytest.fixture
def leaking(work: Path) -> Path:
    """A test file whose first row is also the second training row, and an extra copy in train."""
    train = json.loads((work / "train.json").read_text())
    test = json.loads((work / "test.json").read_text())
    (work / "train.json").write_text(json.dumps([*train, train[0]]))
    (work / "test.json").write_text(json.dumps([train[1], *test]))
    return work


def test_two_files(invoke: Invoke, leaking: Path) -> None:
    found = document(invoke("audit", "train.json", "test.json", "--json"))
    assert found["leaked_test_rows"] == 1
    assert found["duplicate_train_rows"] == 1
    assert found["test"]["tokens"] is None


def test_on_a_screen_the_most_serious_finding_comes_first_and_a_next_step_last(
    invoke: Invoke, leaking: Path
) -> None:
    lines = invoke("audit", "train.json", "test.json").stdout.splitlines()
    said = [line.split()[0] for line in lines if line.startswith(("problem", "warning", "note"))]
    assert said[0] == "problem"
    assert said == sorted(said, key=["problem", "warning", "note"].index)
    assert lines[-1] == (
        "next: fix the problems, then run again: tunesmith audit train.json test.json"
    )


def test_the_next_step_after_clean_files_is_init(invoke: Invoke) -> None:
    done = invoke("audit", "train.json", "test.json", "--strict")
    assert done.exit_code == 0
    assert done.stdout.endswith("next: tunesmith init train.json --test test.json\n")


def test_strict_exits_with_1_and_still_prints(invoke: Invoke, leaking: Path) -> None:
    done = invoke("audit", "train.json", "test.json", "--strict", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["leaked_test_rows"] == 1
    assert "leaked_test_rows" in done.stderr


def test_an_experiment_brings_labels_template_and_limit(invoke: Invoke, work: Path) -> None:
    bare = document(invoke("audit", "experiment.yaml", "--backend", "fake", "--json"))
    assert bare["train"]["tokens"]["truncated"] == 0
    longest = bare["train"]["tokens"]["maximum"]
    limit = ("--max-input-tokens", str(longest - 1))
    cut = document(invoke("audit", "experiment.yaml", "--backend", "fake", "--json", *limit))
    assert cut["train"]["tokens"]["truncated"] >= 1
    assert "truncated_train_rows" in codes(cut)


def test_a_fraction_for_validation_is_audited_as_part_of_its_file(
    invoke: Invoke, work: Path
) -> None:
    text = (work / "experiment.yaml").read_text()
    whole = text.replace("test: test.json", "test: test.json, validation: 0.25")
    (work / "experiment.yaml").write_text(whole)
    found = document(invoke("audit", "experiment.yaml", "--backend", "fake", "--json"))
    assert found["train"]["rows"] == 16


def test_tokens_of_a_base_model(invoke: Invoke) -> None:
    model = ("--base-model", "tunesmith/fake", "--backend", "fake", "--max-input-tokens", "2")
    found = document(invoke("audit", "train.json", "test.json", "--json", *model))
    assert found["train"]["tokens"]["maximum"] > 2
    assert "truncated_train_rows" in codes(found)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("experiment.yaml", "test.json"), 2, "leave this one out"),
        (("train.json", "--max-input-tokens", "9"), 2, "--base-model"),
        (("train.json", "--base-model", "tunesmith/fake", "--backend", "plain"), 4, "no tokens"),
        (("trian.json",), 2, "Did you mean 'train.json'"),
    ],
)
def test_refusals(invoke: Invoke, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = invoke("audit", *arguments)
    assert done.exit_code == code
    assert said in done.stderr


def test_other_formats_other_columns_and_missing_labels(invoke: Invoke, work: Path) -> None:
    lines = [
        '{"text": "a kind and quiet groomer", "label": 1}',
        '{"text": "late, and rude as well", "label": 0}',
    ]
    (work / "rows.jsonl").write_text("\n".join(lines))
    (work / "rows.csv").write_text('text,label\n"late, and rude\nas well",0\na new one,\n')
    columns = ("--input-field", "text", "--output-field", "label")
    found = document(invoke("audit", "rows.jsonl", "rows.csv", "--json", *columns))
    assert found["leaked_test_rows"] == 1
    assert found["test"]["unlabelled"] == 1
    assert found["train"]["labels"] == {"0": 1, "1": 1}
