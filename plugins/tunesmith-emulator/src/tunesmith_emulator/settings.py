"""The settings of one emulator. They never change while it runs; the control plane has the rest."""

from __future__ import annotations

import ipaddress
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

LOOPBACK = ("localhost", "127.0.0.1", "::1")
STAND_IN = "tunesmith/micro-granite"
PROJECT_ID = "11111111-2222-4333-8444-555555555555"
"""The project that exists if none is named."""


class Settings(BaseModel):
    """The settings of one emulator."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: str = "local"
    """The tunesmith backend that tunes and generates."""
    backend_options: dict[str, Any] = Field(default_factory=dict)
    """Its options; ``store`` is in ``data_dir`` unless given."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """The seed of every tuning; the real service has none."""
    data_dir: Path
    """The folder for all state that survives the process."""
    temporary: bool = False
    """Whether ``data_dir`` is deleted when the emulator stops."""
    host: str = Field(default="127.0.0.1", min_length=1)
    allowed_hosts: tuple[str, ...] = ()
    """Further host names at which clients of this machine may use the control plane."""
    port: int = Field(default=0, ge=0, le=65535)
    """0 picks a free port."""
    stand_in: str = STAND_IN
    """The backend's name of the base model that answers for all catalogue entries outside
    ``models``."""
    models: dict[str, str] = Field(default_factory=dict)
    """Catalogue id to the backend's name of a base model: a Hugging Face id, a path…"""
    as_of: date | None = None
    """The day whose catalogue is served; None: every model is available."""
    api_keys: tuple[str, ...] = Field(default=(), repr=False)
    """The accepted keys; if empty, every key is accepted."""
    projects: tuple[str, ...] = ()
    """The projects that exist; if empty, a project is made at its first use."""
    token_seconds: int = Field(default=3600, ge=1)
    """Lifetime of a token."""
    max_body_bytes: int = Field(default=8_000_000, ge=1)
    """Limit of a JSON body."""
    max_upload_bytes: int = Field(default=200_000_000, ge=1)
    """Limit of an uploaded file."""

    @property
    def control_hosts(self) -> frozenset[str]:
        """The host names of the control plane, in lower case."""
        return frozenset(name.lower() for name in (*LOOPBACK, self.host, *self.allowed_hosts))


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine's loopback address, or ``localhost``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, or what a proxy claims in a header
        return host in LOOPBACK
