"""Faults for tests: a status, a delay or a dropped connection at the nth call."""

from __future__ import annotations

import threading
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]
HeaderValue = Annotated[str, Field(pattern=r"^[ -~]{0,1000}$")]
_OF_THE_SERVER = {"content-length", "transfer-encoding", "connection"}


class Fault(BaseModel):
    """One ordered fault. The calls of its route are counted from the order on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    route: str = Field(min_length=1, max_length=200)
    """A line of the route table, e.g. ``POST /ml/v1/text/generation``, or a pattern with ``*``."""
    status: int | None = Field(default=None, ge=400, le=599)
    """Answer with this status and the service's envelope."""
    delay: float = Field(default=0.0, ge=0, le=600)
    """Seconds to wait first."""
    drop: bool = False
    """Close the connection without an answer."""
    nth: int = Field(default=1, ge=1)
    """The first call with the fault."""
    times: int | None = Field(default=1, ge=1)
    """The number of calls with the fault; None: all from then on."""
    retry_after: int | None = Field(default=None, ge=0)
    """Seconds in the header ``Retry-After``."""
    body: JsonValue = None
    """The body in place of the service's envelope: text as it is, any other value as JSON."""
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    """Further headers, or others in place of ``Content-Type`` and ``Retry-After``."""

    @model_validator(mode="after")
    def _does_something(self) -> Fault:
        if self.status is None and not self.delay and not self.drop:
            raise ValueError("a fault needs status, delay or drop")
        if self.drop and self.status is not None:
            raise ValueError("a dropped connection has no status")
        if taken := _OF_THE_SERVER & {name.lower() for name in self.headers}:
            raise ValueError(f"headers: the server sends {min(taken)} itself; leave it out")
        if self.status is None and (self.body is not None or self.headers):
            raise ValueError("body and headers need a status")
        return self

    def hits(self, call: int) -> bool:
        """Return whether the ``call``-th call, from 1, has the fault."""
        return call >= self.nth and (self.times is None or call < self.nth + self.times)


class Faults:
    """The ordered faults, each with the number of calls so far."""

    def __init__(self) -> None:
        self._orders: list[tuple[Fault, int]] = []
        self._lock = threading.Lock()

    def place(self, fault: Fault) -> None:
        """Order a fault."""
        with self._lock:
            self._orders.append((fault, 0))

    def clear(self) -> None:
        """Delete all faults."""
        with self._lock:
            self._orders.clear()

    def listed(self) -> list[dict[str, object]]:
        """Return the faults, each with the number of calls so far."""
        with self._lock:
            return [{**fault.model_dump(), "calls": calls} for fault, calls in self._orders]

    def next(self, route: str) -> Fault | None:
        """Count a call of ``route``, and return its fault."""
        hit = None
        with self._lock:
            for index, (fault, calls) in enumerate(self._orders):
                if fnmatchcase(route, fault.route):
                    self._orders[index] = (fault, calls + 1)
                    if hit is None and fault.hits(calls + 1):
                        hit = fault
        return hit
