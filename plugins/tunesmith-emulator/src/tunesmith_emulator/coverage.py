"""The coverage page: every route, and where the shape of its answer comes from."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from tunesmith_emulator.catalogue.model import catalogue_file
from tunesmith_emulator.routing import Evidence, Route
from tunesmith_emulator.table import ROUTES

MEANING: dict[Evidence, str] = {
    "recorded": "answers of the real service that were recorded and published by others",
    "sdk": "the source of a client that reads it, which the tests run against this emulator",
    "docs": "IBM's documentation",
    "inferred": "an inference from the above; the real service may differ",
    "ours": "this project's own: the real service has nothing like it",
}
_HEAD = """\
# What the emulator covers

Generated from the route table (`tunesmith_emulator.table`) and the model catalogue; do not edit.
The real watsonx.ai was never asked: everything here is second-hand, and says so.

"""
_STAND_INS = """\
## Stand-ins

Over a backend without prompt tuning (`sklearn`), trainings use that backend's own method as a
named *stand-in method*: training details carry it as a warning, the model's spec and the records
of `--backend watsonx` name it. What such a backend cannot do (generation by a base model,
log-probabilities) is refused with the service's error envelope.

"""


def coverage_page() -> str:
    """Return the page as Markdown."""
    return "".join([_HEAD, *_legend(), *_services(), _STAND_INS, *_catalogue()])


def _legend() -> Iterator[str]:
    yield "| evidence | meaning |\n|---|---|\n"
    for name, meaning in MEANING.items():
        yield f"| {name} | {meaning} |\n"
    yield "\n"


def _services() -> Iterator[str]:
    for service, routes in groupby(ROUTES, key=lambda route: route.service):
        yield f"## {service}\n\n| route | evidence | token | note |\n|---|---|---|---|\n"
        yield from map(_line, routes)
        yield "\n"


def _line(route: Route) -> str:
    token = "no" if route.public else "yes"
    return f"| `{route.name}` | {', '.join(route.evidence)} | {token} | {route.note} |\n"


def _catalogue() -> Iterator[str]:
    yield "## Models and their dates\n\n| model | stage | from | evidence |\n|---|---|---|---|\n"
    for model in catalogue_file().models:
        for stage in model.lifecycle:
            found = f"{stage.evidence.kind}: {' '.join(stage.evidence.what.split())}"
            yield f"| `{model.model_id}` | {stage.id} | {stage.start_date} | {found} |\n"
