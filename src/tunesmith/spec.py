"""TuningSpec: the argument of a backend. An Experiment is a TuningSpec with data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)

from tunesmith.errors import ExperimentError, first_problem
from tunesmith.labels import LabelSet
from tunesmith.methods import Method, PromptTuning
from tunesmith.plugins import DEFAULT_BASE_MODEL, method_class, method_entry
from tunesmith.records import Record, check_writable

CHAT_PARAMETERS = frozenset({"frequency_penalty", "presence_penalty", "logit_bias", "constraint"})
"""Fields of :class:`GenerationParams` that watsonx.ai has in chats alone."""


class Constraint(Record):
    """The texts that the model may write, whatever it would write by itself."""

    kind: Literal["json_schema", "regex", "choice", "grammar"]
    value: dict[str, Any] | str | tuple[str, ...]
    """A JSON schema; a regular expression for the whole text; the texts to choose from; or a
    context-free grammar in Lark's or GBNF's syntax, in which ``%json {…}`` is a JSON schema."""

    @model_validator(mode="after")
    def _check_value(self) -> Self:
        wanted: type[Any] = {"json_schema": dict, "choice": tuple}.get(self.kind, str)
        if not isinstance(self.value, wanted):
            raise ValueError(f"the value of a {self.kind} is no {wanted.__name__}")
        if not self.value and self.kind != "json_schema":
            raise ValueError(f"an empty {self.kind} allows no text")
        return self


class GenerationParams(Record):
    """Generation parameters with watsonx.ai's names (``TextGenParameters``). None: the default."""

    decoding_method: Literal["greedy", "sample"] | None = None
    max_new_tokens: Annotated[int, Field(ge=0)] | None = None
    min_new_tokens: Annotated[int, Field(ge=0)] | None = None
    stop_sequences: Annotated[tuple[str, ...], Field(max_length=6)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_k: Annotated[int, Field(ge=1, le=100)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Field(ge=1, le=2)] | None = None
    random_seed: Annotated[int, Field(ge=1, le=4294967295)] | None = None
    truncate_input_tokens: Annotated[int, Field(ge=0)] | None = None
    time_limit: Annotated[int, Field(ge=1)] | None = None
    """Milliseconds; the text so far is returned."""
    length_penalty: dict[str, float] | None = None
    include_stop_sequence: bool | None = None
    return_options: dict[str, bool | int] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    """Lowers the score of a token once for each time that it was generated."""
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    """Lowers the score of every token that was generated."""
    logit_bias: dict[int, Annotated[float, Field(ge=-100, le=100)]] | None = None
    """Added to the scores of tokens, by their ids."""
    constraint: Constraint | None = None

    @field_validator("stop_sequences")
    @classmethod
    def _check_stop_sequences(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value and "" in value:
            raise ValueError(
                "an empty one would end every text before its first token; leave it out"
            )
        return value

    def ended(self, text: str) -> str:
        """Return ``text`` up to the first stop sequence, which is included unless asked not to."""
        cut = cut_at_stop(text, self.stop_sequences or (), self.include_stop_sequence is not False)
        return text if cut is None else cut

    def asked(self) -> dict[str, Any]:
        """Return the parameters that were given."""
        return self.model_dump(exclude_none=True)


class TuningSpec(BaseModel):
    """The settings of a tuning: everything that a backend gets besides the rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "experiment"
    base_model: str = DEFAULT_BASE_MODEL
    method: SerializeAsAny[Method] = Field(default_factory=PromptTuning)
    labels: LabelSet
    generation: GenerationParams = GenerationParams()
    """For tuned and base model; watsonx.ai's defaults if nothing is given."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Drives splits, few-shot examples and, on seeded backends, the tuning."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            problem = first_problem(error, self._keys(values))
            raise ExperimentError(f"{type(self).__name__}: {problem}") from None

    def with_method(self, method: Method) -> Self:
        """Return the same with another method and default generation parameters."""
        return self.model_copy(update={"method": method, "generation": GenerationParams()})

    def asked_in(self, chat: bool) -> Self:
        """Return the same with or without the chat template."""
        return self.model_copy(update={"method": self.method.model_copy(update={"chat": chat})})

    @classmethod
    def from_values(cls, values: Mapping[str, Any], *, source: str = "experiment") -> Self:
        """Make one of plain values.

        Raises:
            ExperimentError: a key is missing, unknown or wrong; the message names it.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ExperimentError(f"{source}: {first_problem(error)}") from None

    @classmethod
    def _keys(cls, values: Mapping[str, Any]) -> list[str]:
        """Return the dotted keys that there are beside those of ``values``."""
        kinds = {name: field.annotation for name, field in cls.model_fields.items()}
        method = values.get("method")
        name = method.get("name") if isinstance(method, Mapping) else method
        if isinstance(name, str) and method_entry(name) is not None:
            kinds["method"] = method_class(name)
        groups = {
            group: kind.model_fields
            for group, kind in kinds.items()
            if isinstance(kind, type) and issubclass(kind, BaseModel)
        }
        return [*kinds, *(f"{group}.{key}" for group, keys in groups.items() for key in keys)]

    @model_validator(mode="after")
    def _check_writable(self) -> Self:
        # Rows have been checked one by one.
        check_writable(self, type(self).model_fields.keys() - {"data"})
        return self

    @field_validator("method", mode="before")
    @classmethod
    def _parse_method(cls, value: Any) -> Any:
        return parse_method(value)

    @field_serializer("method")
    def _dump_method(self, method: Method) -> dict[str, Any]:
        # Only settings that were given: a backend need not support a default.
        return {"name": method.name, **method.model_dump(mode="json", exclude_unset=True)}

    if not TYPE_CHECKING:  # else a type checker would accept every name

        def __getattr__(self, name: str) -> Any:
            if name in ("data", "answer", "base_input", "ladder"):
                raise AttributeError(
                    f"a TuningSpec has no {name!r}: a backend gets the rows as arguments of "
                    "Tuner.submit, and nothing else of the experiment"
                )
            return super().__getattr__(name)


def parse_method(value: Any) -> Method:
    """Make a method of its name, or of a mapping with ``name`` and settings.

    Raises:
        ValueError: a setting is unknown or wrong.
        ExperimentError: no such method; near misses are named.
    """
    if isinstance(value, Method):
        return value
    settings = dict(value) if isinstance(value, Mapping) else {"name": value}
    name = settings.pop("name", PromptTuning.name)
    if not isinstance(name, str):
        raise ValueError(
            f"method.name: {name!r} is no name of a method; 'tunesmith methods' lists them"
        )
    kind = method_class(name)
    try:
        return kind.model_validate(settings)
    except ValidationError as error:
        problem = first_problem(error, (f"method.{key}" for key in kind.model_fields))
        raise ValueError(f"method.{problem.removeprefix('method.')}") from None


def cut_at_stop(text: str, stop_sequences: Iterable[str], include: bool) -> str | None:
    """Return ``text`` up to its first stop sequence, with it if asked to; None if it has none."""
    found = [(text.find(stop), stop) for stop in stop_sequences if stop in text]
    if not found:
        return None
    where, stop = min(found)
    return text[: where + len(stop) if include else where]


def check_texts(spec: TuningSpec) -> None:
    """Refuse generation parameters that keep a label from being written, whatever its tokens are.

    Raises:
        ExperimentError: names the parameter.
    """
    if spec.generation.max_new_tokens == 0:
        raise ExperimentError(
            "generation.max_new_tokens is 0: no label can be written; raise it or leave it out"
        )
    for label in spec.labels:
        text = spec.labels.surface(label)
        ended = spec.generation.ended(text)
        if spec.labels.parse(ended) != label:
            raise ExperimentError(
                f"generation.stop_sequences: {text!r}, the text of a label, would end as "
                f"{ended!r}; leave that sequence out"
            )
