"""The base models that the service has now, and error messages for missing ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tunesmith.backend import Capabilities, Range
from tunesmith.errors import NotFoundError, near_misses
from tunesmith.methods import PromptTuning
from tunesmith.plugins import registry
from tunesmith.records import BaseModelInfo
from tunesmith.spec import CHAT_PARAMETERS, GenerationParams
from tunesmith_watsonx.connection import Connection

BACKEND = "watsonx"
_REMEDY = (
    "To run it anyway: 'tunesmith emulator serve' serves this API with a model on this machine, "
    "and --backend local tunes without any service"
)
# The limits in the SDK's docstring and IBM's pages, used if the spec of a model has none. The
# docstring's lowest learning rate, 0.01, would exclude IBM's own tutorial.
_DOCUMENTED = {
    "num_epochs": (1, 50),
    "learning_rate": (1e-5, 0.5),
    "batch_size": (1, 16),
    "accumulate_steps": (1, 128),
    "max_input_tokens": (1, 256),
    "max_output_tokens": (1, 128),
}


@dataclass(frozen=True)
class Spec:
    """One entry of the service's list of base models (``foundation_model_specs``)."""

    name: str
    """Portable name."""
    raw: Mapping[str, Any]

    @property
    def model_id(self) -> str:
        """The service's name."""
        return str(self.raw["model_id"])

    @property
    def tunable(self) -> bool:
        """Whether the service tunes prompts for it."""
        return "prompt_tune_trainable" in self._functions

    @property
    def generates(self) -> bool:
        """Whether the untuned model generates text."""
        return "text_generation" in self._functions

    @property
    def emulation(self) -> Mapping[str, Any]:
        """The properties of an emulator; empty for the real service."""
        marked: Mapping[str, Any] = self.raw.get("tunesmith") or {}
        return marked if marked.get("emulated") else {}

    @property
    def info(self) -> BaseModelInfo:
        """The record of the model."""
        summary = self.raw.get("short_description") or self.raw.get("label") or ""
        return BaseModelInfo(
            name=self.name, summary=str(summary), stand_in=self.emulation.get("stand_in")
        )

    @property
    def capabilities(self) -> Capabilities:
        """The capabilities that the service advertises."""
        limits = self.raw.get("model_limits") or {}
        every = GenerationParams.model_fields
        parameters = frozenset(self.emulation.get("generation_parameters", every))
        return Capabilities(
            methods=(PromptTuning.name,) if self.tunable else (),
            hyperparameters=self._ranges() if self.tunable else {},
            generation_parameters=parameters - CHAT_PARAMETERS,
            max_sequence_length=limits.get("max_sequence_length"),
            base_inference=self.generates,
            max_training_rows=limits.get("training_data_max_records"),
            # The stand-in method of an emulator may have no losses.
            learning_curve=not self.emulation.get("stand_in_method"),
            batch_independent=True,
            resumable=True,
            cancellable=True,
            streaming=True,
            tokenize=self.emulation.get("tokenize", True),
            # A tuned model has no label_scores: its label is followed by the end of text, and no
            # input can hold that token.
            base_label_scores=self._scores_inputs,
            chat=self._chats,
            remote=True,
            costs_money=not self.emulation,
            emulated=bool(self.emulation),
        )

    def notes(self) -> list[str]:
        """Return notes for the readers of a run on this model."""
        notes = []
        if self.emulation:
            notes.append(f"made through the emulator over {self.emulation.get('backend')!r}")
            method = self.emulation.get("stand_in_method")
            if method:
                notes.append(f"the emulator tuned with the method {method!r} in its place")
            if self.emulation.get("addition"):
                notes.append(f"the service itself never offered to tune {self.name!r}")
        for stage in self.stages("deprecated", "constricted", "withdrawn"):
            notes.append(f"the service lists {self.name!r} as {stage}")
        return notes

    def stages(self, *ids: str) -> list[str]:
        """Return the stages of its lifecycle among ``ids``, with date and alternatives."""
        told = []
        for stage in self.raw.get("lifecycle") or ():
            if stage.get("id") in ids:
                others = ", ".join(stage.get("alternative_model_ids") or ())
                told.append(
                    f"{stage['id']} from {stage.get('start_date', 'an unknown date')}"
                    + (f" (alternatives: {others})" if others else "")
                )
        return told

    @property
    def _functions(self) -> set[str]:
        return {str(function.get("id")) for function in self.raw.get("functions") or ()}

    @property
    def _scores_inputs(self) -> bool:
        # An older emulator does not have this property, and gives no tokens of inputs.
        return self.generates and self.emulation.get("base_label_scores", not self.emulation)

    @property
    def _chats(self) -> bool:
        # An emulator answers every chat, with plain text if the model has no chat template.
        return "text_chat" in self._functions and self.emulation.get("chat", not self.emulation)

    def _ranges(self) -> dict[str, Range]:
        given = self.raw.get("training_parameters") or {}
        ranges = {
            name: Range(
                minimum=(given.get(name) or {}).get("min", low),
                maximum=(given.get(name) or {}).get("max", high),
            )
            for name, (low, high) in _DOCUMENTED.items()
        }
        init = (given.get("init_method") or {}).get("supported") or ("random", "text")
        tokens = (given.get("num_virtual_tokens") or {}).get("default", 100)
        return {
            **ranges,
            "init_method": Range(choices=tuple(init)),
            "init_text": Range(),
            "verbalizer": Range(),
            # The SDK cannot set it, so only the service's default is possible.
            "num_virtual_tokens": Range(choices=(tokens,)),
        }


