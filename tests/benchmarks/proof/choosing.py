"""The step that chooses template and label words, as ``tunesmith init`` does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunesmith.atomic import write_atomically
from tunesmith.backend import Backend
from tunesmith.dataset import load_dataset
from tunesmith.pipeline.wording import Choice, choose_wording, forms


def chosen(values: Mapping[str, Any], backend: Backend, file: Path) -> dict[str, Any]:
    """Return the choice made on training rows. An earlier choice is read from ``file``."""
    if file.is_file():
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return found
    rows = load_dataset(values["data"]["train"]).rows
    made = _described(choose_wording(backend, values["base_model"], rows, list(values["labels"])))
    write_atomically(file, json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    return made


def _described(choice: Choice) -> dict[str, Any]:
    wording = choice.best.wording
    method = {"name": "zero_shot", "template": wording.template, "chat": wording.chat}
    return {
        "experiment": {"method": method, "labels": forms(wording.words)},
        "rows": choice.rows,
        "correct": choice.best.correct,
        "tried": [one.model_dump(mode="json") for one in choice.tried],
    }
