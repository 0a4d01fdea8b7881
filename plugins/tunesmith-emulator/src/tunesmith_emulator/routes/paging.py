"""Pages of a list, with links to the first and the next page.

The links are absolute and keep the whole query (version, scope, filters, limit): the Python SDK
drops its own parameters if a link has a query, and cannot follow a relative link.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import Request

from tunesmith_emulator.envelope import wrong_parameter
from tunesmith_emulator.listing import ReadPart, Window
from tunesmith_emulator.routes.routing import base_url

DEFAULT_LIMIT = 100
MOST = 200


def page(read: ReadPart, request: Request, *, counted: bool = False) -> dict[str, Any]:
    """Return the page of a list that the query asks for with ``limit`` and ``start``.

    Clients do not interpret ``start``, but the Java SDK expects a number.

    Args:
        read: reads a part of the list.
        request: gives host, path and query.
        counted: whether to add ``total_count`` even if the query does not ask for it.

    Raises:
        ServiceError: 400, ``limit`` or ``start`` is wrong.
    """
    limit = _number(request, "limit", DEFAULT_LIMIT, 1, MOST)
    start = _number(request, "start", 0, 0, None)
    counted = counted or request.query_params.get("total_count", "").lower() == "true"
    part = read(Window(start, limit, counted))
    made: dict[str, Any] = {"limit": limit, "first": {"href": _href(request)}}
    if part.more:
        made["next"] = {"href": _href(request, limit=limit, start=start + limit)}
    if counted:
        made["total_count"] = part.total
    return {**made, "resources": list(part.items)}


def _number(request: Request, name: str, default: int, least: int, most: int | None) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    allowed = f"a whole number from {least}" + ("" if most is None else f" to {most}")
    # Nine digits are enough for any list. A longer number is not parsed.
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise wrong_parameter(name, f"{name} must be {allowed}, not {text!r}.")
    value = int(text)
    if value < least or (most is not None and value > most):
        raise wrong_parameter(name, f"{name} must be {allowed}, not {text!r}.")
    return value


def _href(request: Request, **changed: int) -> str:
    dropped = {"start", *changed}
    query = [(k, v) for k, v in request.query_params.multi_items() if k not in dropped]
    query += [(k, str(v)) for k, v in changed.items()]
    address = base_url(request) + request.url.path
    return f"{address}?{urlencode(query)}" if query else address
