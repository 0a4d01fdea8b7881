"""The routes of the control plane. They answer clients on this machine only."""

from __future__ import annotations

import time
from datetime import date
from typing import Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from tunesmith_emulator.control.credentials import blocks, shown
from tunesmith_emulator.control.faults import Fault
from tunesmith_emulator.envelope import wrong_field
from tunesmith_emulator.routes.routing import JSON, Route, ServicesOf, base_url
from tunesmith_emulator.routes.state import state
from tunesmith_emulator.scripted_answer import ScriptedAnswers
from tunesmith_emulator.state_delays import StateDelays
from tunesmith_emulator.version import __version__


class CatalogueDate(BaseModel):
    """The day whose catalogue is served; None: every model is available."""

    model_config = ConfigDict(extra="forbid")
    as_of: date | None


class Try(BaseModel):
    """A prompt for a deployment or a base model."""

    model_config = ConfigDict(extra="forbid")
    deployment: str | None = None
    model_id: str | None = None
    input: str = Field(min_length=1, max_length=20_000)
    max_new_tokens: int = Field(default=20, ge=1, le=200)


def health(services: ServicesOf) -> JSON:
    """Answer at once, without loading a model."""
    return {"status": "ok", "version": __version__, "backend": services.settings.backend}


def show_state(services: ServicesOf) -> JSON:
    """Return trainings, deployments, models and recent requests."""
    return state(services)


def reset(services: ServicesOf) -> JSON:
    """Delete all state; state delays and catalogue date are as at the start."""
    services.reset()
    return {"status": "ok"}


def requests(services: ServicesOf) -> JSON:
    """Return the last 1000 requests, oldest first."""
    return {"requests": services.control.requests()}


def faults(services: ServicesOf) -> JSON:
    """Return the ordered faults."""
    return {"faults": services.control.faults.listed()}


def place_fault(fault: Fault, services: ServicesOf) -> JSON:
    """Order a fault."""
    services.control.faults.place(fault)
    return fault.model_dump()


def clear_faults(services: ServicesOf) -> None:
    """Delete all faults."""
    services.control.faults.clear()


def scripted_answers(services: ServicesOf) -> JSON:
    """Return the scripted answers, each with the number of calls that it matched."""
    return {"answers": services.control.script.listed()}


def script_answers(new: ScriptedAnswers, services: ServicesOf) -> JSON:
    """Script answers. They are tried before the earlier ones."""
    services.control.script.place(new.answers)
    return scripted_answers(services)


def clear_answers(services: ServicesOf) -> None:
    """Delete all scripted answers."""
    services.control.script.clear()


def delays(services: ServicesOf) -> JSON:
    """Return the least duration of states."""
    return services.trainings.tuning.delays.model_dump()


def set_delays(new: StateDelays, services: ServicesOf) -> JSON:
    """Set the least duration of states."""
    services.set_delays(new)
    return new.model_dump()


def catalogue_date(services: ServicesOf) -> JSON:
    """Return the day whose catalogue is served."""
    as_of = services.catalogue.as_of
    return {"as_of": as_of.isoformat() if as_of else None}


def set_catalogue_date(new: CatalogueDate, services: ServicesOf) -> JSON:
    """Serve the catalogue of another day."""
    services.catalogue.as_of = new.as_of
    return catalogue_date(services)


def credentials(request: Request, services: ServicesOf) -> JSON:
    """Return texts with the credentials for Python and for a shell; never a key that was set."""
    ca_file = services.files.authority / "ca.pem"
    given = shown(base_url(request), ca_file, services.settings)
    return blocks(given, services.platform.project_id)


def try_prompt(asked: Try, services: ServicesOf) -> JSON:
    """Generate once, as the web page does."""
    if (asked.deployment is None) == (asked.model_id is None):
        raise wrong_field("deployment", "Give either deployment or model_id.")
    body: dict[str, Any] = {
        "input": asked.input,
        "parameters": {"max_new_tokens": asked.max_new_tokens},
    }
    started = time.monotonic()
    if asked.model_id is not None:
        body |= {"model_id": asked.model_id, "project_id": services.platform.project_id}
    answer = services.inference.generate(body, asked.deployment)
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
    _route("GET", "answers", scripted_answers),
    _route("POST", "answers", script_answers, 201),
    _route("DELETE", "answers", clear_answers, 204),
    _route("GET", "pace", delays),
    _route("PUT", "pace", set_delays),
    _route("GET", "catalogue-date", catalogue_date),
    _route("PUT", "catalogue-date", set_catalogue_date),
    _route("GET", "credentials", credentials),
    _route("POST", "try", try_prompt),
)
