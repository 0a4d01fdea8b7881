"""Files, jobs, events and checkpoints in OpenAI's shapes (``openai`` 3.57)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from tunesmith.records import TuningEvent
from tunesmith_emulator.openai_api.store import FileRecord, JobRecord

ORGANIZATION = "tunesmith"
Metrics = dict[str, Any]


def file_view(record: FileRecord) -> dict[str, Any]:
    """Return a file."""
    return {
        "id": record.id,
        "object": "file",
        "bytes": record.size,
        "created_at": _seconds(record.created_at),
        "expires_at": None,
        "filename": record.filename,
        "purpose": record.purpose,
        "status": "processed",
        "status_details": None,
    }


def job_view(record: JobRecord) -> dict[str, Any]:
    """Return a job."""
    method = {"type": "supervised", "supervised": {"hyperparameters": record.hyperparameters}}
    return {
        "id": record.id,
        "object": "fine_tuning.job",
        "created_at": _seconds(record.created_at),
        "finished_at": None if record.finished_at is None else _seconds(record.finished_at),
        "estimated_finish": None,
        "model": record.model,
        "fine_tuned_model": record.fine_tuned_model,
        "organization_id": ORGANIZATION,
        "status": record.status,
        "training_file": record.training_file,
        "validation_file": record.validation_file,
        "result_files": list(record.result_files),
        "hyperparameters": record.hyperparameters,
        "method": method,
        "trained_tokens": record.trained_tokens,
        "seed": record.seed,
        "user_provided_suffix": record.suffix or None,
        "metadata": record.metadata,
        "integrations": [],
        "error": None if record.error is None else record.error.model_dump(),
        "x_base_model": record.base_model,
        "x_method": record.method,
    }


def events_view(record: JobRecord, events: Sequence[TuningEvent]) -> list[dict[str, Any]]:
    """Return the events of a job, the newest first.

    The ids are stable: a step that a resumed job repeats has its id again.

    Args:
        record: of the job.
        events: those of the backend.
    """
    told = [
        (one.time, _event(f"{record.id}-{number}", one.time, one.level, one.message))
        for number, one in enumerate(record.told)
    ]
    notes = [event for event in events if event.kind == "note"]
    told += [
        (one.time, _event(f"{record.id}-note-{number}", one.time, "info", one.message))
        for number, one in enumerate(notes)
    ]
    whole = record.status not in ("queued", "running")
    told += [
        (when, _metrics_event(record.id, when, metrics))
        for when, metrics in metrics_of(events, record.validation_file is not None, whole)
    ]
    told.sort(key=lambda pair: pair[0])
    return [event for _, event in reversed(told)]


def metrics_of(
    events: Sequence[TuningEvent], validated: bool, whole: bool
) -> Iterator[tuple[datetime, Metrics]]:
    """Yield time and metrics of each optimizer step.

    The last step of an epoch has the validation loss. It comes with the end of the epoch, so that
    the newest step waits for it.

    Args:
        events: those of the backend.
        validated: whether there is a validation loss.
        whole: whether there are no further events.
    """
    held: tuple[datetime, Metrics] | None = None
    for event in events:
        if event.kind == "step" and event.step is not None:
            if held is not None:
                yield held
            held = event.time, _step(event)
        elif event.kind == "epoch" and held is not None and event.validation_loss is not None:
            yield held[0], {**held[1], "full_valid_loss": event.validation_loss}
            held = None
    if held is not None and (whole or not validated):
        yield held


def checkpoints_view(record: JobRecord, events: Sequence[TuningEvent]) -> list[dict[str, Any]]:
    """Return the checkpoint of a job: its model, because no other weights are kept.

    With validation rows, these are the weights of the epoch with the least loss on them.
    """
    metrics = list(metrics_of(events, record.validation_file is not None, True))
    if record.fine_tuned_model is None or not metrics:
        return []
    judged = [pair for pair in metrics if "full_valid_loss" in pair[1]]
    when, kept = min(judged, key=lambda pair: pair[1]["full_valid_loss"], default=metrics[-1])
    return [
        {
            "id": f"ftckpt-{record.id.removeprefix('ftjob-')}",
            "object": "fine_tuning.job.checkpoint",
            "created_at": _seconds(when),
            "fine_tuned_model_checkpoint": record.fine_tuned_model,
            "fine_tuning_job_id": record.id,
            "step_number": kept["step"],
            "metrics": {name: value for name, value in kept.items() if name != "total_steps"},
        }
    ]


def results_of(events: Sequence[TuningEvent], validated: bool) -> bytes:
    """Return the metrics of all steps as CSV."""
    names = ("step", "train_loss", *(("full_valid_loss",) if validated else ()))
    lines = [",".join(names)]
    for _, metrics in metrics_of(events, validated, True):
        lines.append(",".join(str(metrics.get(name, "")) for name in names))
    return ("\n".join(lines) + "\n").encode()


def _step(event: TuningEvent) -> Metrics:
    return {"step": event.step, "train_loss": event.loss, "total_steps": event.total_steps}


def _metrics_event(job_id: str, when: datetime, metrics: Metrics) -> dict[str, Any]:
    step = metrics["step"]
    message = f"Step {step}/{metrics['total_steps']}: training loss={metrics['train_loss']:.4f}"
    event = _event(f"{job_id}-step-{step}", when, "info", message)
    return {**event, "type": "metrics", "data": metrics}


def _event(ident: str, when: datetime, level: str, message: str) -> dict[str, Any]:
    return {
        "id": f"ftevent-{ident.removeprefix('ftjob-')}",
        "object": "fine_tuning.job.event",
        "created_at": _seconds(when),
        "level": level,
        "type": "message",
        "message": message,
        "data": None,
    }


def _seconds(when: datetime) -> int:
    return int(when.timestamp())
