"""``tunesmith plugins``: what was found, the broken ones with the reason."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.plugins import Plugin, registry


@command("plugins", example="tunesmith plugins")
@screen.json_option
def plugins(as_json: bool) -> None:
    """List the plugins; a broken one is shown with its error and breaks nothing else."""
    found = registry().plugins
    document = [
        {"name": p.name, "distribution": p.distribution, "version": p.version, "error": p.error}
        for p in found
    ]
    screen.emit(as_json, document, lambda: _lines(found))


def _lines(found: tuple[Plugin, ...]) -> Iterator[str]:
    if not found:
        yield "no plugins; install some with: pip install 'tunesmith[local]'"
        return
    yield from screen.table(
        ("plugin", "distribution", "version", "status"),
        ((p.name, p.distribution, p.version, "broken" if p.error else "ok") for p in found),
    )
    for plugin in found:
        if plugin.error:
            yield f"{plugin.name}: {plugin.error}; reinstall or remove {plugin.distribution}"
