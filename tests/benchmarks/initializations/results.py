"""The finished tunings: JSON lines, one for each, so that a second call goes on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .rows import Task
from .settings import Settings
from .tuning import Tuned

Key = tuple[str, str, int]
"""Name of the data set, start and seed."""


@dataclass(frozen=True, slots=True)
class Result:
    """One finished tuning, without any text of a row."""

    data: str
    init: str
    seed: int
    right: tuple[bool, ...]
    """By validation row."""
    loss: float
    before: tuple[float, float]
    """Accuracy and loss of the start itself."""
    moved: float
    seconds: float

    @property
    def key(self) -> Key:
        """Unique among the results of a model."""
        return self.data, self.init, self.seed

    @property
    def accuracy(self) -> float:
        """Share of the validation rows whose most probable label is right."""
        return sum(self.right) / len(self.right)


def line(settings: Settings, task: Task, init: str, seed: int, tuned: Tuned) -> str:
    """Return a result as one line of JSON."""
    before = tuned.before
    values = {
        **_identity(settings, task),
        "init": init,
        "seed": seed,
        "right": "".join("01"[right] for right in tuned.after.right),
        "loss": round(tuned.after.loss, 5),
        "before": [sum(before.right) / len(before.right), round(before.loss, 5)],
        "moved": round(tuned.moved, 3),
        "seconds": round(tuned.seconds, 1),
    }
    return json.dumps(values) + "\n"


def _identity(settings: Settings, task: Task) -> dict[str, Any]:
    return {
        "model": settings.model,
        "settings": settings.described(),
        "data": task.data.name,
        "rows": digest(task),
    }


def digest(task: Task) -> str:
    """Return the beginning of a SHA-256 of the rows of a data set and their split."""
    parts = [[(row.input, row.output) for row in part] for part in (task.validation, task.pool)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def append(path: Path, text: str) -> None:
    """Append a line that is on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def read(paths: Iterable[Path], settings: Settings, tasks: Sequence[Task]) -> dict[Key, Result]:
    """Return the results of these settings and rows; those of others are left out."""
    wanted = {task.data.name: _identity(settings, task) for task in tasks}
    found: dict[Key, Result] = {}
    for values in _lines(paths):
        known = wanted.get(values["data"])
        if known is not None and known.items() <= values.items():
            result = _result(values)
            found.setdefault(result.key, result)
    return found


def _lines(paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for path in paths:
        if not path.is_file():
            continue
        for text in path.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(text)
            except ValueError:  # the process was killed while it wrote
                continue


def _result(values: Mapping[str, Any]) -> Result:
    return Result(
        data=values["data"],
        init=values["init"],
        seed=values["seed"],
        right=tuple(character == "1" for character in values["right"]),
        loss=values["loss"],
        before=tuple(values["before"]),
        moved=values["moved"],
        seconds=values["seconds"],
    )
