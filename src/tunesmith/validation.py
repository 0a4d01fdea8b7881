"""Turns pydantic's errors into one line that names the field and the remedy."""

from __future__ import annotations

from pydantic import ValidationError


def first_problem(error: ValidationError) -> str:
    """Return ``field.path: message`` of the first problem, without the value itself.

    The value is left out because it may be a secret.
    """
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        message = "no such key"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return (
        f"{where}: {message}{more}" if where and not message.startswith(where) else message + more
    )
