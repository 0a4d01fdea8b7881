"""The catalog's data sets that are published in another format than an experiment reads."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tunesmith.cli.data import CATALOG, CatalogEntry, CatalogFile, fetch
from tunesmith.cli.data_conversion import is_test
from tunesmith.dataset import Dataset, load_dataset
from tunesmith.errors import DatasetError

PUBLIC = Path(__file__).parents[4] / "shared" / "data" / "public"
SST2 = {
    "sst2_train.tsv": 'a "fine" film\t1\nit \u2028drags\t0\n',
    "sst2_dev.tsv": " dull \t0",
    "sst2_test.tsv": "a joy\t1\n",
}
BANK = {
    "banking77_train.csv": 'text,category\n"\nMy card, where?\n",card_arrival\nWhy a fee?,fee\n',
    "banking77_test.csv": "text,category\nA fee?,fee\n",
}
SMS = {"sms_spam.tsv": 'Label\tSMS\nham\t"See you\nspam\tWIN now\nham\tLater\nspam\twin  NOW\n\n'}


def made_up(name: str, contents: dict[str, str], folder: Path) -> CatalogEntry:
    """The entry ``name`` for files of our own, which lie in ``folder``."""
    files = []
    for known in CATALOG[name].files:
        content = contents[known.name].encode()
        (folder / known.name).write_bytes(content)
        files.append(replace(known, sha256=hashlib.sha256(content).hexdigest()))
    return replace(CATALOG[name], files=tuple(files))


def rows_of(paths: list[Path]) -> list[list[tuple[str, str | None]]]:
    return [[(r.input, r.output) for r in load_dataset(str(path)).rows] for path in paths]


def test_sst2_becomes_rows_with_words_for_labels(tmp_path: Path) -> None:
    to = tmp_path / "to"
    paths = fetch(made_up("sst2", SST2, tmp_path), to, source=tmp_path)
    assert [p.name for p in paths] == ["sst2_train.jsonl", "sst2_dev.jsonl", "sst2_test.jsonl"]
    assert rows_of(paths) == [
        [('a "fine" film', "positive"), ("it \u2028drags", "negative")],
        [("dull", "negative")],
        [("a joy", "positive")],
    ]
    # What was verified is kept as it came, out of the way.
    kept = {p.name: p.read_bytes().decode() for p in (to / "published").iterdir()}
    assert kept == SST2


def test_banking77_becomes_rows_with_the_category_as_label(tmp_path: Path) -> None:
    paths = fetch(made_up("banking77", BANK, tmp_path), tmp_path / "to", source=tmp_path)
    assert rows_of(paths) == [
        [("My card, where?", "card_arrival"), ("Why a fee?", "fee")],
        [("A fee?", "fee")],
    ]


def test_sms_spam_is_split_by_text_so_that_copies_stay_together(tmp_path: Path) -> None:
    paths = fetch(made_up("sms_spam", SMS, tmp_path), tmp_path / "to", source=tmp_path)
    found = [
        (path.stem.rpartition("_")[2], *json.loads(line).values())
        for path in paths
        for line in path.read_text().splitlines()
    ]
    side = {text: part for part, text, _ in found}
    assert len(found) == 4
    assert side["WIN now"] == side["win  NOW"]
    assert side == {text: "test" if is_test(text) else "train" for text in side}


def test_existing_files_are_kept_and_changed_ones_not_overwritten(tmp_path: Path) -> None:
    entry, to = made_up("sst2", SST2, tmp_path), tmp_path / "to"
    first, *_ = fetch(entry, to, source=tmp_path)
    before = first.stat().st_mtime_ns
    fetch(entry, to, source=tmp_path / "nowhere")
    assert first.stat().st_mtime_ns == before
    first.write_text("mine")
    with pytest.raises(DatasetError, match=r"sst2_train\.jsonl: another file"):
        fetch(entry, to, source=tmp_path)
    assert first.read_text() == "mine"


@pytest.mark.parametrize("path", ["train.tsv", "data/SST2/train.tsv"])
def test_a_copy_may_have_the_published_names(path: str, tmp_path: Path) -> None:
    entry = made_up("sst2", SST2, tmp_path)
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "sst2_train.tsv").rename(tmp_path / path)
    assert fetch(entry, tmp_path / "to", source=tmp_path)[0].is_file()


@pytest.mark.parametrize(
    ("name", "file", "content", "message"),
    [
        ("sst2", "sst2_dev.tsv", "fine\t2", r"sst2_dev\.tsv, line 1: '2' is not one of 0, 1"),
        ("sst2", "sst2_dev.tsv", "a\t0\nb", r"sst2_dev\.tsv, line 2: expected two columns"),
        ("banking77", "banking77_test.csv", "a,b\n1,2\n", "expected the columns text and category"),
        ("sms_spam", "sms_spam.tsv", "ham\tLater\n", "expected the columns Label and SMS"),
    ],
)
def test_another_format_is_refused_with_file_and_row(
    name: str, file: str, content: str, message: str, tmp_path: Path
) -> None:
    contents = {"sst2": SST2, "banking77": BANK, "sms_spam": SMS}[name]
    entry = made_up(name, {**contents, file: content}, tmp_path)
    with pytest.raises(DatasetError, match=message):
        fetch(entry, tmp_path / "to", source=tmp_path)
    assert not list((tmp_path / "to").glob("*.jsonl"))


@pytest.mark.parametrize(
    ("name", "rows", "labels"),
    [
        ("sst2", [6920, 872, 1821], 2),
        ("banking77", [10003, 3080], 77),
        ("sms_spam", [4417, 1157], 2),
    ],
)
def test_published_files_have_the_known_checksums(
    name: str, rows: list[int], labels: int, tmp_path: Path
) -> None:
    if not PUBLIC.is_dir():
        pytest.skip(f"the public data sets are not at {PUBLIC}")
    parts = [load_dataset(str(p)) for p in fetch(CATALOG[name], tmp_path, source=PUBLIC)]
    assert [len(part) for part in parts] == rows
    assert {len(_outputs(part)) for part in parts} == {labels}


def _outputs(part: Dataset) -> set[str | None]:
    return {row.output for row in part.rows}


def test_every_file_has_a_whole_checksum() -> None:
    files: list[CatalogFile] = [file for entry in CATALOG.values() for file in entry.files]
    assert all(len(file.sha256) == 64 for file in files)
