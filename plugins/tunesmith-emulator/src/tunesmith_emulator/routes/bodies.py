"""Reads the JSON body of a request, of limited size and depth."""

from __future__ import annotations

import json
from typing import Annotated, Any, NoReturn

from fastapi import Depends
from starlette.requests import Request

from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.routes.routing import JSON, ServicesOf

_MAX_DEPTH = 100
"""Levels of a body. Clients need fewer than ten, and libraries fail at a few hundred."""


async def uploaded_body(request: Request, services: ServicesOf) -> bytes:
    """Return the bytes of a body that is a file.

    Raises:
        ServiceError: 413, it is longer than ``max_upload_bytes``.
    """
    return await _read(request, services.settings.max_upload_bytes)


async def json_value(request: Request, services: ServicesOf) -> Any:
    """Return the body, of any JSON type.

    Raises:
        ServiceError: 413, it is longer than ``max_body_bytes``; 400, it is not JSON.
    """
    return parse(await _read(request, services.settings.max_body_bytes))


async def json_object(request: Request, services: ServicesOf) -> JSON:
    """Return the body, a JSON object.

    Raises:
        ServiceError: as :func:`json_value`, and 400 for any other JSON type.
    """
    value = await json_value(request, services)
    if not isinstance(value, dict):
        raise _not_json("the body must be a JSON object")
    return value


JsonBody = Annotated[JSON, Depends(json_object)]
"""The handler parameter for a body that is a JSON object."""
AnyJsonBody = Annotated[Any, Depends(json_value)]
"""The handler parameter for a body of any JSON type, e.g. the array of a JSON patch."""


def parse(raw: bytes) -> Any:
    """Parse JSON as RFC 8259 defines it: no NaN, and no text that cannot be encoded again.

    Raises:
        ServiceError: 400.
    """
    try:
        value = json.loads(raw, parse_constant=_refuse_constant)
        _check_depth(value, _MAX_DEPTH)
        if b"\\u" in raw:  # half a surrogate pair is legal JSON, but cannot be encoded
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise _not_json("it is nested too deeply") from None
    except ValueError as error:
        raise _not_json(str(error)) from None
    return value


def _check_depth(value: Any, room: int) -> None:
    if not isinstance(value, list | dict):
        return
    if not room:
        raise RecursionError
    for inner in value.values() if isinstance(value, dict) else value:
        _check_depth(inner, room - 1)


async def _read(request: Request, limit: int) -> bytes:
    if int(request.headers.get("content-length", 0)) > limit:
        raise _too_long(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_long(limit)
    return bytes(body)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _not_json(reason: str) -> ServiceError:
    return ServiceError(400, "json_validation_error", f"Json document validation error: {reason}")


def _too_long(limit: int) -> ServiceError:
    return ServiceError(
        413, "request_entity_too_large", f"The body is longer than {limit} bytes; send less."
    )
