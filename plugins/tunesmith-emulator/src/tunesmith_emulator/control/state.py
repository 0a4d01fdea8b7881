"""Everything that the web page shows, as one JSON value."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from tunesmith_emulator import __version__
from tunesmith_emulator.database import DeploymentRow, TrainingRow
from tunesmith_emulator.times import stamp

if TYPE_CHECKING:
    from tunesmith_emulator.services import House


def state(house: House) -> dict[str, Any]:
    """Return trainings with their losses, deployments, models and recent requests."""
    with house.database.session() as session:
        newest = TrainingRow.created_at.desc()
        trainings = session.scalars(select(TrainingRow).order_by(newest)).all()
        latest = DeploymentRow.created_at.desc()
        deployments = session.scalars(select(DeploymentRow).order_by(latest)).all()
    as_of = house.catalogue.as_of
    return {
        "version": __version__,
        "backend": house.settings.backend,
        "seed": house.settings.seed,
        "as_of": as_of.isoformat() if as_of else None,
        "data_dir_is_temporary": house.settings.temporary,
        "started_at": house.control.started_at,
        "trainings": [_training(house, row) for row in trainings],
        "deployments": [_deployment(house, row) for row in deployments],
        "models": _models(house),
        "generation": asdict(house.engine.statistics),
        "requests": house.control.requests(50),
    }


def _training(house: House, row: TrainingRow) -> dict[str, Any]:
    live = house.trainings.tuning.losses.get(row.id)
    curve = (row.model or {}).get("curve") or {}
    steps = [point.model_dump() for point in live.steps] if live else curve.get("steps", [])
    return {
        "id": row.id,
        "name": row.name,
        "state": row.state,
        "base_model_id": row.base_model_id,
        "stand_in": house.catalogue.stand_in(row.base_model_id),
        "project_id": row.scope_id,
        "created_at": stamp(row.created_at),
        "running_at": stamp(row.running_at) if row.running_at else None,
        "completed_at": stamp(row.completed_at) if row.completed_at else None,
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


def _deployment(house: House, row: DeploymentRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "serving_name": row.serving_name,
        "state": row.state,
        "base_model_id": row.base_model_id,
        "stand_in": house.catalogue.stand_in(row.base_model_id),
        "created_at": stamp(row.created_at),
        "failure": row.failure,
    }


def _models(house: House) -> list[dict[str, Any]]:
    stand_ins = house.catalogue.stand_ins()
    return [{"model_id": ident, "stand_in": name} for ident, name in stand_ins.items()]
