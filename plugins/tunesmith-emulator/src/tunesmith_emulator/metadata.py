"""The metadata that trainings and deployments share."""

from __future__ import annotations

from typing import Any

from tunesmith_emulator.database import Scoped
from tunesmith_emulator.times import stamp


def metadata(row: Scoped) -> dict[str, Any]:
    """Return the object ``metadata`` of a training or a deployment."""
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "tags": row.tags,
        "created_at": stamp(row.created_at),
        "modified_at": stamp(row.modified_at),
        **row.scope.entry(),
    }
