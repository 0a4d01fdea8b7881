"""A training as the service shows it."""

from __future__ import annotations

import uuid
from typing import Any

from tunesmith_emulator.database import TrainingRow
from tunesmith_emulator.envelope import MORE_INFO
from tunesmith_emulator.metadata import metadata
from tunesmith_emulator.times import stamp
from tunesmith_emulator.trainings import diagnosis
from tunesmith_emulator.trainings.metrics import fine_tuning_entries
from tunesmith_emulator.trainings.results import location

FINE, PROMPT = "fine_tuning", "prompt_tuning"


def view(row: TrainingRow) -> dict[str, Any]:
    """Return metadata and entity."""
    return {
        "metadata": metadata(row),
        "entity": {
            "name": row.name,
            "description": row.description,
            "tags": row.tags,
            **row.scope.entry(),
            "auto_update_model": bool(row.request.get("auto_update_model")),
            **_what(row),
            "training_data_references": row.request["training_data_references"],
            "results_reference": _results(row),
            "status": _status(row),
            **_made(row),
        },
        **_warnings(row),
    }


def _what(row: TrainingRow) -> dict[str, Any]:
    # The service has no ``name`` here, but ``runs.get_tuner`` of SDK 1.8.1 reads it.
    base = {"base_model": {"model_id": row.base_model_id, "name": row.base_model_id}}
    field = "parameters" if row.kind == FINE else "prompt_tuning"
    return {field: {**base, **row.parameters}}


def _made(row: TrainingRow) -> dict[str, Any]:
    if row.model_id is None:
        return {}
    if row.kind == FINE:  # the SDK reads one of them, the service sends the other
        model = {"id": row.model_id, "name": row.name}
        return {"tuned_model": model, "model_id": row.model_id}
    return {"model_id": row.model_id}


def _status(row: TrainingRow) -> dict[str, Any]:
    metrics = fine_tuning_entries(row.metrics) if row.kind == FINE else row.metrics
    status: dict[str, Any] = {"state": row.state}
    if row.running_at is not None:
        status["running_at"] = stamp(row.running_at)
    if row.completed_at is not None:
        status["completed_at"] = stamp(row.completed_at)
    if row.message:
        status["message"] = {"level": "info", "text": row.message}
    if row.failure is not None:
        error = {"code": "training_failed", "message": row.failure, "more_info": MORE_INFO}
        status["failure"] = {"trace": uuid.uuid5(uuid.NAMESPACE_OID, row.id).hex, "errors": [error]}
    if metrics:
        status["metrics"] = metrics
    return status


def _results(row: TrainingRow) -> dict[str, Any]:
    given = row.request.get("results_reference") or {}
    return {
        "type": given.get("type", "container"),
        "connection": given.get("connection", {}),
        "location": location(row),
    }


def _warnings(row: TrainingRow) -> dict[str, Any]:
    told = [("stand_in_method", text) for text in _stand_in(row)]
    if row.state == "completed":
        told += [("truncated_rows", text) for text in _cut(row)]
        curve = (row.model or {}).get("curve") or {}
        told += [("diagnosis", text) for text in diagnosis.sentences(curve, row.parameters)]
    warnings = [{"id": i, "message": text, "more_info": MORE_INFO} for i, text in told]
    return {"system": {"warnings": warnings}} if warnings else {}


def _cut(row: TrainingRow) -> list[str]:
    rows = (row.model or {}).get("details", {}).get("truncated_rows")
    limit = row.parameters.get("max_input_tokens")
    if not rows or limit is None:
        return []
    return [f"{rows} rows were cut on the left to {limit} input tokens"]


def _stand_in(row: TrainingRow) -> list[str]:
    name = row.method.get("name")  # not chosen before the backend is loaded
    if name in {None, "prompt_tuning", "lora"}:
        return []
    return [f"The method {name!r} stands in for {row.kind}: the backend has no other."]
