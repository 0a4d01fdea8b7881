"""The results of a training: where they are, and the files that a client can read of them.

The files are in object storage on IBM Cloud, which is not emulated, and in the project's own file
storage on Cloud Pak for Data, which is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tunesmith_emulator.database import TrainingRow
from tunesmith_emulator.times import stamp
from tunesmith_emulator.trainings.states import ENDED

_ASSETS = "/assets/"


def location(row: TrainingRow) -> dict[str, Any]:
    """Return ``results_reference.location`` of a training."""
    given = (row.request.get("results_reference") or {}).get("location") or {}
    path = str(given.get("path") or "default_tuning_output")
    here = f"{path}/{row.id}"
    return {
        **given,
        "path": path,
        "training": here,
        "training_log": f"{here}/training-log.txt",
        "training_status": f"{here}/training-status.json",
        "assets_path": f"{here}/assets",
        "model_request_path": f"{here}/assets/{row.id}/resources/wml_model/request.json",
    }


def files(row: TrainingRow) -> dict[str, str]:
    """Return the files of a training that has ended, by their path in the project's storage."""
    where = location(row)
    made = {"training_log": "\n".join([*_log(row), ""])} if row.state in ENDED else {}
    if row.state == "completed":
        made["model_request_path"] = json.dumps(_model_request(row))
    # A client leaves out what is before the first "/assets/" of a path.
    return {where[name].split(_ASSETS, 1)[-1]: content for name, content in made.items()}


def _model_request(row: TrainingRow) -> dict[str, Any]:
    # The body that makes a model of the training.
    return {"name": row.name, "description": row.description, "training_id": row.id}


def _log(row: TrainingRow) -> Iterator[str]:
    yield f"{stamp(row.created_at)} queued: {row.name}"
    yield f"base model: {row.base_model_id}"
    yield f"parameters: {json.dumps(row.parameters, sort_keys=True)}"
    if row.running_at is not None:
        yield f"{stamp(row.running_at)} running"
    for entry in row.metrics[1::2]:
        told = entry["ml_metrics"]
        yield f"{entry['timestamp']} epoch {told['epoch'] + 1}: loss {told['loss']:.4f}"
    ended = f"{stamp(row.completed_at)} " if row.completed_at is not None else ""
    yield f"{ended}{row.state}{f': {row.failure}' if row.failure else ''}"
