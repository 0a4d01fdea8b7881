"""The settings of one emulator. They never change while it runs; the control plane has the rest."""

from __future__ import annotations

import ipaddress
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from tunesmith_emulator.scripted_answer import ScriptedAnswer

LOOPBACK = ("localhost", "127.0.0.1", "::1")
STAND_IN = "tunesmith/micro-granite"
PROJECT_ID = "11111111-2222-4333-8444-555555555555"
"""The project that exists if none is named."""
MODEL_ID = r"^[A-Za-z0-9][A-Za-z0-9._:-]*(/[A-Za-z0-9][A-Za-z0-9._:-]*)?$"
"""A model's id: a name, or a provider and a name."""


class ServedModel(BaseModel):
    """One id of the catalogue: the base model that answers, and facts that the user gives.

    A fact that is left out is that of the catalogue's own entry, if it has the id.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str | None = Field(default=None, min_length=1)
    """The backend's name of the base model: a Hugging Face id, a path; None: the stand-in."""
    label: str | None = Field(default=None, min_length=1)
    provider: str | None = Field(default=None, min_length=1)
    max_sequence_length: int | None = Field(default=None, ge=2)
    """Tokens of prompt and answer together."""
    max_output_tokens: int | None = Field(default=None, ge=1)
    """Tokens of an answer."""
    input_tier: str | None = None
    output_tier: str | None = None
    number_params: str | None = None
    """As the service spells it: ``8b``."""
    chat: bool | None = None
    """Whether it is listed as a model that chats."""

    @property
    def facts(self) -> dict[str, Any]:
        """The given facts by name."""
        return self.model_dump(exclude={"base"}, exclude_none=True)


def by_name(value: Any) -> Any:
    """Return the fields of a :class:`ServedModel` that is given as the name of its base model."""
    return {"base": value} if isinstance(value, str) else value


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
    models: dict[
        Annotated[str, Field(pattern=MODEL_ID)], Annotated[ServedModel, BeforeValidator(by_name)]
    ] = Field(default_factory=dict)
    """The ids that the user named, of the catalogue or new ones."""
    run_code: bool = False
    """Whether stored functions and AI services may run, with the rights of the emulator."""
    any_model: bool = False
    """Whether the stand-in answers for every other id too."""
    chat_prompts: bool = False
    """Whether a base model that has a chat template reads the prompt of text generation as a
    message of a user. The service never does so. A small instruct model may end a raw question at
    once, where a large one answers it."""
    answers: tuple[ScriptedAnswer, ...] = ()
    """The scripted answers at the start."""
    replay: Path | None = None
    """A recording that answers the requests that it has."""
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

    @model_validator(mode="after")
    def _code_is_not_for_everybody(self) -> Self:
        if self.run_code and not self.api_keys and not is_loopback(self.host):
            raise ValueError(
                f"run_code: everybody who reaches {self.host} could run code here; set an API key"
            )
        return self

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
