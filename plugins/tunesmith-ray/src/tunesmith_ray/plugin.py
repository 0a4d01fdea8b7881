"""The entries that this distribution adds to tunesmith. Nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.hookspecs import ExecutorEntry, hookimpl


@hookimpl
def register_executors() -> Sequence[ExecutorEntry]:
    """Add the executor ``ray``."""
    return [
        ExecutorEntry(
            name="ray",
            summary="The machines of a Ray cluster.",
            target="tunesmith_ray.executor:opened",
        )
    ]
