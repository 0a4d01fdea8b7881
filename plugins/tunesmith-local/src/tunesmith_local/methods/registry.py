"""The methods of this backend: text alone, so that naming them imports nothing.

To add a method, write its file beside this one and add an entry here. The module that ``target``
names holds the settings class and ``METHOD``, a :class:`~.method.TuningMethod`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tunesmith.hookspecs import Artifact, MethodEntry

if TYPE_CHECKING:
    from tunesmith.methods import Method
    from tunesmith_local.methods.method import TuningMethod

_HERE = "tunesmith_local.methods"
PROMPT_TUNING = MethodEntry(
    name="prompt_tuning",
    summary="A soft prompt for a frozen model (Lester et al. 2021)",
    target=f"{_HERE}.prompt_tuning:PromptTuning",
)
"""Declared by the core for every backend, and trained here."""
BROUGHT = (
    MethodEntry(
        name="p_tuning",
        summary="Virtual tokens made by a small network (Liu et al. 2021)",
        target=f"{_HERE}.p_tuning:PTuning",
        kind="soft prompt",
        place=41,
        title="P-tuning",
    ),
    MethodEntry(
        name="prefix_tuning",
        summary="Trained keys and values (Li and Liang 2021)",
        target=f"{_HERE}.prefix_tuning:PrefixTuning",
        kind="soft prompt",
        place=42,
        title="prefix tuning",
    ),
    MethodEntry(
        name="lora",
        summary="Low-rank changes of weight matrices (Hu et al. 2021)",
        target=f"{_HERE}.lora:Lora",
        kind="weights",
        place=50,
        title="LoRA",
    ),
    MethodEntry(
        name="fine_tuning",
        summary="All weights, if memory allows it",
        target=f"{_HERE}.fine_tuning:FineTuning",
        kind="weights",
        place=60,
        title="fine-tuning",
        artifact=Artifact(
            library="transformers",
            holds="This folder holds the whole model, tokenizer included.",
        ),
    ),
    MethodEntry(
        name="linear_probe",
        summary="Logistic regression on the base model's hidden states",
        target=f"{_HERE}.linear_probe:LinearProbe",
        kind="classifier",
        place=20,
        title="linear probe",
        artifact=Artifact(
            library="tunesmith",
            holds="This folder holds the probe alone: a logistic regression on the base model's "
            "hidden states. The base model is needed beside it.",
        ),
    ),
)
"""The methods that this plugin brings, in the order in which they are declared."""


def entries() -> tuple[MethodEntry, ...]:
    """Return the entries of all methods that this backend trains."""
    return (PROMPT_TUNING, *BROUGHT)


def methods() -> dict[str, TuningMethod[Any, Any]]:
    """Return the methods by name; this imports their files."""
    return {entry.name: _method(entry) for entry in entries()}


def method_of(settings: Method) -> TuningMethod[Any, Any]:
    """Return the method of ``settings``.

    Raises:
        KeyError: it is no method of this backend.
    """
    return _method(_entry(settings.name))


def settings_of(values: dict[str, Any]) -> Method:
    """Return the settings of a record: ``name`` and hyper-parameters."""
    settings = dict(values)
    cls: type[Method] = _method(_entry(settings.pop("name"))).settings
    return cls.model_validate(settings)


def artifact_of(settings: Method) -> Artifact:
    """Return the description of a tuned model's exported files."""
    entry = _entry(settings.name)
    return _method(entry).artifact(settings) or entry.artifact


def _entry(name: str) -> MethodEntry:
    return {entry.name: entry for entry in entries()}[name]


def _method(entry: MethodEntry) -> TuningMethod[Any, Any]:
    module, _, _ = entry.target.partition(":")
    method: TuningMethod[Any, Any] = import_module(module).METHOD
    return method
