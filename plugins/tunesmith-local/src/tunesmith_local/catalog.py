"""From the portable name of a base model to the loaded model."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from huggingface_hub import HfApi, try_to_load_from_cache
from huggingface_hub.errors import HFValidationError

from tunesmith.errors import NotFoundError, near_misses
from tunesmith.hookspecs import BaseModelEntry
from tunesmith.plugins import import_target, registry
from tunesmith.records import BaseModelInfo
from tunesmith_local.engine.findings import Findings, default_cache
from tunesmith_local.model.chat_templates import has_chat_template
from tunesmith_local.model.gguf.files import models_in
from tunesmith_local.model.gguf.names import gguf_source
from tunesmith_local.model.gguf.stores import stored_models
from tunesmith_local.model.launched import own_device
from tunesmith_local.model.loading import BaseLM, load_base_model
from tunesmith_local.model.positions import positions_of, width_of
from tunesmith_local.model.weight_prepacking import prepacked
from tunesmith_local.options import LocalOptions

BACKEND = "local"
_HUB_SECONDS = 10.0


@dataclass(frozen=True)
class Source:
    """The source of a base model."""

    name: str
    """Portable name, fit for a record: never an absolute path."""
    place: str
    """A directory, a GGUF file or a hub id."""
    summary: str = ""
    dtype: str = "auto"
    """Type of the weights if the user asks for none; see ``load_base_model``."""

    @property
    def is_local(self) -> bool:
        """Whether it can be loaded without the hub."""
        if Path(self.place).exists():
            return True
        try:
            return isinstance(try_to_load_from_cache(self.place, "config.json"), str)
        except HFValidationError:  # not the form of a hub id
            return False


class Catalog:
    """Finds the base models of this machine and keeps the loaded ones."""

    def __init__(self, options: LocalOptions) -> None:
        """Use the ``models``, ``device``, ``dtype``, ``offline`` and ``cache`` of ``options``."""
        self._options = options
        self._findings = Findings(options.cache or default_cache())
        self._unchecked: dict[str, BaseLM] = {}
        self._loaded: dict[str, BaseLM] = {}
        self._found: set[str] = set()
        self._chats: dict[str, bool] = {}
        self._positions: dict[str, int | None] = {}
        self._widths: dict[str, int | None] = {}
        self._lock = threading.Lock()

    def infos(self) -> list[BaseModelInfo]:
        """Return the base models that are on this machine, by name."""
        here = {name: e.summary for name, e in _registered().items() if _is_here(e)}
        here |= {stored.name: stored.summary for stored in stored_models()}
        here |= {source.name: source.summary for source in self._in_models_folder()}
        return [BaseModelInfo(name=name, summary=here[name]) for name in sorted(here)]

    def info(self, name: str) -> BaseModelInfo:
        """Return the base model that serves as ``name``, without loading it.

        Raises:
            NotFoundError: no such base model here or on the hub.
        """
        entry = _registered().get(name)
        if entry is not None and entry.path is not None and _is_here(entry):
            return BaseModelInfo(name=name, summary=entry.summary)
        return BaseModelInfo(name=name, summary=self._find(name).summary)

    def place(self, name: str) -> str:
        """Return the directory, the GGUF file or the hub id of a model.

        Raises:
            NotFoundError: no such base model here or on the hub.
        """
        return self._find(name).place

    def has_chat_template(self, name: str) -> bool:
        """Return whether the model can be asked as a chat model, without loading it.

        Raises:
            NotFoundError: no such base model here or on the hub.
        """
        if name not in self._chats:  # the header of a GGUF file takes a while to read
            self._chats[name] = has_chat_template(self._find(name).place)
        return self._chats[name]

    def positions(self, name: str) -> int | None:
        """Return the longest sequence of the model in tokens, without loading it.

        None means that there is no limit, or that the model is not on this machine yet.

        Raises:
            NotFoundError: no such base model here or on the hub.
        """
        if name not in self._positions:
            self._positions[name] = positions_of(self._find(name).place)
        return self._positions[name]

    def width(self, name: str) -> int | None:
        """Return the numbers in a hidden state of the model, without loading it.

        None means that the model is not on this machine yet.

        Raises:
            NotFoundError: no such base model here or on the hub.
        """
        if name not in self._widths:
            self._widths[name] = width_of(self._find(name).place)
        return self._widths[name]

    def load(self, name: str) -> BaseLM:
        """Return the loaded model, ready to compute with; the first call loads and checks it.

        Raises:
            NotFoundError: it cannot be found or read.
        """
        with self._lock:
            if name not in self._loaded:
                base = self._as_read(name)
                self._loaded[name] = prepacked(self._findings.checked(base))
                del self._unchecked[name]
            return self._loaded[name]

    def read(self, name: str) -> BaseLM:
        """Return the loaded model, to ask about its tokens and shapes; no forward pass is made.

        Until :meth:`load` is called, its short cuts count as inexact.

        Raises:
            NotFoundError: it cannot be found or read.
        """
        with self._lock:
            return self._loaded.get(name) or self._as_read(name)

    def clear(self) -> None:
        """Forget the loaded models."""
        with self._lock:
            self._loaded.clear()
            self._unchecked.clear()

    def _as_read(self, name: str) -> BaseLM:
        if name not in self._unchecked:
            self._unchecked[name] = self._read(self._find(name))
        return self._unchecked[name]

    def _read(self, source: Source) -> BaseLM:
        # A model on this machine is read without asking the hub: fast, and the same tomorrow.
        load = partial(
            load_base_model,
            source.name,
            source.place,
            device=own_device(self._options.device),
            dtype=source.dtype if self._options.dtype == "auto" else self._options.dtype,
            quantization=self._options.quantization,
        )
        if source.is_local:
            try:
                return load(offline=True)
            except NotFoundError:
                if self._options.offline or Path(source.place).exists():
                    raise  # else the cache is incomplete, and the hub may fill it
        self._ask_hub(source.place)
        return load()

    def _find(self, name: str) -> Source:
        registered = _registered()
        if (Path(name) / "config.json").is_file():
            return Source(Path(name).resolve().name, str(Path(name)))
        if self._options.models and (self._options.models / name / "config.json").is_file():
            return Source(name, str(self._options.models / name))
        if (file := gguf_source(name, self._options.models)) is not None:
            return Source(*file)
        if name in registered:
            return _source(registered[name])
        source = Source(name, name)
        if name not in self._found and not source.is_local:
            self._ask_hub(name)
        return source

    def _ask_hub(self, name: str) -> None:
        # One short question: transformers would ask six times, half a minute in all.
        try:
            if self._options.offline:
                raise OSError("option offline forbids to ask")
            HfApi().model_info(name, timeout=_HUB_SECONDS)
        except Exception as error:  # the hub's client and its HTTP library raise their own
            raise NotFoundError(self._not_found(name, error)) from error
        self._found.add(name)

    def _not_found(self, name: str, error: Exception) -> str:
        reason = str(error).strip().partition("\n")[0]
        known = ", ".join(info.name for info in self.infos()) or "none"
        return (
            f"base model {name!r} is not on this machine, and the Hugging Face hub did not give "
            f"it ({reason}). On this machine: {known}.{near_misses(name, _registered())} Without "
            "a network, use 'tunesmith/micro-granite' (pip install tunesmith-micro-granite), a "
            "GGUF file, or a local directory with config.json, tokenizer and *.safetensors"
        )

    def _in_models_folder(self) -> list[Source]:
        folder = self._options.models
        if folder is None:
            return []
        configs = [*folder.glob("*/config.json"), *folder.glob("*/*/config.json")]
        places = [path.parent for path in configs] + models_in(folder)
        return [Source(place.relative_to(folder).as_posix(), str(place)) for place in places]


def _registered() -> dict[str, BaseModelEntry]:
    entries = registry().base_models()
    return {name: e for name, e in entries.items() if e.path or BACKEND in e.served_as}


def _is_here(entry: BaseModelEntry) -> bool:
    # An embedded model is not asked for its path: some are converted on first use.
    served = entry.served_as.get(BACKEND)
    return served is not None and (entry.path is not None or Source(served, served).is_local)


def _source(entry: BaseModelEntry) -> Source:
    if entry.path is not None:
        return Source(entry.name, str(import_target(entry.path)()), entry.summary, entry.dtype)
    return Source(entry.name, entry.served_as[BACKEND], entry.summary)
