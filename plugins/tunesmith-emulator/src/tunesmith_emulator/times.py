"""Times as the service writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def stamp(when: datetime) -> str:
    """Return a stored UTC time with milliseconds and zone, e.g. ``2026-11-21T09:03:29.120Z``.

    The SDK's parser of metrics needs the fraction and the zone.
    """
    return when.isoformat(timespec="milliseconds") + "Z"


def milliseconds(when: datetime) -> int:
    """Return a stored UTC time as milliseconds since 1970."""
    return int(when.replace(tzinfo=UTC).timestamp() * 1000)
