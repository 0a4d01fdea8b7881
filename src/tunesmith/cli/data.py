"""``tunesmith data``: fetch known public data sets."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from tunesmith.atomic import write_atomically
from tunesmith.cli import data_conversion, screen
from tunesmith.cli.command import command
from tunesmith.cli.data_conversion import Converter
from tunesmith.errors import DatasetError, near_misses
from tunesmith.records import json_lines


@command("data", example="tunesmith data sst2\ntunesmith data tutorial --from ~/downloads")
@click.argument("name", required=False)
@click.option(
    "--from",
    "source",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder with a copy of the files, instead of the network.",
)
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the files; by default data/NAME.",
)
@click.option("--url", metavar="URL", help="A mirror, instead of the published address.")
@screen.json_option
def data(
    name: str | None, source: Path | None, to: Path | None, url: str | None, as_json: bool
) -> None:
    """Fetch the data set NAME, verified by checksum; without NAME, list what there is.

    A data set that is published in another format is kept as it is in the folder "published"; its
    rows are written beside that as JSON lines with "input" and "output".
    """
    if name is None:
        listed = [{"name": e.name, "summary": e.summary, "terms": e.terms, "url": e.url}
                  for e in CATALOG.values()]  # fmt: skip
        screen.emit(as_json, listed, lambda: _catalog_lines(list(CATALOG.values())))
        return
    entry = find_entry(name)
    paths = fetch(entry, to or Path("data") / name, source=source, url=url)
    document = {"name": name, "terms": entry.terms, "files": [str(path) for path in paths]}
    screen.emit(as_json, document, lambda: _fetched_lines(entry, paths))


def _catalog_lines(entries: list[CatalogEntry]) -> list[str]:
    return screen.table(
        ("data set", "summary", "terms"), ((e.name, e.summary, e.terms) for e in entries)
    )


def _fetched_lines(entry: CatalogEntry, paths: list[Path]) -> Iterator[str]:
    yield f"terms: {entry.terms}"
    for path in paths:
        yield screen.relative(path)
    train, *rest = map(screen.relative, paths)
    test = f" --test {rest[0]}" if rest else ""
    yield f"next: tunesmith init {train}{test}"


TIMEOUT_SECONDS = 30
MAX_BYTES = 64 * 2**20
"""More than any file of the catalog; a larger answer is not the data set."""
PUBLISHED = "published"
"""The folder of verified files that an experiment cannot read directly."""


@dataclass(frozen=True, slots=True)
class CatalogFile:
    """One file: its name here, its SHA-256 in hexadecimal, and its path at the source."""

    name: str
    sha256: str
    path: str = ""
    """Below the address of the data set; by default the name."""

    @property
    def published_as(self) -> str:
        """The path at the source."""
        return self.path or self.name


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A data set: its files lie under ``url``."""

    name: str
    summary: str
    url: str
    files: tuple[CatalogFile, ...]
    terms: str
    """The known terms of its license."""
    convert: Converter | None = None
    """Converts the published files to rows; None if an experiment reads them directly."""


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
        CatalogEntry(
            name="sst2",
            summary="SST-2, film reviews, two classes: 6920 train, 872 dev, 1821 test rows",
            url="https://raw.githubusercontent.com/clairett/pytorch-sentiment-classification/master",
            files=(
                CatalogFile(
                    "sst2_train.tsv",
                    "ec192f833a64da08f475488a77b0d0b47db47acd0f458bd18433fc793b569920",
                    "data/SST2/train.tsv",
                ),
                CatalogFile(
                    "sst2_dev.tsv",
                    "eddea6b39e601dd4e7a672b53cc40fdf6019fa80522f351206c24340ca5d9359",
                    "data/SST2/dev.tsv",
                ),
                CatalogFile(
                    "sst2_test.tsv",
                    "831169c7e2e429d6026e1bdbb542f33b636e3e596caad9602ebc953c205928b7",
                    "data/SST2/test.tsv",
                ),
            ),
            terms="no license stated; Socher et al. 2013, Stanford, not part of tunesmith",
            convert=data_conversion.sst2,
        ),
        CatalogEntry(
            name="banking77",
            summary="questions to a bank, 77 intents: 10003 train, 3080 test rows",
            url="https://raw.githubusercontent.com/PolyAI-LDN/task-specific-datasets/master",
            files=(
                CatalogFile(
                    "banking77_train.csv",
                    "b06e26ac675513959a63135f11b94ea7786ed02da65db93a5650d8838cbc664b",
                    "banking_data/train.csv",
                ),
                CatalogFile(
                    "banking77_test.csv",
                    "d12d6e3bc4c3103966ae786dc435913c0c563dfa328f5a3646d0e62cfeeb474d",
                    "banking_data/test.csv",
                ),
            ),
            terms="CC-BY-4.0; Casanueva et al. 2020, PolyAI, not part of tunesmith",
            convert=data_conversion.banking77,
        ),
        CatalogEntry(
            name="sms_spam",
            summary="SMS Spam Collection, ham or spam: 5574 rows, one text in five for testing",
            url="https://raw.githubusercontent.com/hamzaaacodes/sms-spam-collection/master",
            files=(
                CatalogFile(
                    "sms_spam.tsv",
                    "fae7ea7d915ef73903e5c2f46ffa2f4a39909a574e20fda4f2b81f7cb1e15e1f",
                    "SMSSpamCollection",
                ),
            ),
            terms="CC-BY-4.0; Almeida and Hidalgo 2011, UCI, not part of tunesmith",
            convert=data_conversion.sms_spam,
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
    """Put the verified files of ``entry`` into the folder ``to``; return those to work with.

    Published files that an experiment cannot read go into the folder ``published`` below ``to``.
    They are converted, and the converted files are returned: the training rows first, then the
    test rows. A file that exists and has the right checksum is left as it is.

    Args:
        entry: the data set.
        to: the folder; made if it is missing.
        source: a folder with a copy of the files, read instead of the network.
        url: a mirror, read instead of the published address.

    Raises:
        DatasetError: a file cannot be fetched or has another checksum, or another file of that
            name exists.
    """
    if entry.convert is None:
        return [_put(file, to / file.name, entry, source, url) for file in entry.files]
    kept = [_put(file, to / PUBLISHED / file.name, entry, source, url) for file in entry.files]
    ready = entry.convert({path.name: path.read_bytes().decode("utf-8-sig") for path in kept})
    return [_write_ready(to / name, json_lines(rows).encode()) for name, rows in ready.items()]


def _write_ready(target: Path, content: bytes) -> Path:
    if not target.exists():
        write_atomically(target, content)
    elif target.read_bytes() != content:
        raise _in_the_way(target)
    return target


def _in_the_way(target: Path) -> DatasetError:
    return DatasetError(
        f"{target}: another file of that name is there; move it away, "
        "or choose another folder with --to"
    )


def _put(
    file: CatalogFile, target: Path, entry: CatalogEntry, source: Path | None, url: str | None
) -> Path:
    if target.exists():
        if _sha256(target.read_bytes()) != file.sha256:
            raise _in_the_way(target)
        return target
    if source is not None:
        where, content = _read(source, file, entry)
    else:
        where = f"{(url or entry.url).rstrip('/')}/{file.published_as}"
        content = _download(where, entry)
    found = _sha256(content)
    if found != file.sha256:
        raise DatasetError(
            f"{where}: not the published file (SHA-256 {found}, expected {file.sha256}); "
            "it was changed or cut short, and nothing was written. Get the original and give "
            "its folder with --from DIR"
        )
    write_atomically(target, content)
    return target


def _read(source: Path, file: CatalogFile, entry: CatalogEntry) -> tuple[str, bytes]:
    # A copy has its name in this catalog, or its published name.
    names = dict.fromkeys((file.name, file.published_as, Path(file.published_as).name))
    path = next((p for name in names if (p := source / name).is_file()), source / file.name)
    try:
        return str(path), path.read_bytes()
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
