"""Commands for the user to paste. They have what the user gave, but no secrets."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import click

from tunesmith.cli.command import GIVEN
from tunesmith.cli.screen import relative
from tunesmith.errors import PluginError

CONNECTION = ("backend", "options", "runs_dir")
"""The parameters of a connection."""


def line(name: str, *arguments: str | Path) -> str:
    """Return ``tunesmith NAME ARGUMENTS`` as a shell reads it; paths are made relative."""
    texts = (relative(one) if isinstance(one, Path) else one for one in arguments)
    return f"tunesmith {name} {shlex.join(texts)}"


def again(backend: str, *more: str) -> str:
    """Return the command that the user gave, with ``more`` arguments.

    Args:
        backend: tells which options are secrets. Each of them is ``NAME=YOUR_NAME`` in the command.
        more: arguments that are added.
    """
    given = list(_given(backend))
    positional = [text for parameter, text in given if isinstance(parameter, click.Argument)]
    name = str(click.get_current_context().info_name)
    return line(name, *positional, *_options(given), *more)


def following(
    name: str, *arguments: str | Path, backend: str, keep: Collection[str] = CONNECTION
) -> str:
    """Return the command ``name``, with those options that the user gave this one.

    Args:
        name: of the command.
        arguments: its own.
        backend: as for :func:`again`.
        keep: the parameters of this command whose options ``name`` has too.
    """
    given = [(parameter, text) for parameter, text in _given(backend) if parameter.name in keep]
    return line(name, *arguments, *_options(given))


def option_arguments(options: Mapping[str, str], backend: str, *, secret: bool) -> list[str]:
    """Return options of a backend as arguments; with ``secret``, only its secrets."""
    return [
        text
        for name, value in options.items()
        if not secret or _is_secret(name, backend)
        for text in ("--option", _shown(name, value, backend))
    ]


def _given(backend: str) -> Iterator[tuple[click.Parameter, str]]:
    """Yield what the user gave, in its order, as text; a flag has none."""
    context = click.get_current_context()
    values, _, order = context.command.make_parser(context).parse_args(list(context.meta[GIVEN]))
    left = {name: iter(v if isinstance(v, list) else [v]) for name, v in values.items()}
    for parameter in order:
        value = next(left[str(parameter.name)])
        if isinstance(value, tuple):  # an argument that takes many
            yield from ((parameter, text) for text in value)
        elif parameter.name == "options":
            name, _, text = value.partition("=")
            yield parameter, _shown(name, text, backend)
        elif value is not None:
            yield parameter, value if isinstance(value, str) else ""


def _options(given: Collection[tuple[click.Parameter, str]]) -> Iterator[str]:
    for parameter, text in given:
        if isinstance(parameter, click.Option):
            yield parameter.opts[-1]
            yield from () if parameter.is_flag else (text,)


def _shown(name: str, value: str, backend: str) -> str:
    return f"{name}=YOUR_{name.upper()}" if _is_secret(name, backend) else f"{name}={value}"


def _is_secret(name: str, backend: str) -> bool:
    from tunesmith.backends.connect import backend_class
    from tunesmith.backends.options import secret_options

    try:
        return name in secret_options(backend_class(backend).options_model)
    except PluginError:  # nothing tells which options are secrets
        return True
