"""How long states last at least, so that a client's waiting can be tested."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Pace(BaseModel):
    """Seconds that a state lasts at least; 0 is as fast as the work."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pending: float = Field(default=0.0, ge=0, le=3600)
    """A training before it runs."""
    running: float = Field(default=0.0, ge=0, le=3600)
    """A training that runs, from its start."""
    initializing: float = Field(default=0.0, ge=0, le=3600)
    """A deployment before it is ready."""
