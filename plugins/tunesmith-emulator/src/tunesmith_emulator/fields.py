"""Reads the fields of a body, each of its kind, or refuses and names the field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tunesmith_emulator.envelope import wrong_field


@dataclass(frozen=True)
class Fields:
    """One object of a body.

    Every method raises a ``ServiceError``, 400, for a value of another kind. A field that is null
    counts as left out.
    """

    values: Mapping[str, Any]
    where: str = ""
    """The path of the object in the body, as errors name it."""

    def path(self, field: str) -> str:
        """Return how errors name a field."""
        return f"{self.where}.{field}" if self.where else field

    def text(self, field: str, default: str | None = None, *, most: int | None = None) -> str:
        """Return a text of at most ``most`` characters; without ``default`` it must be there."""
        value = self.values.get(field)
        if value is None and default is not None:
            return default
        least = 0 if default is not None else 1
        if (
            isinstance(value, str)
            and len(value.strip()) >= least
            and len(value) <= (most or len(value))
        ):
            return value
        length = f" of {least} to {most} characters" if most else ""
        raise wrong_field(self.path(field), f"{self.path(field)} must be text{length}.")

    def texts(self, field: str) -> list[str]:
        """Return a list of texts; empty where it is left out."""
        value = self.values.get(field)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise wrong_field(self.path(field), f"{self.path(field)} must be a list of texts.")
        return list(value)

    def flag(self, field: str) -> bool:
        """Return true or false; false where it is left out."""
        value = self.values.get(field)
        if value is not None and not isinstance(value, bool):
            raise wrong_field(self.path(field), f"{self.path(field)} must be true or false.")
        return bool(value)

    def object(self, field: str) -> Fields:
        """Return an object; an empty one where it is left out."""
        value = self.values.get(field)
        if value is not None and not isinstance(value, Mapping):
            raise wrong_field(self.path(field), f"{self.path(field)} must be an object.")
        return Fields(value or {}, self.path(field))
