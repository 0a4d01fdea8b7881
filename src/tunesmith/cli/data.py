"""``tunesmith data``: fetch known public data sets."""

from __future__ import annotations

import hashlib
import tomllib
import urllib.request
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import click

from tunesmith.atomic import write_atomically
from tunesmith.cli import data_conversion, paste, screen
from tunesmith.cli.command import FOLDER, command
from tunesmith.cli.data_conversion import Converter
from tunesmith.errors import DatasetError, near_misses
from tunesmith.records import json_lines


@command("data", example="tunesmith data sst2\ntunesmith data tutorial --from ~/downloads")
@click.argument("name", required=False)
@click.option(
    "--from",
    "source",
    type=FOLDER,
    help="A folder with a copy of the files, instead of the network.",
)
@click.option("--to", type=FOLDER, help="The folder of the files; by default data/NAME.")
@click.option("--url", metavar="URL", help="A mirror, instead of the published address.")
def data(name: str | None, source: Path | None, to: Path | None, url: str | None) -> None:
    """Fetch the data set NAME, verified by checksum; without NAME, list what there is.

    A data set that is published in another format is kept as it is in the folder "published"; its
    rows are written beside that as JSON lines with "input" and "output".
    """
    if name is None:
        entries = CATALOG.values()
        keys = ("name", "summary", "terms", "url")
        listed = [{key: getattr(entry, key) for key in keys} for entry in entries]
        rows = ((e.name, e.summary, e.terms) for e in entries)
        screen.emit(listed, screen.table(("data set", "summary", "terms"), rows))
        return
    entry = find_entry(name)
    paths = fetch(entry, to or Path("data") / name, source=source, url=url)
    document = {"name": name, "terms": entry.terms, "files": [str(path) for path in paths]}
    train, *rest = paths
    command = paste.line("init", train, *(("--test", rest[0]) if rest else ()))
    shown = [screen.relative(path) for path in paths]
    lines = [f"terms: {entry.terms}", *shown, f"next: {command}"]
    screen.emit(document, lines)


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


def _read_catalog() -> dict[str, CatalogEntry]:
    text = resources.files("tunesmith.cli").joinpath("catalog.toml").read_text(encoding="utf-8")
    catalog = {}
    for name, values in tomllib.loads(text).items():
        values["files"] = tuple(CatalogFile(**file) for file in values["files"])
        if "convert" in values:
            values["convert"] = getattr(data_conversion, values["convert"])
        catalog[name] = CatalogEntry(name, **values)
    return catalog


CATALOG = _read_catalog()


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
    entry: CatalogEntry, to: Path, *, source: Path | None = None, url: str | None = None
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
    folder = to / PUBLISHED if entry.convert else to
    kept = [_put(file, folder / file.name, entry, source, url) for file in entry.files]
    if entry.convert is None:
        return kept
    ready = entry.convert({path.name: path.read_bytes().decode("utf-8-sig") for path in kept})
    for name, rows in ready.items():
        content = json_lines(rows).encode()
        if not (to / name).exists():
            write_atomically(to / name, content)
        elif (to / name).read_bytes() != content:
            raise _in_the_way(to / name)
    return [to / name for name in ready]


def _in_the_way(target: Path) -> DatasetError:
    return DatasetError(
        f"{target}: another file of that name is there; move it away, "
        "or choose another folder with --to"
    )


def _put(
    file: CatalogFile, target: Path, entry: CatalogEntry, source: Path | None, url: str | None
) -> Path:
    if target.exists():
        if hashlib.sha256(target.read_bytes()).hexdigest() != file.sha256:
            raise _in_the_way(target)
        return target
    if source is not None:
        where, content = _read(source, file, entry)
    else:
        where = f"{(url or entry.url).rstrip('/')}/{file.published_as}"
        content = _download(where, entry)
    found = hashlib.sha256(content).hexdigest()
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
            return bytes(answer.read(MAX_BYTES))
    except OSError as error:
        raise DatasetError(
            f"{url}: cannot be fetched: {error}. Without a network, get the files elsewhere "
            f"and run: tunesmith data {entry.name} --from DIR"
        ) from None
