"""What ``tunesmith init`` chooses on training rows, and the experiment file that it writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunesmith.atomic import write_atomically
from tunesmith.backend import Backend
from tunesmith.cli.init import Asked, experiment_text, held_out_share
from tunesmith.dataset import DataSpec, load_dataset
from tunesmith.pipeline.wording import Choice, choose_wording, forms


def chosen(values: Mapping[str, Any], backend: Backend, file: Path) -> Choice:
    """Return the wordings that were tried. An earlier choice is read from ``file``."""
    if file.is_file():
        return Choice.model_validate_json(file.read_text(encoding="utf-8"))
    rows = load_dataset(values["data"]["train"]).rows
    made = choose_wording(backend, values["base_model"], rows, list(values["labels"]))
    write_atomically(file, made.model_dump_json(indent=1) + "\n")
    return made


def best(choice: Choice) -> dict[str, Any]:
    """Return the part of an experiment that asks the untuned model with the best wording."""
    wording = choice.best.wording
    method = {"name": "zero_shot", "template": wording.template, "chat": wording.chat}
    return {"method": method, "labels": forms(wording.words)}


def written(values: Mapping[str, Any], choice: Choice, backend: Backend, file: Path) -> Path:
    """Write ``file`` as ``tunesmith init`` does, if it is not there, and return it."""
    if file.is_file():
        return file
    model, rows = values["base_model"], load_dataset(str(values["data"]["train"]))
    data = DataSpec(**values["data"], validation=held_out_share(rows))
    can = backend.capabilities(model)
    text = experiment_text(
        data, file, list(values["labels"]), Asked(choice, can), base_model=model, rows=len(rows)
    )
    write_atomically(file, text)
    return file
