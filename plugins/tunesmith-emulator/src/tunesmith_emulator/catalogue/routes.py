"""The addresses of the catalogue; public on the real service too."""

from __future__ import annotations

from fastapi import Request

from tunesmith_emulator.paging import page
from tunesmith_emulator.routing import JSON, HouseOf, Route


def specs(request: Request, house: HouseOf, filters: str | None = None) -> JSON:
    """List the base models."""
    return page(house.catalogue.specs(filters), request, counted=True)


def tasks(request: Request, house: HouseOf) -> JSON:
    """List the tasks."""
    return page(house.catalogue.tasks(), request, counted=True)


ROUTES = (
    Route(
        "GET",
        "/ml/v1/foundation_model_specs",
        specs,
        ("recorded", "sdk"),
        "catalogue",
        public=True,
        note="A dated selection of models; tech_preview is ignored.",
    ),
    Route(
        "GET",
        "/ml/v1/foundation_model_tasks",
        tasks,
        ("recorded", "sdk"),
        "catalogue",
        public=True,
        note="The SDK asks without a token.",
    ),
)
