"""Known public data sets, fetched from where they are published and verified by checksum.

Nothing of them is part of tunesmith: they stay under the terms of their authors.
"""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tunesmith.atomic import write_atomically
from tunesmith.errors import DatasetError, near_misses

TIMEOUT_SECONDS = 30
MAX_BYTES = 64 * 2**20
"""More than any file of the catalog; a larger answer is not what was asked for."""


@dataclass(frozen=True, slots=True)
class CatalogFile:
    """One file: its name at the source and here, and its SHA-256 in hexadecimal."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A data set: its files lie directly under ``url``."""

    name: str
    summary: str
    url: str
    files: tuple[CatalogFile, ...]
    terms: str
    """What is known about the license."""


CATALOG = {
    entry.name: entry
    for entry in (
        CatalogEntry(
            name="tutorial",
            summary="IBM's prompt-tuning tutorial: dog grooming reviews, 353 train, 116 test rows",
            url="https://raw.githubusercontent.com/AnnaGutowska/think/main/tutorials/"
            "prompt-tuning-tutorial",
            files=(
                CatalogFile(
                    "dog_grooming_reviews_train_data.json",
                    "a6c9299facbbf8ff0b3b7643fa55e6ddd457bd1417bd2f9c48c5899cd75ecedd",
                ),
                CatalogFile(
                    "dog_grooming_reviews_test_data.json",
                    "12b0feea09401745700bf432b30c8486bbc555017d113b0816361fa83e02881b",
                ),
            ),
            terms="no license stated; IBM's, not part of tunesmith",
        ),
    )
}


def find_entry(name: str) -> CatalogEntry:
    """Return the data set ``name``.

    Raises:
        DatasetError: there is none; near misses are named.
    """
    if name not in CATALOG:
        raise DatasetError(
            f"no data set {name!r}; there are: {', '.join(CATALOG)}.{near_misses(name, CATALOG)}"
        )
    return CATALOG[name]


def fetch(
    entry: CatalogEntry,
    to: Path,
    *,
    source: Path | None = None,
    url: str | None = None,
) -> list[Path]:
    """Put the verified files of ``entry`` into the folder ``to`` and return their paths.

    A file that is there already and right is left as it is.

    Args:
        entry: the data set.
        to: the folder; made where it is missing.
        source: a folder with a copy of the files, read instead of the network.
        url: a mirror, read instead of the published address.

    Raises:
        DatasetError: a file cannot be had, is not the one that is known, or another file of
            that name is in the way.
    """
    return [_put(file, to / file.name, entry, source, url) for file in entry.files]


def _put(
    file: CatalogFile, target: Path, entry: CatalogEntry, source: Path | None, url: str | None
) -> Path:
    if target.exists():
        if _sha256(target.read_bytes()) != file.sha256:
            raise DatasetError(
                f"{target}: another file of that name is there; move it away, "
                "or choose another folder with --to"
            )
        return target
    if source is not None:
        where, content = str(source / file.name), _read(source / file.name, entry)
    else:
        where = f"{(url or entry.url).rstrip('/')}/{file.name}"
        content = _download(where, entry)
    found = _sha256(content)
    if found != file.sha256:
        raise DatasetError(
            f"{where}: not the file that is known (SHA-256 {found}, expected {file.sha256}); "
            "it was changed or cut short, and nothing was written. Get the original and give "
            "its folder with --from DIR"
        )
    write_atomically(target, content)
    return target


def _read(path: Path, entry: CatalogEntry) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        wanted = ", ".join(file.name for file in entry.files)
        raise DatasetError(
            f"{path}: {error.strerror}; --from needs a folder with {wanted}"
        ) from None


def _download(url: str, entry: CatalogEntry) -> bytes:
    if not url.startswith(("https://", "http://")):
        raise DatasetError(f"{url}: not a web address; a local copy is given with --from DIR")
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310  # checked above
            content: bytes = answer.read(MAX_BYTES)
    except (urllib.error.URLError, OSError) as error:
        raise DatasetError(
            f"{url}: cannot be fetched: {error}. Without a network, get the files elsewhere "
            f"and run: tunesmith data {entry.name} --from DIR"
        ) from None
    return content


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
