"""``GET /v1/models`` for the clients of both wires: each reads its own list in one body."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tunesmith_serve.service import ALIAS, Service


def listed(service: Service) -> dict[str, Any]:
    """Return all models."""
    found = every(service)
    return {
        "object": "list",
        "data": [_openai(name, made) for name, (_, made) in found.items()],
        "models": [
            {"name": name, "description": text, "release_date": made.date().isoformat()}
            for name, (text, made) in found.items()
        ],
    }


def one(service: Service, name: str) -> dict[str, Any]:
    """Return the model ``name``.

    Raises:
        Refusal: 404, there is none.
    """
    service.model(name)
    return _openai(name, every(service)[name][1])


def every(service: Service) -> dict[str, tuple[str, datetime]]:
    """Return description and date of each model by its name."""
    prompts = service.prompts.all()
    default = service.name_of(service.model(ALIAS))
    found = {
        name: (f"A prompt for {', '.join(prompt.labels)}", prompt.created_at)
        for name, prompt in prompts.items()
    }
    found[service.base_model] = ("The base model of all prompts", service.started_at)
    for name in service.settings.base_names:
        found[name] = (f"Another name of {service.base_model}", service.started_at)
    found[ALIAS] = (f"Another name of {default}", found[default][1])
    return found


def _openai(name: str, made: datetime) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": int(made.timestamp()),
        "owned_by": "tunesmith",
    }
