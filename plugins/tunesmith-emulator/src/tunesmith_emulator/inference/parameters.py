"""The generation parameters of a request: each is honored, refused, or named in a warning.

Real clients send defaults: greedy decoding, no minimum, a penalty of 1, no stop sequence. So a
value without effect is accepted even if the backend lacks the parameter. A parameter without
effect on this request, such as a temperature for greedy decoding, is left out with a warning.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tunesmith.backend import Capabilities
from tunesmith.errors import first_problem
from tunesmith.spec import CHAT_PARAMETERS, GenerationParams
from tunesmith_emulator.envelope import ServiceError, wrong_field

NEW_TOKENS = 20
"""New tokens if a request names no limit."""
CHAT_FIELDS = frozenset(GenerationParams.model_fields) - {"constraint"}
TEXT_FIELDS = CHAT_FIELDS - CHAT_PARAMETERS
"""The fields of ``GenerationParams`` that a request can give."""
_SAMPLING: dict[str, tuple[float, ...] | None] = {
    "temperature": (0, 1),
    "top_k": (),
    "top_p": (1,),
    "random_seed": None,
}
"""Parameters of sampling, with the values that need no warning in greedy decoding. None means
all values: greedy answers are repeatable with any seed."""
_NEUTRAL: dict[str, Any] = {
    "decoding_method": "greedy",
    "min_new_tokens": 0,
    "stop_sequences": (),
    "temperature": 1,
    "top_p": 1,
    "repetition_penalty": 1,
    "truncate_input_tokens": 0,
    "frequency_penalty": 0,
    "presence_penalty": 0,
}

Spelling = Callable[[str], str]
"""Returns the name of a parameter in the request, for messages."""


class _LengthPenalty(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    decay_factor: Annotated[float, Field(gt=1)] | None = None
    start_index: Annotated[int, Field(ge=0)] | None = None


class _ReturnOptions(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    input_text: bool | None = None
    generated_tokens: bool | None = None
    input_tokens: bool | None = None
    token_logprobs: bool | None = None
    token_ranks: bool | None = None
    # The service reads a number. The SDK's schema has a bool, so clients may send False.
    top_n_tokens: Annotated[int, Field(ge=0, le=5)] | Literal[False] | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A warning in an answer."""

    message: str
    id: Literal["emulator", "input_truncated"] = "emulator"
    """By ``input_truncated`` the backend ``watsonx`` counts the rows that were cut."""