class Catalog:
    """The base models of the service, requested once per backend."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._served: dict[str, Spec] | None = None

    def served(self) -> dict[str, Spec]:
        """Return the base models that can be used, by portable name."""
        if self._served is None:
            self._served = {spec.name: spec for spec in self._ask("!lifecycle_withdrawn")}
        return self._served

    def find(self, name: str) -> Spec:
        """Return the base model ``name``.

        Raises:
            NotFoundError: it is not served; the message has the date and a remedy.
        """
        found = self.served().get(name)
        if found is None:
            raise NotFoundError(self._missing(name))
        return found

    def capabilities(self, name: str) -> Capabilities:
        """Return the capabilities for ``name``, with the reason if it cannot be tuned.

        Raises:
            NotFoundError: it is not served.
        """
        found = self.find(name)
        if found.tunable:
            return found.capabilities
        return found.capabilities.model_copy(update={"why_no_methods": self._why_not(found)})

    def _why_not(self, found: Spec) -> str:
        problem = found.emulation.get("problem")
        why = f"the emulator reports: {problem}" if problem else "in this region, on this plan"
        return (
            f"{self._connection.host} serves {found.name!r}, but does not tune prompts for it "
            f"({why}). {self._tunable_now()} {_REMEDY}"
        )

    def _ask(self, filters: str | None) -> list[Spec]:
        client = self._connection.client
        with self._connection.call("asking the service for its base models"):
            answer = client.foundation_models.get_model_specs(filters=filters, get_all=True)
            entries: Iterable[Any] = (answer or {}).get("resources", ())
        portable = _portable_names()
        return [Spec(portable.get(raw["model_id"], raw["model_id"]), raw) for raw in entries]

    def _missing(self, name: str) -> str:
        gone = next((spec for spec in self._ask(None) if spec.name == name), None)
        stages = gone.stages("withdrawn") if gone else []
        why = f"; it is {stages[0]}" if stages else ""
        hint = near_misses(name, self.served())
        return (
            f"{self._connection.host} does not serve the base model {name!r}{why}.{hint} "
            f"{self._tunable_now()} {_REMEDY}"
        )

    def _tunable_now(self) -> str:
        names = sorted(spec.name for spec in self.served().values() if spec.tunable)
        if names:
            return f"Tunable there now: {', '.join(names)}."
        return "No base model can be prompt-tuned there any more: the service withdrew it."


def _portable_names() -> dict[str, str]:
    entries = registry().base_models().values()
    return {e.served_as[BACKEND]: e.name for e in entries if BACKEND in e.served_as}
