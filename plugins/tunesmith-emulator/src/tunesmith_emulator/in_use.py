"""The check that nothing is deleted that a deployment answers with."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from tunesmith_emulator.database import DeploymentRow
from tunesmith_emulator.envelope import ServiceError


def check_not_deployed(session: Session, asset_id: str) -> None:
    """Check that no deployment has an asset.

    Raises:
        ServiceError: 409, one has it.
    """
    deployed = select(DeploymentRow.id).where(DeploymentRow.asset_id == asset_id)
    user = session.scalars(deployed.limit(1)).first()
    if user is not None:
        raise ServiceError(
            409,
            "asset_in_use",
            f"The asset is still deployed; delete deployment {user!r} first.",
        )
