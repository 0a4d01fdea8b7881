"""The screening of initializations: its starts, its verdict, and that a second call goes on."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tunesmith.cli.data import CATALOG
from tunesmith.labels import LabelSet
from tunesmith.records import Row
from tunesmith_local.catalog import Catalog
from tunesmith_local.engine.soft_prompt import initial_prompt
from tunesmith_local.options import LocalOptions

ROOT = Path(__file__).parents[2]
LABELS = LabelSet.model_validate({"fee": ["card payment fee"], "top_up": ["top up"]})
TRAIN = tuple(
    Row(input=f"{topic} number {i}", output=label)
    for i in range(8)
    for topic, label in (("a fee was taken", "fee"), ("add money", "top_up"))
)
TEMPLATE = "Question: {{input}}\nTopic:\n"


@pytest.fixture(autouse=True)
def from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the package importable as ``python -m`` does."""
    monkeypatch.syspath_prepend(str(ROOT))


def part(name: str) -> Any:
    return importlib.import_module(f"tests.benchmarks.initializations.{name}")


@pytest.fixture(scope="module")
def base() -> Any:
    return Catalog(LocalOptions(offline=True)).read("tunesmith/micro-granite")


@pytest.fixture
def start(base: Any) -> Callable[..., Any]:
    return lambda length, seed=0: part("starts").Start(base, LABELS, TEMPLATE, TRAIN, length, seed)


def decoded(start: Any) -> str:
    return str(start.base.tokenizer.decode(part("starts").demonstrations(start)))


def test_demonstrations_are_solved_training_rows_one_of_each_label_and_the_last_is_whole(
    start: Callable[..., Any],
) -> None:
    text = decoded(start(60))
    *first, last, after = text.split("\n\n")
    assert after == ""
    solved = {f"Question: {r.input}\nTopic:\n{LABELS.surface(str(r.output))}" for r in TRAIN}
    assert last in solved
    assert {one.rpartition("\n")[2] for one in (first[-1], last)} == {"card payment fee", "top up"}
    assert len(part("starts").demonstrations(start(60))) == 60
    assert text == decoded(start(60))
    assert text != decoded(start(60, seed=1))


def test_without_room_for_a_row_the_prompt_is_the_end_of_the_shortest(
    start: Callable[..., Any],
) -> None:
    assert len(part("starts").demonstrations(start(3))) == 3
    assert decoded(start(3)).endswith("\n\n")


def test_the_prompt_of_labels_ends_with_the_mean_embedding_of_each_label(
    base: Any, start: Callable[..., Any]
) -> None:
    made = start(40)
    weights = made.weights("labels")
    table = base.embeddings.weight.detach().float()
    for row, words in zip(weights[-2:], ("card payment fee", "top up"), strict=True):
        torch.testing.assert_close(row, table[made.tokens(f" {words}")].mean(0))
    instruction = made.tokens("Classify the text. Answer with")
    torch.testing.assert_close(weights[-2 - len(instruction) : -2], table[instruction])
    assert weights.shape == (40, base.hidden_size)


@pytest.mark.parametrize("init", ["random", "sample_vocab", "text"])
def test_todays_starts_are_those_of_the_product(
    base: Any, start: Callable[..., Any], init: Any
) -> None:
    text = "Classify the text. Answer with card payment fee or top up."
    ours = initial_prompt(base, init, 12, text=text, seed=3).weights
    torch.testing.assert_close(start(12, seed=3).weights(init), ours)


def found(**right: str) -> dict[Any, Any]:
    """Return results on two data sets, three seeds each, by start: its right answers."""
    made = [
        part("results").Result(
            data=data, init=init, seed=seed, right=tuple(c == "1" for c in rows), loss=0.5,
            before=(0.5, 0.7), moved=1.0, seconds=1.0,
        )
        for init, rows in right.items()
        for data in ("one", "other")
        for seed in range(3)
    ]  # fmt: skip
    return {one.key: one for one in made}


