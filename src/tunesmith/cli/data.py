"""``tunesmith data``: fetches known public data sets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.data_catalog import CATALOG, CatalogEntry, fetch, find_entry


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
    help="Where the files go; by default data/NAME.",
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
