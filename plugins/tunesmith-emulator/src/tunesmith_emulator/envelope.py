"""The service's error envelope. Every refusal has this shape and carries no traceback.

Shape: ``{"errors": [{"code", "message", "more_info", "target"?}], "trace", "status_code"}``, as
the real service answers (recorded).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Literal

MORE_INFO = "https://cloud.ibm.com/apidocs/watsonx-ai"

TargetType = Literal["field", "parameter", "header"]


@dataclass(frozen=True, slots=True)
class Target:
    """The part of the request that is wrong."""

    type: TargetType
    name: str


class ServiceError(Exception):
    """A refusal by the service.

    Attributes:
        status: HTTP status.
        code: the service's own code, e.g. ``invalid_request_entity``.
        message: the problem and the remedy.
        target: the field, parameter or header that is wrong.
    """

    def __init__(self, status: int, code: str, message: str, target: Target | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.target = target

    def body(self) -> dict[str, Any]:
        """Return the envelope."""
        error: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "more_info": MORE_INFO,
        }
        if self.target is not None:
            error["target"] = {"type": self.target.type, "name": self.target.name}
        return {"errors": [error], "trace": uuid.uuid4().hex, "status_code": self.status}


def wrong_field(name: str, message: str) -> ServiceError:
    """Return a 400 for a field of the body."""
    return ServiceError(400, "invalid_request_entity", message, Target("field", name))


def wrong_parameter(name: str, message: str) -> ServiceError:
    """Return a 400 for a query parameter."""
    return ServiceError(400, "invalid_input_argument", message, Target("parameter", name))


def not_found(what: str, ident: str) -> ServiceError:
    """Return a 404 for a resource, e.g. ``not_found("training", id)``."""
    code = f"{what.replace(' ', '_')}_not_found"
    return ServiceError(404, code, f"No {what} with id {ident!r} in this project or space.")
