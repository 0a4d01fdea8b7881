"""The hooks of a plugin. They return text, so that nothing heavy is imported.

A plugin is a distribution with an entry point in the group ``tunesmith`` that names a module;
the module holds functions marked with ``hookimpl``. Everything it returns names its targets as
``"package.module:attribute"``, which tunesmith imports only when they are used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Literal

import pluggy

PROJECT = "tunesmith"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


MethodKind = Literal["constant", "classifier", "prompting", "soft prompt", "weights"]
"""The result of a method: always one label, a classifier beside the base model, a hard prompt,
trained vectors before a frozen model, or trained weights."""
LAST = 1000
"""The place of a method that names none: after all others."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """The exported files of a tuned model, for its model card."""

    library: str = "peft"
    """The library that reads them."""
    holds: str = "This folder holds the adapter alone; the base model is needed beside it."
    """A sentence on their contents."""


@dataclass(frozen=True, slots=True)
class MethodEntry:
    """A method that a backend brings: ``target`` is a subclass of ``methods.Method``."""

    name: str
    summary: str
    target: str
    kind: MethodKind = "soft prompt"
    place: int = LAST
    """On the ladder, from the cheapest method (0) to the most expensive."""
    title: str = ""
    """The method in a sentence, e.g. ``TF-IDF``; by default its name."""
    long_title: str = ""
    """The method in full, e.g. ``TF-IDF with logistic regression``; by default its title."""
    baseline: bool = False
    """Whether every run is measured against it, because it is cheap."""
    artifact: Artifact = Artifact()


@dataclass(frozen=True, slots=True)
class BackendEntry:
    """A backend: ``target`` is a subclass of ``backend.Backend``."""

    name: str
    summary: str
    target: str
    requires: tuple[str, ...] = ()
    """Top-level modules that must be importable."""
    install: str = ""
    """The command that installs what is missing."""
    methods: tuple[MethodEntry, ...] = ()

    @property
    def missing(self) -> list[str]:
        """The modules that the backend needs and that are not installed."""
        return [module for module in self.requires if find_spec(module) is None]


@dataclass(frozen=True, slots=True)
class BaseModelEntry:
    """A base model: its portable name and which backends can serve it, under which name."""

    name: str
    summary: str
    path: str | None = None
    """Target of a function that returns the model's directory, for an embedded model."""
    served_as: Mapping[str, str] = field(default_factory=dict)
    """Backend name to the name of the model there."""
    dtype: str = "float32"
    """Type in which an embedded model is computed if the user asks for none: a small one for
    development exactly, a real one (``auto``) as the machine does it best."""
    development: bool = False
    """Whether it is a small stand-in for development, about which reports warn."""


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A command of the command line: ``target`` is a ``click.Command``."""

    name: str
    summary: str
    target: str


@dataclass(frozen=True, slots=True)
class ExecutorEntry:
    """What runs the trials of a benchmark: ``target`` opens a ``concurrent.futures.Executor``.

    It is a context manager with the arguments of ``tunesmith.sweep.dask_cluster.opened``.
    """

    name: str
    summary: str
    target: str


@dataclass(frozen=True, slots=True)
class EmbedderEntry:
    """A sentence embedding model: ``target`` is a subclass of ``embedder.Embedder``."""

    name: str
    summary: str
    target: str
    requires: tuple[str, ...] = ()
    """Top-level modules that must be importable."""

    @property
    def installed(self) -> bool:
        """Whether everything that it needs is installed."""
        return all(find_spec(module) is not None for module in self.requires)


@hookspec
def register_backends() -> Sequence[BackendEntry]:  # type: ignore[empty-body]
    """Return the backends that this plugin brings."""


@hookspec
def register_base_models() -> Sequence[BaseModelEntry]:  # type: ignore[empty-body]
    """Return the base models that this plugin names."""


@hookspec
def register_commands() -> Sequence[CommandEntry]:  # type: ignore[empty-body]
    """Return the commands that this plugin adds to the command line."""


@hookspec
def register_executors() -> Sequence[ExecutorEntry]:  # type: ignore[empty-body]
    """Return the executors that this plugin adds to benchmark files."""


@hookspec
def register_embedders() -> Sequence[EmbedderEntry]:  # type: ignore[empty-body]
    """Return the sentence embedding models that this plugin brings."""
