"""Connects to a backend by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tunesmith.backend import Backend
from tunesmith.backends.options import resolve_options
from tunesmith.errors import PluginError, near_misses
from tunesmith.plugins import import_target, install_hint, registry


def connect(name: str, **options: Any) -> Backend:
    """Return backend ``name``, ready to work.

    Args:
        name: as ``tunesmith backends`` lists it.
        **options: options of that backend, e.g. ``store="runs/store"``, ``device="cpu"``; what is
            not given is taken from the environment, then from the options file.

    Raises:
        PluginError: no such backend, or it cannot be imported.
        ExperimentError: an option is unknown or wrong.
    """
    return open_backend(name, options)


def open_backend(name: str, given: Mapping[str, Any], runs_dir: Path = Path("runs")) -> Backend:
    """As :func:`connect`; the store is under ``runs_dir`` unless an option names another."""
    cls = backend_class(name)
    return cls(resolve_options(name, cls.options_model, given, runs_dir=runs_dir))


def backend_class(name: str) -> type[Backend]:
    """Import the class of backend ``name``.

    Raises:
        PluginError: no plugin has it, it is broken, or something that it needs is missing.
    """
    backends = registry().backends()
    if name not in backends:
        broken = next((p for p in registry().plugins if p.error and p.name == name), None)
        if broken:
            raise PluginError(f"plugin {name!r} ({broken.distribution}) is broken: {broken.error}")
        raise PluginError(
            f"no backend {name!r}; installed: {', '.join(backends) or 'none'}."
            f"{near_misses(name, backends)}{install_hint(name)}"
        )
    entry = backends[name]
    if entry.missing:
        hint = f"; install it with: {entry.install}" if entry.install else ""
        raise PluginError(f"backend {name!r} needs {', '.join(entry.missing)}{hint}")
    cls: type[Backend] = import_target(entry.target)
    return cls


@contextmanager
def opened(backend: Backend | str, runs_dir: Path = Path("runs")) -> Iterator[Backend]:
    """Yield ``backend``; if it is a name, connect to it, and close it in the end.

    Raises:
        PluginError: no such backend, or it cannot be imported.
        ExperimentError: an option from the environment or the options file is wrong.
    """
    if isinstance(backend, str):
        with open_backend(backend, {}, runs_dir) as connected:
            yield connected
    else:
        yield backend
