"""LabelSet: the labels, and the rule by which generated text becomes one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ConfigDict, RootModel, model_validator


class LabelSet(RootModel[dict[str, tuple[str, ...]]]):
    """Labels in a fixed order, each with its surface forms.

    A list (``["0", "1"]``) makes every label its own only form; a mapping
    (``{"0": ["0", "no"], "1": ["1", "yes"]}``) gives more. A model is
    tuned to generate the first form.
    """

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _accept_lists(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            names = [_text(v) for v in value]
            if len(set(names)) != len(names):
                raise ValueError(f"labels: {names} has a label twice")
            return {name: (name,) for name in names}
        if isinstance(value, Mapping):
            forms = {k: v if isinstance(v, list | tuple) else [v] for k, v in value.items()}
            return {_text(k): tuple(map(_text, v)) for k, v in forms.items()}
        return value

    @model_validator(mode="after")
    def _check(self) -> LabelSet:
        if len(self.root) < 2:
            raise ValueError("labels: at least two labels are needed, e.g. labels: ['0', '1']")
        seen: dict[str, str] = {}
        for label, forms in self.root.items():
            if not forms:
                raise ValueError(f"labels: {label!r} has no surface form")
            for form in forms:
                if not form or form != form.strip():
                    raise ValueError(
                        f"labels: the form {form!r} of {label!r} is empty or has white space at "
                        "an end, which parsing strips; remove it"
                    )
                if form in seen:
                    raise ValueError(
                        f"labels: {form!r} is a form of both {seen[form]!r} and {label!r}"
                    )
                seen[form] = label
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The labels, in order."""
        return tuple(self.root)

    def surface(self, label: str) -> str:
        """Return the text that a model is tuned to generate for ``label``."""
        return self.root[label][0]

    def parse(self, text: str) -> str | None:
        """Return the label whose surface form ``text`` is, or None.

        White space at the ends is stripped; the rest must equal a surface form exactly.
        Nothing is guessed: ``"1."`` is not ``"1"``.
        """
        stripped = text.strip()
        return next((label for label, forms in self.root.items() if stripped in forms), None)

    def of_row(self, text: str) -> str | None:
        """Return the label that a row of data means: the one of this name, or of this form."""
        return text if text in self.root else self.parse(text)

    def __contains__(self, label: object) -> bool:
        return label in self.root

    def __iter__(self) -> Iterator[str]:  # type: ignore[override]  # a LabelSet is iterated by label, not by pydantic field
        return iter(self.root)

    def __len__(self) -> int:
        return len(self.root)


def _text(value: Any) -> str:
    # YAML reads an unquoted 0 as a number; True would come back as "True", which nobody means.
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"labels: {value!r} is not text; put it in quotes")


def numbered(labels: Sequence[str]) -> tuple[list[str], list[int]]:
    """Return the distinct labels in order, and for each of ``labels`` its place among them.

    numpy and scikit-learn get the numbers: their arrays of text drop NUL at the end of a text.
    """
    names = sorted(set(labels))
    places = {name: place for place, name in enumerate(names)}
    return names, [places[label] for label in labels]
