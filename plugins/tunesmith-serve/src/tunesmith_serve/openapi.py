"""The schema of the bodies, published as OpenAPI: they are read by hand, within limits."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

_PLACE = "#/components/schemas/{model}"


def reads(model: type[BaseModel]) -> dict[str, Any]:
    """Return what a route that reads ``model`` adds to its documentation."""
    schema = {"$ref": _PLACE.format(model=model.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def documented(app: FastAPI, *bodies: type[BaseModel]) -> None:
    """Let ``app`` publish the schemas of ``bodies``, which its routes read."""

    def schema() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(title=app.title, version="1", routes=app.routes)
            _, definitions = models_json_schema(
                [(model, "validation") for model in bodies], ref_template=_PLACE
            )
            schemas = found.setdefault("components", {}).setdefault("schemas", {})
            schemas |= definitions["$defs"]
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = schema  # type: ignore[method-assign]  # as FastAPI's docs extend a schema
