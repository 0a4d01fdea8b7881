"""The coverage page: every route, and the source of the shape of its answer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from tunesmith_emulator.catalogue.model import catalogue_file
from tunesmith_emulator.routes.routing import Evidence, Route
from tunesmith_emulator.routes.table import ROUTES

MEANING: dict[Evidence, str] = {
    "recorded": "answers of the real service, recorded and published by others",
    "sdk": "the source code of a client, which the tests run against this emulator",
    "docs": "IBM's documentation",
    "inferred": "inferred from the sources above; the real service may differ",
    "ours": "an addition of this project; the real service has no such route",
}
_HEAD = """\
# What the emulator covers

Generated from the route table (`tunesmith_emulator.routes.table`) and the model catalogue; do not
edit. No request was ever sent to the real watsonx.ai: each route names its source.
[What the methods of the SDK answer](sdk-coverage.md).
[Which tests of other projects pass](suites.md).

"""
_STAND_INS = """\
## Stand-ins

Over a backend without prompt tuning (`sklearn`), trainings use that backend's own method as a
named *stand-in method*. Training details, the model's spec and the records of `--backend watsonx`
name it. Requests that such a backend cannot answer (generation by a base model, log-probabilities)
are refused with the service's error envelope.

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
    token = "no" if route.public else "or key" if route.by_key else "yes"
    return f"| `{route.name}` | {', '.join(route.evidence)} | {token} | {route.note} |\n"


def _catalogue() -> Iterator[str]:
    yield "## Models and their dates\n\n| model | stage | from | evidence |\n|---|---|---|---|\n"
    for model in catalogue_file().models:
        for stage in model.lifecycle:
            found = f"{stage.evidence.kind}: {' '.join(stage.evidence.what.split())}"
            yield f"| `{model.model_id}` | {stage.id} | {stage.start_date} | {found} |\n"