def cut_to(what: str) -> Notice:
    """Return the warning that the model read only ``what`` of the input."""
    return Notice(f"the input was cut from the left to {what}", "input_truncated")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The checked parameters of a request."""

    params: GenerationParams
    input_text: bool = False
    """Whether the answer starts with the prompt."""
    limit: int | None = None
    """``max_new_tokens`` that a backend without token counts cannot apply."""
    warnings: tuple[Notice, ...] = ()

    @property
    def new_tokens(self) -> int:
        """The limit of new tokens."""
        limit = self.params.max_new_tokens
        return NEW_TOKENS if limit is None else limit

    @property
    def most_read(self) -> float:
        """The limit of tokens that are read of the prompt; infinite if there is none."""
        return self.params.truncate_input_tokens or math.inf

    @property
    def seed(self) -> int | None:
        """The seed that the answer echoes, in sampling only."""
        return self.params.random_seed


def as_generation(name: str) -> str:
    """Return the name of a parameter in a request of text generation."""
    return f"parameters.{name}"


def read(
    given: object, spell: Spelling = as_generation, fields: frozenset[str] = TEXT_FIELDS
) -> Wanted:
    """Check the types, ranges and combinations of generation parameters.

    Args:
        given: the object ``parameters`` of a body, or None.
        spell: gives the names of parameters in messages.
        fields: of ``GenerationParams`` that may be given.

    Raises:
        ServiceError: 400, names the parameter.
    """
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        raise wrong_field("parameters", "parameters must be an object.")
    if given.get("prompt_variables"):
        raise wrong_field(
            spell("prompt_variables"),
            "prompt_variables belong to deployments of prompt templates; this is none.",
        )
    known = {name: value for name, value in given.items() if name in fields}
    options = _strict(_ReturnOptions, known.pop("return_options", None), "return_options", spell)
    penalty = _strict(_LengthPenalty, known.pop("length_penalty", None), "length_penalty", spell)
    params = _validated(known, spell).model_copy(update={"length_penalty": penalty or None})
    _check_minimum(params, spell)
    unknown = sorted(set(given) - fields - {"prompt_variables"})
    warnings = tuple(Notice(f"{spell(name)} is not known and has no effect") for name in unknown)
    wanted = _with_options(Wanted(params, warnings=warnings), options, spell)
    return _without_sampling(wanted, spell)


def fit(
    wanted: Wanted, capabilities: Capabilities, backend: str, spell: Spelling = as_generation
) -> Wanted:
    """Leave out values without effect, and refuse parameters that the backend does not declare.

    ``max_new_tokens`` is not refused: a backend that counts no tokens answers with a whole label.
    If the label may be longer than the limit, the answer has a warning.

    Raises:
        ServiceError: 400, names the parameter.
    """
    asked = wanted.params.asked()
    limit = asked.get("max_new_tokens")
    lacking = sorted(set(asked) - capabilities.generation_parameters)
    for name in lacking:
        harmless = (
            asked[name] == _NEUTRAL.get(name, object())
            or (name == "max_new_tokens" and limit != 0)
            or (name == "include_stop_sequence" and not asked.get("stop_sequences"))
        )
        if not harmless:
            raise wrong_field(
                spell(name),
                f"{spell(name)}: the emulator's backend {backend!r} does not honor "
                f"{asked[name]!r}; leave it out, or serve the emulator over another backend.",
            )
    if not lacking:
        return wanted
    params = wanted.params.model_copy(update=dict.fromkeys(lacking))
    return replace(wanted, params=params, limit=limit if "max_new_tokens" in lacking else None)


def _validated(known: Mapping[str, Any], spell: Spelling) -> GenerationParams:
    try:
        # By way of JSON, because only there a list is a tuple to strict validation.
        return GenerationParams.model_validate_json(json.dumps(known), strict=True)
    except ValidationError as error:
        where = error.errors()[0]["loc"]  # empty if the JSON itself is too deep
        raise _refused(str(where[0]) if where else "parameters", error, spell) from None


def _strict(model: type[BaseModel], value: object, name: str, spell: Spelling) -> dict[str, Any]:
    try:
        return model.model_validate({} if value is None else value).model_dump(exclude_none=True)
    except ValidationError as error:
        raise _refused(name, error, spell) from None


def _refused(name: str, error: ValidationError, spell: Spelling) -> ServiceError:
    problem = first_problem(error).removeprefix(f"{name}: ")
    return wrong_field(spell(name), f"Json document validation error: {spell(name)}: {problem}")


def _check_minimum(params: GenerationParams, spell: Spelling) -> None:
    most = NEW_TOKENS if params.max_new_tokens is None else params.max_new_tokens
    if (params.min_new_tokens or 0) > most:
        raise wrong_field(
            spell("min_new_tokens"),
            f"{spell('min_new_tokens')} is {params.min_new_tokens}, more than "
            f"{spell('max_new_tokens')}, which is {most}.",
        )


def shortened(
    wanted: Wanted, new: int, read: int | None, longest: int, spell: Spelling = as_generation
) -> Wanted:
    """Return ``wanted`` with a limit of ``new`` tokens that reads ``read``, or None for all.

    Args:
        wanted: the checked parameters.
        new: at most as many new tokens as in ``wanted``.
        read: the tokens of the end of the prompt.
        longest: the positions of the model that answers, for the warnings.
        spell: gives the names of parameters in warnings.
    """
    because = f", because the model that answers has {longest} positions"
    update: dict[str, Any] = {}
    warnings = wanted.warnings
    if new < wanted.new_tokens:
        least = wanted.params.min_new_tokens
        update |= {"max_new_tokens": new, "min_new_tokens": least and min(least, new)}
        warnings += (Notice(f"{spell('max_new_tokens')} was lowered to {new}{because}"),)
    if read is not None:
        update["truncate_input_tokens"] = read
        warnings += (cut_to(f"{read} tokens{because}"),)
    params = wanted.params.model_copy(update=update)
    return replace(wanted, params=params, warnings=warnings)


def _with_options(wanted: Wanted, options: Mapping[str, Any], spell: Spelling) -> Wanted:
    asked = {name: value for name, value in options.items() if value}
    input_text = bool(asked.pop("input_text", False))
    warnings = wanted.warnings
    if asked and not asked.keys() & {"generated_tokens", "input_tokens"}:
        # IBM's documentation: these apply only with one of the two.
        warnings += tuple(
            Notice(
                f"{spell('return_options')}.{name} has no effect without generated_tokens or "
                "input_tokens"
            )
            for name in sorted(asked)
        )
        asked = {}
    params = wanted.params.model_copy(update={"return_options": asked or None})
    return replace(wanted, params=params, input_text=input_text, warnings=warnings)


def _without_sampling(wanted: Wanted, spell: Spelling) -> Wanted:
    params = wanted.params
    if params.decoding_method == "sample" and params.temperature != 0:
        return wanted
    idle = sorted(params.asked().keys() & _SAMPLING)
    warnings = tuple(
        Notice(f"{spell(name)} has no effect on greedy decoding")
        for name in idle
        if not _idle(getattr(params, name), _SAMPLING[name])
    )
    update: dict[str, Any] = dict.fromkeys(idle)
    if params.decoding_method == "sample":
        update["decoding_method"] = "greedy"  # a temperature of 0 is greedy decoding
    return replace(
        wanted, params=params.model_copy(update=update), warnings=wanted.warnings + warnings
    )


def _idle(value: float, harmless: tuple[float, ...] | None) -> bool:
    return harmless is None or value in harmless
