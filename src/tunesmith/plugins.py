"""Finds plugins, and records the broken ones instead of failing."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, cast

import pluggy

from tunesmith import hookspecs
from tunesmith.errors import ExperimentError, PluginError, near_misses
from tunesmith.hookspecs import (
    PROJECT,
    BackendEntry,
    BaseModelEntry,
    CommandEntry,
    EmbedderEntry,
    ExecutorEntry,
    MethodEntry,
)

if TYPE_CHECKING:
    from tunesmith.methods import Method

GROUP = "tunesmith"
DEFAULT_BACKEND = "local"
DEFAULT_BASE_MODEL = "tunesmith/micro-granite"
EXTRAS = {
    "local": "local", "p_tuning": "local", "prefix_tuning": "local", "lora": "local",
    "fine_tuning": "local", "linear_probe": "local",
    "sklearn": "sklearn", "majority": "sklearn", "tfidf_logreg": "sklearn",
    "embeddings_logreg": "sklearn",
    "watsonx": "watsonx",
    "openai": "openai", "provider_finetune": "openai",
    "kubeflow": "kubeflow",
}  # fmt: skip
"""Backends and methods of the project's own plugins, with the extra that installs each."""
CORE_METHODS = {
    entry.name: entry
    for entry in (
        MethodEntry(
            "prompt_tuning", "A soft prompt for a frozen model (Lester et al. 2021)",
            "tunesmith.methods:PromptTuning", place=40,
        ),
        MethodEntry(
            "zero_shot", "A hard prompt around each input, without tuning",
            "tunesmith.methods:ZeroShot", "prompting", 30,
        ),
        MethodEntry(
            "few_shot", "A hard prompt with solved examples, without tuning",
            "tunesmith.methods:FewShot", "prompting", 31,
        ),
    )
}  # fmt: skip
"""The methods of the core, as text, because their classes would import pydantic."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point: its name, distribution and version, and why it could not be loaded."""

    name: str
    distribution: str
    version: str
    error: str | None = None


class Registry:
    """The plugins that were found, and their entries."""

    def __init__(self, points: Iterable[EntryPoint]) -> None:
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._entries: list[tuple[str, str, Any]] = []
        self.plugins = tuple(self._load(point) for point in points)

    def _load(self, point: EntryPoint) -> Plugin:
        # With pluggy's loader, one broken plugin would end the program; here it is only recorded.
        dist = point.dist
        plugin = Plugin(point.name, dist.name if dist else "?", dist.version if dist else "?")
        try:
            module = point.load()
            self._manager.register(module, name=point.name)
            self._manager.check_pending()
            # A hook that raises makes its plugin a broken one.
            self._entries += [
                (caller.name, point.name, entry)
                for caller in self._manager.get_hookcallers(module) or ()
                for impl in caller.get_hookimpls()
                if impl.plugin is module
                for entry in cast("Iterable[Any]", impl.function())
            ]
        except Exception as error:  # noqa: BLE001  # a plugin's module may raise anything
            if self._manager.has_plugin(point.name):
                self._manager.unregister(name=point.name)
            return replace(plugin, error=f"{type(error).__name__}: {error}")
        return plugin

    def backends(self) -> dict[str, BackendEntry]:
        """Return the backends by name."""
        return self._collect("register_backends", "backend")

    def base_models(self) -> dict[str, BaseModelEntry]:
        """Return the base models by portable name."""
        return self._collect("register_base_models", "base model")

    def commands(self) -> dict[str, CommandEntry]:
        """Return the extra commands by name."""
        return self._collect("register_commands", "command")

    def executors(self) -> dict[str, ExecutorEntry]:
        """Return the executors by name."""
        return self._collect("register_executors", "executor")

    def embedders(self) -> dict[str, EmbedderEntry]:
        """Return the sentence embedding models by name."""
        return self._collect("register_embedders", "sentence embedding model")

    def methods(self) -> dict[str, MethodEntry]:
        """Return the methods that backends bring, by name."""
        backends = self.backends().items()
        return _by_name("method", ((name, m) for name, entry in backends for m in entry.methods))

    def _collect(self, hook: str, kind: str) -> dict[str, Any]:
        owned = ((owner, entry) for registered, owner, entry in self._entries if registered == hook)
        return dict(sorted(_by_name(kind, owned).items()))


def _by_name(kind: str, owned: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return the entries by name; ``owned`` are pairs of an owner and an entry."""
    found: dict[str, Any] = {}
    owners: dict[str, str] = {}
    for owner, entry in owned:
        if entry.name in found:
            raise PluginError(
                f"{kind} {entry.name!r} is claimed by two plugins, {owners[entry.name]!r} and "
                f"{owner!r}; uninstall one of them"
            )
        found[entry.name], owners[entry.name] = entry, owner
    return found


@cache
def registry() -> Registry:
    """Return the registry of the installed plugins, found once per process."""
    return Registry(sorted(entry_points(group=GROUP), key=lambda point: point.name))


def import_target(target: str) -> Any:
    """Import ``"package.module:attribute"``.

    Raises:
        PluginError: the module or the attribute cannot be imported.
    """
    module, _, attribute = target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise PluginError(f"cannot import {target!r}: {error}") from error


def install_hint(name: str) -> str:
    """Return the sentence on how to install backend or method ``name``; empty if unknown."""
    extra = EXTRAS.get(name)
    return f" Install it with: pip install 'tunesmith[{extra}]'." if extra else ""


def development_models(*names: str | None) -> tuple[str, ...]:
    """Return those of ``names`` that a plugin registers as small base models for development."""
    known = registry().base_models()
    return tuple(name for name in names if name in known and known[name].development)


def method_entry(name: str) -> MethodEntry | None:
    """Return the entry of method ``name``, of the core or of a plugin; None: there is none."""
    return CORE_METHODS.get(name) or registry().methods().get(name)


def method_class(name: str) -> type[Method]:
    """Return the class of method ``name``: one of the core's, or one that a backend brings.

    Raises:
        ExperimentError: no such method; near misses and the installation are named.
    """
    entry = method_entry(name)
    if entry is None:
        known = [*CORE_METHODS, *registry().methods()]
        raise ExperimentError(
            f"method.name: no method {name!r}; there are: {', '.join(known)}."
            f"{near_misses(name, known)}{install_hint(name)}"
        )
    cls: type[Method] = import_target(entry.target)
    return cls
