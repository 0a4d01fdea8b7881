"""The settings of one server. They never change while it runs."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """The settings of one server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8000, ge=0, le=65535)
    """0 picks a free port."""
    api_keys: tuple[str, ...] = Field(default=(), repr=False)
    """The accepted keys; if there are none, no key is needed."""
    admin_key: str | None = Field(default=None, repr=False, min_length=1)
    """The key that adds and removes prompts; None refuses both."""
    base_names: tuple[str, ...] = ()
    """Further names of the base model."""
    default: str | None = None
    """The prompt that answers as ``jev-latest``; None: the base model."""
    prompts: Path | None = None
    """The folder below which prompts may be added while the server runs; it holds the registry."""
    max_body_bytes: int = Field(default=4_000_000, ge=1)
    max_requests: int = Field(default=256, ge=1)
    """Requests that are answered or wait at a time; a further one gets 429."""
    request_seconds: float = Field(default=60.0, gt=0)
    """The longest time for one answer."""
    stop_seconds: float = Field(default=30.0, ge=0)
    """The longest time for accepted requests to be answered when the server stops."""
    log_texts: bool = False
    """Whether the log holds the bodies of requests."""
