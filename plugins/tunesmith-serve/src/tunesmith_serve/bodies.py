"""The body of a request: JSON within limits, and checked by a pydantic model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from tunesmith_serve.refusals import Place, Problem, Refusal

DEEPEST = 64
"""Levels of objects and arrays in a body, at most."""
M = TypeVar("M", bound=BaseModel)


async def json_of(request: Request, most_bytes: int) -> Any:
    """Return the JSON value in the body of ``request``.

    Raises:
        Refusal: 413 or 415, or the body is no JSON, too deep, or has a key twice.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise Refusal(415, f"the content type is {kind!r}; send application/json")
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > most_bytes:
            raise Refusal(413, f"the body has more than {most_bytes} bytes; send less at a time")
    return parsed(bytes(data))


def parsed(data: bytes) -> Any:
    """Return the JSON value in ``data``; see :func:`json_of`."""
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_number
        )
    except UnicodeDecodeError as error:
        raise _no_json(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise _no_json(f"{error.msg} at character {error.pos}") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:  # a number of thousands of digits
        raise _no_json(str(error)) from None
    if _depth(value) > DEEPEST:
        raise _too_deep()
    _check_characters(value)
    return value


def checked(model: type[M], value: Any) -> M:
    """Return ``value`` as a ``model``.

    Raises:
        Refusal: 400 with every wrong field.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        problems = tuple(
            Problem(
                _place(value, one["loc"]), one["msg"].removeprefix("Value error, "), one["type"]
            )
            for one in error.errors(include_url=False, include_input=False, include_context=False)
        )
        # Where several forms are possible, that which fits best has the deepest problem.
        first, *others = sorted(problems, key=lambda one: -len(one.place))
        where = ".".join(map(str, first.place))
        more = f" (and {len(others)} more)" if others else ""
        message = f"{where}: {first.message}{more}" if where else f"{first.message}{more}"
        raise Refusal(400, message, problems=(first, *others)) from None


def _place(value: Any, where: Place) -> Place:
    """Return the path of keys and indices in ``where``, which also names the forms of a value."""
    found: list[str | int] = []
    for position, key in enumerate(where):
        if _holds(value, key):
            value = value[key]
        elif not isinstance(value, Mapping) or position < len(where) - 1:
            continue  # the name of a form; a key at the end is one that is missing
        found.append(key)
    return tuple(found)


def _holds(value: Any, key: str | int) -> bool:
    if isinstance(value, Mapping):
        return key in value
    return isinstance(value, list) and isinstance(key, int)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _no_json(f"the key {twice!r:.100} is given twice in one object")
    return found


def _no_number(text: str) -> NoReturn:
    raise _no_json(f"{text} is no JSON number")


def _no_json(why: str) -> Refusal:
    problem = Problem((), f"JSON decode error: {why}", "json_invalid")
    return Refusal(400, f"the body is no JSON: {why}", problems=(problem,))


def _too_deep() -> Refusal:
    return _no_json(f"more than {DEEPEST} levels of objects and arrays")


def _check_characters(value: Any) -> None:
    # JSON can spell half of a surrogate pair, which is no character and cannot be sent on.
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise _no_json(f"{error.object[error.start]!a} is half of a character") from None


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        below: list[Any] = []
        for one in level:
            if isinstance(one, Mapping):
                below += one.values()
            elif isinstance(one, list):
                below += one
        level = below
    return depth
