"""The body that creates a job, and the tuning that it asks for."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from tunesmith.errors import ExperimentError
from tunesmith.methods import GradientTuning, Method, VirtualTokens
from tunesmith.spec import parse_method
from tunesmith_serve.refusals import Refusal, wrong

Auto = Literal["auto"]
EPOCHS = 50
"""The most epochs of a job."""
_AUTO_EPOCHS, _AUTO_STEPS = 25, 200
"""``auto`` takes as many epochs as make so many optimizer steps, and at most so many."""
_SHORT = {"batch_size": 8, "accumulate_steps": 1}
_SHORT_PROMPT = {"num_virtual_tokens": 20}
"""Settings with which a job of few rows tunes; those of the command line come first."""
_NOT_IN_A_NAME = re.compile(r"[^0-9A-Za-z._/-]+")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Hyperparameters(_Body):
    """The hyper-parameters; ``auto`` is the service's choice."""

    n_epochs: Annotated[int, Field(strict=True, ge=1, le=EPOCHS)] | Auto = "auto"
    batch_size: Annotated[int, Field(strict=True, ge=1, le=256)] | Auto = "auto"
    learning_rate_multiplier: Annotated[float, Field(gt=0, le=100)] | Auto = "auto"


class Supervised(_Body):
    """The settings of supervised fine-tuning."""

    hyperparameters: Hyperparameters | None = None


class MethodBody(_Body):
    """How to tune. Other ways than supervised fine-tuning are refused."""

    type: Literal["supervised"]
    supervised: Supervised | None = None


class NewJob(_Body):
    """The body that creates a job."""

    model: StrictStr
    training_file: StrictStr
    validation_file: StrictStr | None = None
    hyperparameters: Hyperparameters | None = None
    method: MethodBody | None = None
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**31)] | None = None
    suffix: Annotated[StrictStr, Field(max_length=64)] | None = None
    metadata: (
        Annotated[
            dict[
                Annotated[StrictStr, Field(max_length=64)],
                Annotated[StrictStr, Field(max_length=512)],
            ],
            Field(max_length=16),
        ]
        | None
    ) = None
    integrations: Annotated[list[Any], Field(max_length=0)] | None = None

    def asked(self) -> tuple[Hyperparameters, tuple[str, ...]]:
        """Return the hyper-parameters, and the path of the object that has them.

        Raises:
            Refusal: 400, they are in two places.
        """
        inner = self.method and self.method.supervised and self.method.supervised.hyperparameters
        if inner and self.hyperparameters:
            raise wrong("give them in method.supervised alone", "hyperparameters")
        if inner:
            return inner, ("method", "supervised", "hyperparameters")
        return self.hyperparameters or Hyperparameters(), ("hyperparameters",)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A method of tunesmith with all settings, and the hyper-parameters of its job."""

    method: Method
    hyperparameters: dict[str, Any]


def method_of(given: str | Mapping[str, Any]) -> Method:
    """Return the method of all jobs, with the settings of a short one.

    Args:
        given: its name, or ``name`` and settings.

    Raises:
        ExperimentError: there is no such method, or a setting is wrong.
    """
    values = {"name": given} if isinstance(given, str) else dict(given)
    try:
        kind = type(parse_method(values))
        short = _SHORT if issubclass(kind, GradientTuning) else {}
        prompt = _SHORT_PROMPT if issubclass(kind, VirtualTokens) else {}
        method = parse_method({**short, **prompt, **values})
    except ValueError as error:
        raise ExperimentError(str(error)) from None
    if not method.tunes:
        raise ExperimentError(f"method.name: {method.name!r} tunes nothing; name another one")
    return method


def choose(method: Method, asked: Hyperparameters, place: tuple[str, ...], rows: int) -> Chosen:
    """Return ``method`` with the hyper-parameters that a job asks for.

    Args:
        method: of all jobs.
        asked: by the job.
        place: the path of ``asked`` in the body.
        rows: the number of training rows, on which ``auto`` depends.

    Raises:
        Refusal: 400, the method does not have a hyper-parameter, or not this value.
    """
    if not isinstance(method, GradientTuning):
        for name, value in asked:
            if value != "auto":
                raise wrong(f"method {method.name!r} has none; leave it out", *place, name)
        return Chosen(method, dict(asked))
    size = method.batch_size if asked.batch_size == "auto" else asked.batch_size
    steps = math.ceil(rows / (size * method.accumulate_steps))
    epochs = _epochs(method, steps) if asked.n_epochs == "auto" else asked.n_epochs
    factor = 1.0 if asked.learning_rate_multiplier == "auto" else asked.learning_rate_multiplier
    settings: dict[str, Any] = {"batch_size": size, "num_epochs": epochs}
    if factor != 1.0:
        settings["learning_rate"] = _rate(method, factor, place)
    chosen = method.model_copy(update=settings)
    return Chosen(
        chosen,
        {"n_epochs": epochs, "batch_size": size, "learning_rate_multiplier": factor},
    )


def name_of_model(model: str, suffix: str, job_id: str) -> str:
    """Return the name of a fine-tuned model, e.g. ``ft:MODEL:tunesmith:SUFFIX:ID``."""
    base, end = (_NOT_IN_A_NAME.sub("-", text)[-64:] for text in (model, suffix))
    return f"ft:{base}:tunesmith:{end}:{job_id[-8:]}"


def _epochs(method: GradientTuning, steps: int) -> int:
    """Return the service's choice; ``steps`` are those of an epoch."""
    if "num_epochs" in method.model_fields_set:
        return method.num_epochs
    return max(1, min(_AUTO_EPOCHS, math.ceil(_AUTO_STEPS / steps)))


def _rate(method: GradientTuning, factor: float, place: tuple[str, ...]) -> float:
    name = "learning_rate_multiplier"
    if isinstance(method.learning_rate, str):
        raise wrong("the rate is searched for; leave it out", *place, name)
    rate = method.learning_rate * factor
    try:
        type(method)(learning_rate=rate)
    except ValueError:
        raise _too_high(method.learning_rate, rate, place, name) from None
    return rate


def _too_high(usual: float, rate: float, place: tuple[str, ...], name: str) -> Refusal:
    text = f"{usual:g} times it is a learning rate of {rate:g}, which is too high; lower it"
    return wrong(text, *place, name)
