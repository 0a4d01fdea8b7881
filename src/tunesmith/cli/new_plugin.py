"""``tunesmith new-plugin``: a distribution with a plugin, from ``templates/new_plugin``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

import click

from tunesmith.atomic import folder_atomically, write_atomically
from tunesmith.cli import screen
from tunesmith.cli.command import FOLDER, command
from tunesmith.errors import ExperimentError
from tunesmith.plugins import registry

KINDS = {
    "backend": "a provider of tuning, asked over HTTP",
    "method": "a method of your own, tuned in this process",
    "base-model": "a base model for backends that load one from a folder",
}
SHARED = "shared"
"""The folder of the files of every kind."""
PACKAGE = "PACKAGE"
"""Stands for the name of the package in the names of folders."""
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@command(
    "new-plugin",
    example="tunesmith new-plugin acme\ntunesmith new-plugin keywords --kind method",
)
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    default="backend",
    show_default=True,
    help="; ".join(f"{kind}: {meaning}" for kind, meaning in KINDS.items()) + ".",
)
@click.option(
    "-o", "--output", type=FOLDER, help="The folder of the distribution; by default tunesmith-NAME."
)
def new_plugin(name: str, kind: str, output: Path | None) -> None:
    """Write a distribution with a plugin, which works, for you to change.

    It has the plugin, its tests, a README and a workflow that runs the tests. Everything in it is
    yours.
    """
    _check_name(name)
    folder = output or Path(f"tunesmith-{name}")
    if folder.exists():
        raise ExperimentError(
            f"{folder}: the folder exists; remove it, or choose another with --output"
        )
    made = distribution(name, kind)
    with folder_atomically(folder) as scratch:
        for path, text in made.items():
            write_atomically(scratch / path, text)
    file = screen.relative(folder)
    lines = [
        f"{file}: {len(made)} files of a plugin ({kind})",
        f"next: pip install 'tunesmith[testing]' ./{file} && pytest {file}",
    ]
    screen.emit({"folder": str(folder), "kind": kind, "files": sorted(map(str, made))}, lines)


def distribution(name: str, kind: str) -> dict[PurePosixPath, str]:
    """Return the files of a distribution by their paths in its folder.

    Args:
        name: of the plugin, e.g. ``acme-two``.
        kind: one of :data:`KINDS`.
    """
    from jinja2 import Environment, StrictUndefined

    # Python and YAML have braces of their own.
    environment = Environment(  # noqa: S701  # no HTML
        variable_start_string="<<",
        variable_end_string=">>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    snake = name.replace("-", "_")
    names = {
        "kind": kind,
        "name": name,
        "snake": snake,
        "distribution": f"tunesmith-{name}",
        "package": f"tunesmith_{snake}",
        "title": "".join(part.capitalize() for part in name.split("-")),
        "variable": snake.upper(),
        "tunesmith": version("tunesmith"),
    }
    root = files("tunesmith").joinpath("templates", "new_plugin")
    found = {}
    for part in (SHARED, kind):
        for path, template in _templates(root.joinpath(part), PurePosixPath()):
            place = str(path).replace(PACKAGE, names["package"]).removesuffix(".jinja")
            found[PurePosixPath(place)] = environment.from_string(template).render(names)
    return found


def _templates(folder: Traversable, place: PurePosixPath) -> Iterator[tuple[PurePosixPath, str]]:
    """Yield the path below ``place`` of each file in ``folder``, and its text."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _templates(entry, place / entry.name)
        elif entry.name.endswith(".jinja"):
            yield place / entry.name, entry.read_text(encoding="utf-8")


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ExperimentError(
            f"NAME: {name!r} is no name of a plugin; take lower-case letters, digits and single "
            "hyphens, e.g. acme-two"
        )
    taken = dict.fromkeys(registry().backends(), "an installed plugin")
    taken |= {plugin.name: plugin.distribution for plugin in registry().plugins}
    if name in taken:
        raise ExperimentError(f"NAME: {taken[name]} has the name {name!r} already; take another")
