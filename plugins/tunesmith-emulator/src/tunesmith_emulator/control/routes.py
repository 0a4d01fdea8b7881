"""The addresses of the control plane, for this machine only."""

from __future__ import annotations

import time
from datetime import date
from typing import Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from tunesmith_emulator import __version__
from tunesmith_emulator.control.credentials import blocks
from tunesmith_emulator.control.faults import Fault
from tunesmith_emulator.control.state import state
from tunesmith_emulator.envelope import wrong_field
from tunesmith_emulator.routing import JSON, HouseOf, Route, base_url
from tunesmith_emulator.state_delays import Pace


class CatalogueDate(BaseModel):
    """The day whose catalogue is served; None: every model as available."""

    model_config = ConfigDict(extra="forbid")
    as_of: date | None


class Try(BaseModel):
    """A prompt for a deployment or a base model."""

    model_config = ConfigDict(extra="forbid")
    deployment: str | None = None
    model_id: str | None = None
    input: str = Field(min_length=1, max_length=20_000)
    max_new_tokens: int = Field(default=20, ge=1, le=200)


def health(house: HouseOf) -> JSON:
    """Answer at once: no model is loaded for it."""
    return {"status": "ok", "version": __version__, "backend": house.settings.backend}


def show_state(house: HouseOf) -> JSON:
    """Return trainings, deployments, models and recent requests."""
    return state(house)


def reset(house: HouseOf) -> JSON:
    """Forget everything; pace and catalogue date are as at the start."""
    house.reset()
    return {"status": "ok"}


def requests(house: HouseOf) -> JSON:
    """Return the last 1000 requests, oldest first."""
    return {"requests": house.control.requests()}


def faults(house: HouseOf) -> JSON:
    """Return the faults in place."""
    return {"faults": house.control.faults.listed()}


def place_fault(fault: Fault, house: HouseOf) -> JSON:
    """Order a fault."""
    house.control.faults.place(fault)
    return fault.model_dump()


def clear_faults(house: HouseOf) -> None:
    """Drop all faults."""
    house.control.faults.clear()


def pace(house: HouseOf) -> JSON:
    """Return how long states last at least."""
    return house.trainings.tuning.pace.model_dump()


def set_pace(new: Pace, house: HouseOf) -> JSON:
    """Set how long states last at least."""
    house.set_pace(new)
    return new.model_dump()


def catalogue_date(house: HouseOf) -> JSON:
    """Return the day whose catalogue is served."""
    as_of = house.catalogue.as_of
    return {"as_of": as_of.isoformat() if as_of else None}


def set_catalogue_date(new: CatalogueDate, house: HouseOf) -> JSON:
    """Serve another day's catalogue."""
    house.catalogue.as_of = new.as_of
    return catalogue_date(house)


def credentials(request: Request, house: HouseOf) -> JSON:
    """Return what to put into ``Credentials`` and the environment; never a key."""
    return blocks(base_url(request), house)


def try_prompt(asked: Try, house: HouseOf) -> JSON:
    """Generate once, as the web page does."""
    if (asked.deployment is None) == (asked.model_id is None):
        raise wrong_field("deployment", "Give either deployment or model_id.")
    body: dict[str, Any] = {
        "input": asked.input,
        "parameters": {"max_new_tokens": asked.max_new_tokens},
    }
    started = time.monotonic()
    if asked.model_id is not None:
        body |= {"model_id": asked.model_id, "project_id": house.platform.project_id}
    answer = house.inference.generate(body, asked.deployment)
    return {**answer["results"][0], "ms": round((time.monotonic() - started) * 1000, 1)}


def _route(method: str, path: str, handler: Any, status: int = 200) -> Route:
    return Route(method, f"/_emulator/{path}", handler, ("ours",), "control", True, status)


ROUTES = (
    _route("GET", "health", health),
    _route("GET", "state", show_state),
    _route("POST", "reset", reset),
    _route("GET", "requests", requests),
    _route("GET", "faults", faults),
    _route("POST", "faults", place_fault, 201),
    _route("DELETE", "faults", clear_faults, 204),
    _route("GET", "pace", pace),
    _route("PUT", "pace", set_pace),
    _route("GET", "catalogue-date", catalogue_date),
    _route("PUT", "catalogue-date", set_catalogue_date),
    _route("GET", "credentials", credentials),
    _route("POST", "try", try_prompt),
)
