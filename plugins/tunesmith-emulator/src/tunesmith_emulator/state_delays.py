"""The least duration of states, so that a test can watch a client wait."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class StateDelays(BaseModel):
    """The least duration of each state in seconds; 0 adds no delay."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pending: float = Field(default=0.0, ge=0, le=3600)
    """Of a training, before it runs."""
    running: float = Field(default=0.0, ge=0, le=3600)
    """Of a training, from its start."""
    initializing: float = Field(default=0.0, ge=0, le=3600)
    """Of a deployment, before it is ready."""
