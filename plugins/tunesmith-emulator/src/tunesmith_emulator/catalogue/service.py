"""The rules of the catalogue: the models of the served day, and the models that answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from tunesmith.backend import Capabilities
from tunesmith.errors import BackendError, near_misses
from tunesmith.plugins import registry
from tunesmith_emulator.catalogue.entry import LORA, Entry
from tunesmith_emulator.catalogue.filters import named, parse
from tunesmith_emulator.catalogue.lifecycle import start_of, state
from tunesmith_emulator.catalogue.model import Model, catalogue_file
from tunesmith_emulator.engine import PROMPT_TUNING, Engine
from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.settings import MODEL_ID, Settings

__all__ = ["Catalogue", "Entry"]
MOST = 1000
"""The models of a catalogue that serves every id. Further ids are refused."""


class Catalogue:
    """The base models of one emulator.

    Args:
        settings: ``models`` and ``stand_in`` name the models that answer, ``as_of`` the day.
        engine: gives the base models and the capabilities of the backend.
    """

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self.as_of: date | None = settings.as_of
        """The day whose catalogue is served; None: every model is available."""
        self._settings = settings
        self._engine = engine
        self._file = catalogue_file()
        self._models = self._given()

    def reset(self) -> None:
        """Serve the day and the models of the start again."""
        self.as_of = self._settings.as_of
        self._models = self._given()

    @property
    def added(self) -> dict[str, str]:
        """The ids that the user added, each with the ids of the catalogue that are near it."""
        known = [model.model_id for model in self._file.models]
        added = (model.model_id for model in self._models.values() if model.added)
        return {model_id: near_misses(model_id, known) for model_id in added}

    def specs(self, filters: str | None = None) -> list[dict[str, Any]]:
        """Return the models that exist on the served day, as ``foundation_model_specs``.

        Args:
            filters: see :mod:`tunesmith_emulator.catalogue.filters`; None lists all, the
                withdrawn ones too.

        Raises:
            ServiceError: 400, the filter is malformed.
        """
        wanted = parse(filters) if filters else lambda facts: True
        for model_id in named(filters or ""):
            self._admit(model_id)
        day = self.as_of
        # Cached, because the backend is slow to report a model that it does not find.
        ask = cache(self._ask)
        entries = [self._entry(model, ask, day) for model in self._listed(day)]
        return [self._spec(entry, ask) for entry in entries if wanted(entry.facts)]

    def tasks(self) -> list[dict[str, Any]]:
        """Return the tasks, as ``foundation_model_tasks``."""
        return [task.model_dump() for task in self._file.tasks]

    def find(self, model_id: str, patience: float | None = None) -> Entry:
        """Return the entry of a model that can be used on the served day.

        Args:
            model_id: the id in the catalogue, or the name of a base model of the backend.
            patience: seconds that it may wait while the backend is loaded, after which the entry
                is not ``loaded``; None waits to the end. A name that neither the catalogue nor a
                plugin has is always looked for in the backend.

        Raises:
            ServiceError: 404, the model is unknown, not available yet, or withdrawn.
        """
        day, served = self.as_of, self.served_by(model_id)
        loaded = patience is None or self._engine.loaded(served, patience)
        model = self._usable(model_id, day, loaded=loaded)
        if loaded:
            entry = self._entry(model, self._ask, day)
        else:
            entry = Entry(model, served, None, Capabilities(), None, day, loaded=False)
        problem = self._ask(entry.served_by)[1] if loaded else ""
        if problem:
            raise self._unsupported(model_id, f"it is served by {entry.served_by!r}, but {problem}")
        return entry

    def check(self, model_id: str) -> None:
        """Refuse a model as :meth:`find` does, without asking whether the backend serves it.

        Raises:
            ServiceError: 404, the model is unknown, not available yet, or withdrawn.
        """
        self._usable(model_id, self.as_of, loaded=self._engine.connected)

    def served_by(self, model_id: str) -> str:
        """Return the backend's name of the base model that answers for ``model_id`` on any day."""
        self._admit(model_id)
        if model_id not in self._models:
            return model_id
        given = self._settings.models.get(model_id)
        return (given.base if given else None) or self._settings.stand_in

    def stand_ins(self) -> dict[str, str | None]:
        """Return the usable models of the served day, each with its stand-in.

        This does not connect the backend. Its own models are listed once it is connected.
        """
        day = self.as_of
        own = self._own() if self._engine.connected and day is None else {}
        listed = {**self._models, **own}
        usable = (m for m in listed.values() if state(m, day) not in (None, "withdrawn"))
        models = listed.values() if day is None else usable
        return {model.model_id: self.stand_in(model.model_id) for model in models}

    def stand_in(self, model_id: str) -> str | None:
        """Return the stand-in for ``model_id``, or None if the model itself answers."""
        served = self.served_by(model_id)
        model = self._models.get(model_id)
        if served == model_id or (model is not None and served == model.weights):
            return None
        if self._engine.connected:
            capabilities, problem = self._ask(served)
            if not problem and not capabilities.base_inference:
                return None  # e.g. a text classifier: no base model answers
        # A path of this machine must not be shown.
        return Path(served).name if Path(served).is_absolute() else served

    def _usable(self, model_id: str, day: date | None, *, loaded: bool) -> Model:
        self._admit(model_id)
        model = self._models.get(model_id)
        if model is None and not loaded and model_id in registry().base_models():
            model = self._file.own_model(model_id, "")
        model = model or self._own().get(model_id)
        if model is None or (day is not None and not model.lifecycle and not model.added):
            raise self._unsupported(model_id, self._unknown(model_id, model, day))
        if day is not None and state(model, day) in (None, "withdrawn"):
            raise self._unsupported(model_id, _out_of_time(model, day))
        return model

    def _listed(self, day: date | None) -> Iterator[Model]:
        for model in self._models.values():
            if day is None or state(model, day) is not None:
                yield model
        if day is None:
            yield from self._own().values()

    def _given(self) -> dict[str, Model]:
        """Return the catalogue with what the user changed and added."""
        models = {model.model_id: model for model in self._file.models}
        for model_id, given in self._settings.models.items():
            known = models.get(model_id)
            models[model_id] = (
                known.model_copy(update=given.facts)
                if known
                else self._file.added_model(model_id, given.facts)
            )
        return models

    def _admit(self, model_id: str) -> None:
        """Add ``model_id`` to the catalogue if every id is served."""
        known = model_id in self._models or model_id in registry().base_models()
        if known or not self._settings.any_model or not re.fullmatch(MODEL_ID, model_id):
            return
        if self._engine.connected and model_id in self._own():
            return
        if len(self._models) < MOST:
            # A new dictionary, because other threads iterate over this one.
            self._models = {**self._models, model_id: self._file.added_model(model_id, {})}

    def _own(self) -> dict[str, Model]:
        infos = self._engine.backend.base_models()
        return {
            info.name: self._file.own_model(info.name, info.summary)
            for info in infos
            if info.name not in self._models
        }

    def _ask(self, served: str) -> tuple[Capabilities, str]:
        """Return the capabilities of the backend for ``served``, and a problem or an empty text."""
        try:
            return self._engine.capabilities(served), ""
        except BackendError as error:
            return Capabilities(), str(error)

    def _entry(
        self, model: Model, ask: Callable[[str], tuple[Capabilities, str]], day: date | None
    ) -> Entry:
        served = self.served_by(model.model_id)
        capabilities, _ = ask(served)
        return Entry(
            model=model,
            served_by=served,
            stand_in=self.stand_in(model.model_id),
            capabilities=capabilities,
            method=self._engine.tuning_method(served) if capabilities.methods else None,
            day=day,
        )

    def _spec(self, entry: Entry, ask: Callable[[str], tuple[Capabilities, str]]) -> dict[str, Any]:
        ours: dict[str, Any] = {
            "emulated": True,
            "stand_in": entry.stand_in,
            "backend": self._settings.backend,
            "seed": self._settings.seed,
            "stand_in_method": None if entry.method == PROMPT_TUNING else entry.method,
            "addition": entry.addition,
            "generation_parameters": sorted(entry.capabilities.generation_parameters),
            "tokenize": entry.capabilities.tokenize,
            "base_label_scores": _scores_inputs(entry.capabilities),
            "chat": entry.capabilities.chat,
            "chat_prompts": entry.capabilities.chat and self._settings.chat_prompts,
        }
        problem = ask(entry.served_by)[1]
        if problem:
            ours["problem"] = problem
        spec = {**entry.spec(), "tunesmith": ours}
        if f"{LORA}_fine_tune_trainable" in entry.functions:
            spec["lora_fine_tuning_parameters"] = self._file.lora_parameters
        return spec

    def _unknown(self, model_id: str, model: Model | None, day: date | None) -> str:
        if model is not None:
            return f"it is this emulator's own, and not in the catalogue of {day}."
        known = [listed.model_id for listed in self._listed(day)]
        return f"there is no such model.{near_misses(model_id, known)}"

    @staticmethod
    def _unsupported(model_id: str, why: str) -> ServiceError:
        return ServiceError(
            404, "model_not_supported", f"Model {model_id!r} is not supported: {why}"
        )


def _scores_inputs(capabilities: Capabilities) -> bool:
    """Return whether a client can score labels by log-probabilities of input tokens."""
    options = "return_options" in capabilities.generation_parameters
    return options and capabilities.base_inference and capabilities.base_label_scores


def _out_of_time(model: Model, day: date) -> str:
    withdrawn = start_of("withdrawn", model.lifecycle)
    if withdrawn is None or day < withdrawn.start_date:
        since = model.lifecycle[0].start_date
        return f"it is available from {since}, and the catalogue of {day} is served."
    instead = ", ".join(withdrawn.alternative_model_ids) or "none named"
    return (
        f"it was withdrawn on {withdrawn.start_date}, and the catalogue of {day} is served. "
        f"Alternatives: {instead}."
    )
