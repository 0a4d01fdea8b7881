"""The routes of the catalogue. They need no token on the real service either."""

from __future__ import annotations

from fastapi import Request

from tunesmith_emulator.listing import whole
from tunesmith_emulator.routes import shapes
from tunesmith_emulator.routes.paging import page
from tunesmith_emulator.routes.routing import JSON, Route, ServicesOf


def specs(request: Request, services: ServicesOf, filters: str | None = None) -> JSON:
    """List the base models."""
    listed = services.catalogue.specs(filters) + services.embeddings.specs(filters)
    return page(whole(listed), request, counted=True)


def tasks(request: Request, services: ServicesOf) -> JSON:
    """List the tasks."""
    return page(whole(services.catalogue.tasks()), request, counted=True)


def custom(request: Request) -> JSON:
    """List the custom models: there are none."""
    return page(whole([]), request, counted=True)


ROUTES = (
    Route(
        "GET",
        "/ml/v4/custom_foundation_models",
        custom,
        ("sdk",),
        "catalogue",
        answer=shapes.Page,
        note="Always empty: the backend's own models are in foundation_model_specs.",
    ),
    Route(
        "GET",
        "/ml/v1/foundation_model_specs",
        specs,
        ("recorded", "sdk"),
        "catalogue",
        public=True,
        answer=shapes.Page,
        note="The models of the served day; tech_preview is ignored.",
    ),
    Route(
        "GET",
        "/ml/v1/foundation_model_tasks",
        tasks,
        ("recorded", "sdk"),
        "catalogue",
        public=True,
        answer=shapes.Page,
        note="The SDK asks without a token.",
    ),
)
