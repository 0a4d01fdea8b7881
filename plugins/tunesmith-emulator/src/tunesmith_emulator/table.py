"""The one route table: every address that the emulator answers."""

from __future__ import annotations

from tunesmith_emulator.assets import routes as assets
from tunesmith_emulator.catalogue import routes as catalogue
from tunesmith_emulator.control import routes as control
from tunesmith_emulator.deployments import routes as deployments
from tunesmith_emulator.iam import routes as iam
from tunesmith_emulator.inference import routes as inference
from tunesmith_emulator.platform import routes as platform
from tunesmith_emulator.routing import Route
from tunesmith_emulator.trainings import routes as trainings

ROUTES: tuple[Route, ...] = (
    *iam.ROUTES,
    *platform.ROUTES,
    *assets.ROUTES,
    *catalogue.ROUTES,
    *trainings.ROUTES,
    *deployments.ROUTES,
    *inference.ROUTES,
    *control.ROUTES,
)


def route_of(method: str, path: str) -> str:
    """Return the name of the route that answers, or an empty string."""
    for route in ROUTES:
        if route.method == method and route.pattern.match(path):
            return route.name
    return ""
