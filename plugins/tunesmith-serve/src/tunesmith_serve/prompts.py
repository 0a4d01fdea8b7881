"""The tuned prompts that are served, by their names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TypeVar

from pydantic import ValidationError

from tunesmith.backend import Backend
from tunesmith.dataset import INPUT
from tunesmith.errors import ExperimentError, RunError, first_problem, near_misses, unreadable
from tunesmith.evaluation.calibration import Calibration
from tunesmith.records import Deployment, Record, TunedModel
from tunesmith.runs.run import ADAPTER, RECORD, TUNED_MODEL, RunDirectory

NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:/-]{0,159}")
"""A name of a prompt, which is part of an address, e.g. ``ft:MODEL:ORGANIZATION:SUFFIX:ID``."""


R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Source:
    """A run directory, an adapter without a run or a deployment file, read."""

    path: Path
    backend: str
    deployment: Deployment
    input_field: str = INPUT
    """The column of the text in the run's data, which may be a field of a state."""
    calibration: Calibration | None = None
    run: RunDirectory | None = None
    deployed: bool = True
    """Whether ``deployment`` is in the backend; that of an adapter without a run is made."""

    @property
    def name(self) -> str:
        """The name by default: that of the run's directory or of the deployment."""
        return self.path.name if self.run is not None else self.deployment.name


@dataclass(frozen=True, slots=True)
class ServedPrompt:
    """A tuned model that answers under a name."""

    name: str
    source: Source

    @property
    def deployment(self) -> Deployment:
        """The deployment that answers."""
        return self.source.deployment

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of its labels."""
        return tuple(self.deployment.model.labels)

    @property
    def created_at(self) -> datetime:
        """When it was deployed."""
        return self.deployment.created_at


def read_source(path: Path) -> Source:
    """Read a run directory, its adapter folder, or a deployment file.

    Raises:
        RunError: there is none, it is unreadable, or the run has no tuned model.
    """
    if path.name == ADAPTER and (path.parent / RECORD).is_file():
        path = path.parent  # the run has the calibration and the name of the column, too
    if (path / TUNED_MODEL).is_file():
        return _of_adapter(path)
    if path.is_dir():
        return _of_run(RunDirectory.load(path))
    deployment = _read(Deployment, path, "no deployment file")
    return Source(path, deployment.backend, deployment)


def _of_adapter(folder: Path) -> Source:
    model = _read(TunedModel, folder / TUNED_MODEL, "damaged")
    deployment = Deployment(
        id="", name=folder.resolve().name, backend=model.backend, base_model=model.base_model,
        model=model,
    )  # fmt: skip
    return Source(folder, model.backend, deployment, deployed=False)


def _read(kind: type[R], path: Path, problem: str) -> R:
    try:
        return kind.from_json(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(unreadable(error, path)) from None
    except ValidationError as error:
        raise RunError(f"{path}: {problem}: {first_problem(error)}; name a run directory") from None


def _of_run(run: RunDirectory) -> Source:
    record = run.record
    if record.deployment is None:
        method = record.experiment["method"]["name"]
        raise RunError(
            f"{run.directory}: the method {method!r} tunes nothing, so there is no prompt to "
            "serve; ask its base model instead"
        )
    data = record.experiment["data"]
    return Source(
        run.directory,
        record.backend,
        record.deployment,
        data.get("input_field", INPUT),
        record.calibration,
        run,
    )


class Prompts:
    """The served prompts of one base model. Threads may share it.

    Args:
        backend: answers for all of them.
        base_model: every prompt must be tuned from this one.
    """

    def __init__(self, backend: Backend, base_model: str) -> None:
        self._backend = backend
        self._base_model = base_model
        self._served: dict[str, ServedPrompt] = {}
        self._lock = Lock()

    def all(self) -> Mapping[str, ServedPrompt]:
        """Return the prompts by name, in the order in which they were added."""
        return dict(self._served)

    def find(self, name: str) -> ServedPrompt | None:
        """Return the prompt ``name``, if there is one."""
        return self._served.get(name)

    def add(self, source: Source, name: str | None = None, *, opened: bool = True) -> ServedPrompt:
        """Load a prompt and serve it; the same one under its name again changes nothing.

        Args:
            source: the prompt.
            name: by default that of the source.
            opened: False lets :meth:`open` load it later, or the first request.

        Raises:
            ExperimentError: the name is wrong or taken, or the prompt is of another base model or
                backend.
            TunesmithError: the backend cannot load it: it is damaged, or in another store.
        """
        prompt = ServedPrompt(name or source.name, source)
        self._check(prompt)
        if not source.deployed:
            prompt = ServedPrompt(prompt.name, self._deployed(source))
        if opened:
            self.open(prompt)
        with self._lock:
            known = self._served.get(prompt.name)
            if known is not None and known.deployment.id != prompt.deployment.id:
                raise ExperimentError(
                    f"{prompt.name!r} is the name of another prompt that is served; choose another"
                )
            self._served[prompt.name] = prompt
        return prompt

    def open(self, prompt: ServedPrompt) -> None:
        """Load the adapter and check its fingerprints.

        Raises:
            TunesmithError: it is damaged, or not in the store.
        """
        self._backend.predictor.prompts(prompt.deployment, [""])

    def remove(self, name: str) -> ServedPrompt | None:
        """Stop serving ``name``; return what was served."""
        with self._lock:
            return self._served.pop(name, None)

    def near(self, name: str) -> str:
        """Return a hint at names like ``name``."""
        return near_misses(name, self._served)

    def _deployed(self, source: Source) -> Source:
        """Take an adapter into the backend. At the next start its deployment is found again."""
        model = self._backend.tuner.adopt(source.path)
        known = [one for one in self._backend.deployer.list() if one.model.id == model.id]
        made = known or [self._backend.deployer.deploy(model, source.name)]
        return replace(source, deployment=made[-1], deployed=True)

    def _check(self, prompt: ServedPrompt) -> None:
        path, deployment = prompt.source.path, prompt.deployment
        if not NAME.fullmatch(prompt.name) or prompt.name == self._base_model:
            raise ExperimentError(
                f"{path}: {prompt.name!r} cannot be the name of a prompt; give one of letters, "
                "digits and '._:/-', e.g. NAME=PATH"
            )
        if deployment.backend != self._backend.name:
            raise ExperimentError(
                f"{path}: a prompt of backend {deployment.backend!r}; the server uses "
                f"{self._backend.name!r}, serve it separately"
            )
        if deployment.base_model != self._base_model:
            raise ExperimentError(
                f"{path}: tuned from {deployment.base_model!r}; the server has "
                f"{self._base_model!r}, serve it separately"
            )
