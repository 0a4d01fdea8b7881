"""Request bodies as pydantic models: the base class, its fields and its error messages."""

from __future__ import annotations

from typing import Any, ClassVar, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from tunesmith_emulator.envelope import wrong_field


class Body(BaseModel):
    """An object in a request. A null field counts as left out, and unknown fields are ignored.

    The description of a field completes the error message ``FIELD DESCRIPTION.``, e.g.
    ``name must be text.`` A validator may raise a ``ValueError`` with another description, or a
    ``ServiceError``.
    """

    model_config = ConfigDict(strict=True, frozen=True)
    predicate: ClassVar[str] = "must be an object"
    """Completes the error message for a value that is no object."""
    lenient: ClassVar[bool] = False
    """Whether a value that is no object counts as an empty one."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return {} if cls.lenient else value
        return {name: inner for name, inner in value.items() if inner is not None}

    @classmethod
    def read(cls, value: Any, path: str = "") -> Self:
        """Check ``value``, which errors call ``path``.

        Raises:
            ServiceError: 400; names the field.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            path, description = _located(cls, problem["loc"], path)
            if problem["type"] == "value_error":
                description = str(problem["ctx"]["error"])
            raise wrong_field(path, f"{path} {description}.") from None


def text(default: str | None = None, *, most: int | None = None) -> Any:
    """Return a text field of at most ``most`` characters.

    Without ``default`` the text is required and may not be blank.
    """
    least = 0 if default is not None else 1
    return Field(
        ... if default is None else default,
        pattern=r"\S" if least else None,
        max_length=most,
        description="must be text" + (f" of {least} to {most} characters" if most else ""),
    )


def texts() -> Any:
    """Return a field for a list of texts, by default empty."""
    return Field(default_factory=list, description="must be a list of texts")


def flag() -> Any:
    """Return a field that is true or false, by default false."""
    return Field(default=False, description="must be true or false")


def nested() -> Any:
    """Return a field for an object. If it is left out, an empty object is checked instead."""
    return Field(default_factory=dict, validate_default=True)


def _located(model: type[Body] | None, loc: tuple[int | str, ...], path: str) -> tuple[str, str]:
    """Return the path of an error in ``model``, and the description of what is wrong there."""
    description = Body.predicate if model is None else model.predicate
    for part in loc:
        if isinstance(part, int) and model is not None:
            path, description = f"{path}[{part}]", model.predicate
        elif model is not None and part in model.model_fields:
            field = model.model_fields[str(part)]
            path = f"{path}.{part}" if path else str(part)
            model = _model_of(field)
            description = field.description or (model or Body).predicate
    return path, description


def _model_of(field: FieldInfo) -> type[Body] | None:
    kinds = (field.annotation, *get_args(field.annotation))
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, Body)), None)
