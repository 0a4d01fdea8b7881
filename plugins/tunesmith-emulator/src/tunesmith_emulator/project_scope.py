"""A project or a space. Every resource belongs to one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from tunesmith_emulator.envelope import ServiceError

ScopeKind = Literal["project", "space"]


@dataclass(frozen=True, slots=True)
class ProjectScope:
    """A project or a space, by id."""

    kind: ScopeKind
    id: str

    @property
    def field(self) -> str:
        """The field that names it: ``project_id`` or ``space_id``."""
        return f"{self.kind}_id"

    def entry(self) -> dict[str, str]:
        """Return the field as a resource shows it."""
        return {self.field: self.id}

    @classmethod
    def of(cls, kind: str, ident: str) -> ProjectScope:
        """Return the scope of a stored row."""
        return cls(cast("ScopeKind", kind), ident)

    @classmethod
    def find(cls, *sources: Mapping[str, Any]) -> ProjectScope | None:
        """Return the scope that a query or a body names. The first source that names one wins."""
        for source in sources:
            for kind in ("project", "space"):
                ident = source.get(f"{kind}_id")
                if isinstance(ident, str) and ident:
                    return cls.of(kind, ident)
        return None

    @classmethod
    def require(cls, *sources: Mapping[str, Any]) -> ProjectScope:
        """Return the scope that a query or a body names.

        Raises:
            ServiceError: 400, no source has ``project_id`` or ``space_id``.
        """
        scope = cls.find(*sources)
        if scope is None:
            raise ServiceError(
                400,
                "missing_one_of_required_query_parameters",
                "One of project_id and space_id must be given.",
            )
        return scope