@pytest.mark.parametrize(
    ("new", "old", "wins"),
    [
        ("1" * 40, "1" * 30 + "0" * 10, True),
        ("1" * 31 + "0" * 9, "1" * 30 + "0" * 10, False),
        ("1" * 30 + "0" * 10, "1" * 40, False),
    ],
)
def test_a_start_wins_if_its_lead_over_the_best_of_todays_is_significant(
    new: str, old: str, wins: bool
) -> None:
    comparing, results = part("comparing"), found(labels=new, text=old, random="0" * 40)
    assert comparing.best_of_today(results, ["one", "other"]) == "text"
    (made,) = comparing.compare(results, ["one", "other"], "text")
    assert made.together.rows == 80
    assert made.together.points == pytest.approx(100 * (new.count("1") - old.count("1")) / 40)
    low, high = made.together.interval
    assert low < made.together.points < high
    assert made.wins(*comparing.corrected([made])) is wins


def test_a_start_that_is_worse_on_one_data_set_does_not_win() -> None:
    comparing = part("comparing")
    results = found(labels="1" * 40, text="0" * 40)
    for seed in range(3):
        key = ("other", "text", seed)
        results[key] = replace(results[key], right=(True,) * 40)
        key = ("other", "labels", seed)
        results[key] = replace(results[key], right=(True,) * 30 + (False,) * 10)
    (made,) = comparing.compare(results, ["one", "other"], "text")
    assert made.together.p < 0.0001
    assert not made.wins(made.together.p)


def test_seeds_that_only_one_side_has_are_left_out() -> None:
    results = found(labels="1" * 40, text="0" * 40)
    del results[("one", "text", 1)], results[("other", "labels", 2)]
    (made,) = part("comparing").compare(results, ["one", "other"], "text")
    assert made.by_data["one"].seeds == (0, 2)
    assert made.by_data["other"].seeds == (0, 1)
    assert made.together.seeds == (0,)


@pytest.fixture
def main(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Screen on a made-up SST-2, which the catalog takes for the real one."""
    folder, entry, files = tmp_path / "published", CATALOG["sst2"], []
    folder.mkdir()
    for file, rows in zip(entry.files, (40, 4, 4), strict=True):
        text = "".join(f"film {i} is {['dull', 'fine'][i % 2]}\t{i % 2}\n" for i in range(rows))
        (folder / file.name).write_text(text)
        files.append(replace(file, sha256=hashlib.sha256(text.encode()).hexdigest()))
    monkeypatch.setitem(CATALOG, "sst2", replace(entry, files=tuple(files)))
    rows, settings = part("rows"), part("settings")
    monkeypatch.setattr(rows, "DATA_SETS", rows.DATA_SETS[:1])
    monkeypatch.setattr(rows, "TRAIN", 16)
    monkeypatch.setattr(rows, "VALIDATION", 10)
    small = replace(settings.MODELS["embedded"], tokens=5, epochs=1)
    monkeypatch.setitem(settings.MODELS, "embedded", small)
    fixed = ["--data", str(folder), "--build", str(tmp_path / "build")]
    return lambda *more: int(part("__main__").main([*fixed, *more]))


def test_a_second_call_goes_on_and_no_test_row_is_read(
    main: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = tmp_path / "build" / "initializations" / "results-embedded.jsonl"
    assert main("--seed", "0", "--init", "text") == 0
    (first,) = lines.read_text().splitlines()
    assert "film" not in first
    with lines.open("a") as file:
        file.write('{"model": "tunesm')  # killed while it wrote
        file.write("\n")
    assert main("--seed", "0", "--init", "text", "--init", "labels") == 0
    assert lines.read_text().startswith(first)
    assert len(lines.read_text().splitlines()) == 3
    assert main("--seed", "0", "--init", "text", "--init", "labels") == 0
    assert len(lines.read_text().splitlines()) == 3
    printed = capsys.readouterr().out
    assert "2 of 15 tunings" in printed
    assert "`labels`: not finished." in printed
    assert printed.endswith((tmp_path / "build/initializations/embedded.md").read_text() + "\n")


def test_the_two_parts_share_no_text_and_a_seed_draws_the_same_rows_for_all_starts(
    main: Callable[..., int], tmp_path: Path
) -> None:
    (task,) = part("rows").tasks([tmp_path / "published"], tmp_path / "ready")
    assert len(task.validation) == 10
    assert not {row.input for row in task.validation} & {row.input for row in task.pool}
    assert task.train(1) == task.train(1)
    assert task.train(1) != task.train(2)
    assert [row.output for row in task.train(1)].count("positive") == 8


def test_missing_data_are_reported(
    main: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main("--data", str(tmp_path / "none")) == 0
    assert "screening skipped: SST-2 is not here" in capsys.readouterr().err
