"""The rows of a proof: verified files, the stated labels, and a seeded sample in proportion."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tunesmith.atomic import write_atomically
from tunesmith.cli.data import PUBLISHED, fetch, find_entry
from tunesmith.dataset import load_dataset
from tunesmith.records import Row, json_lines

from .sizes import DataSet, Rows

SEED = 0
"""Seed of the sample. Methods have their own seeds, and all use the same rows."""


@dataclass(frozen=True, slots=True)
class Files:
    """The rows of one data set in a proof."""

    train: Path
    test: Path
    labels: tuple[str, ...]
    checksums: dict[str, str]
    """SHA-256 of the published files, by name."""


class NoData(Exception):  # noqa: N818  # no error: the proof is skipped
    """A data set is not on this machine."""


def prepare(what: DataSet, rows: Rows, places: Sequence[Path], folder: Path) -> Files:
    """Write the rows of ``what`` into ``folder`` and return their files.

    Args:
        what: the data set.
        rows: how many.
        places: folders that may hold the published files; the first that does is taken.
        folder: where verified and ready files go.

    Raises:
        NoData: no place holds the files.
        DatasetError: a file has another checksum.
    """
    entry = find_entry(what.name)
    ready = {path.stem: path for path in fetch(entry, folder, source=_place(what, places))}
    train = list(load_dataset(str(ready[f"{what.name}_train"])).rows)
    test = list(load_dataset(str(ready[what.test_part])).rows)
    labels = commonest(train, rows.labels)
    parts = {
        "train": sample([row for row in train if row.output in labels], rows.train),
        "test": sample([row for row in test if row.output in labels], rows.test),
    }
    for name, part in parts.items():
        write_atomically(folder / f"{name}.jsonl", json_lines(part))
    sums = {file.name: file.sha256 for file in entry.files}
    return Files(folder / "train.jsonl", folder / "test.jsonl", labels, sums)


def _place(what: DataSet, places: Sequence[Path]) -> Path:
    files = [file.name for file in find_entry(what.name).files]
    for place in places:
        for folder in (place, place / what.name / PUBLISHED):
            if all((folder / name).is_file() for name in files):
                return folder
    raise NoData(
        f"{what.title} is not here; get it with: tunesmith data {what.name}, "
        "or name a folder that holds its files with --data DIR"
    )


def commonest(rows: Sequence[Row], count: int | None) -> tuple[str, ...]:
    """Return the ``count`` labels with most rows, alphabetical among equals, in that order."""
    counts = Counter(str(row.output) for row in rows)
    chosen = sorted(counts, key=lambda label: (-counts[label], label))[:count]
    return tuple(sorted(chosen))


def sample(rows: Sequence[Row], size: int | None) -> list[Row]:
    """Return ``size`` rows, every label in proportion (largest remainders), in file order."""
    if size is None or size >= len(rows):
        return list(rows)
    drawn = set()
    for label, number in _quotas(rows, size).items():
        places = [place for place, row in enumerate(rows) if row.output == label]
        drawn.update(random.Random(SEED).sample(places, number))
    return [row for place, row in enumerate(rows) if place in drawn]


def _quotas(rows: Sequence[Row], size: int) -> dict[str | None, int]:
    counts = Counter(row.output for row in rows)
    exact = {label: size * number / len(rows) for label, number in counts.items()}
    quotas = {label: int(share) for label, share in exact.items()}
    rest = sorted(exact, key=lambda label: (quotas[label] - exact[label], str(label)))
    for label in rest[: size - sum(quotas.values())]:
        quotas[label] += 1
    return quotas
