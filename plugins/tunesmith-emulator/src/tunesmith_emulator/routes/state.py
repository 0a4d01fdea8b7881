"""The data of the web page, as one JSON value."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import select

from tunesmith_emulator.database import DeploymentRow, TrainingRow, utc_now
from tunesmith_emulator.listing import Window, read_part
from tunesmith_emulator.services import Services
from tunesmith_emulator.times import stamp
from tunesmith_emulator.version import __version__

SHOWN = 100
"""The newest trainings, and the newest deployments, that the page shows."""


def state(services: Services) -> dict[str, Any]:
    """Return the newest trainings with their losses and deployments, models and requests."""
    shown = Window(0, SHOWN, counted=True)
    with services.database.session() as session:
        newest = (TrainingRow.created_at.desc(),)
        trainings = read_part(session, select(TrainingRow), newest, shown)
        latest = (DeploymentRow.created_at.desc(),)
        deployments = read_part(session, select(DeploymentRow), latest, shown)
    as_of = services.catalogue.as_of
    return {
        "version": __version__,
        "backend": services.settings.backend,
        "seed": services.settings.seed,
        "as_of": as_of.isoformat() if as_of else None,
        "data_dir_is_temporary": services.settings.temporary,
        "started_at": services.control.started_at,
        "trainings": [_training(services, row) for row in trainings.items],
        "deployments": [_deployment(services, row) for row in deployments.items],
        "counts": {"trainings": trainings.total, "deployments": deployments.total},
        "models": _models(services),
        "generation": asdict(services.engine.statistics),
        "requests": services.control.requests(50),
    }


def _training(services: Services, row: TrainingRow) -> dict[str, Any]:
    live = services.trainings.tuning.losses.get(row.id)
    curve = (row.model or {}).get("curve") or {}
    steps = [point.model_dump() for point in live.steps] if live else curve.get("steps", [])
    return {
        "id": row.id,
        "name": row.name,
        "state": row.state,
        "base_model_id": row.base_model_id,
        "stand_in": services.catalogue.stand_in(row.base_model_id),
        "project_id": row.scope_id,
        "created_at": stamp(row.created_at),
        "running_at": stamp(row.running_at) if row.running_at else None,
        "completed_at": stamp(row.completed_at) if row.completed_at else None,
        "seconds": _seconds(row),
        "num_epochs": row.parameters.get("num_epochs"),
        "failure": row.failure,
        "message": live.message if live else row.message,
        "steps": steps,
        "epochs": [
            {"epoch": e["ml_metrics"]["epoch"] + 1, "loss": e["ml_metrics"]["loss"]}
            for e in row.metrics[1::2]
        ],
        "total_steps": live.total_steps if live else len(steps) or None,
    }


def _seconds(row: TrainingRow) -> float | None:
    # Of this machine's clock alone: a browser's clock may differ.
    if row.running_at is None:
        return None
    return ((row.completed_at or utc_now()) - row.running_at).total_seconds()


def _deployment(services: Services, row: DeploymentRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "serving_name": row.serving_name,
        "state": row.state,
        "base_model_id": row.base_model_id,
        "stand_in": services.catalogue.stand_in(row.base_model_id),
        "created_at": stamp(row.created_at),
        "failure": row.failure,
    }


def _models(services: Services) -> list[dict[str, Any]]:
    stand_ins = services.catalogue.stand_ins()
    return [{"model_id": ident, "stand_in": name} for ident, name in stand_ins.items()]
