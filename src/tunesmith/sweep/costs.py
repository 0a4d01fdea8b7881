"""The cost of a run, by the price table of the user. A price that is missing is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from tunesmith.errors import ExperimentError, first_problem
from tunesmith.experiment_file import read_yaml
from tunesmith.records import Prediction, Record
from tunesmith.runs.record import RunRecord

HOUR = 3600.0
MILLION = 1e6

Price = Annotated[float, Field(ge=0)] | None


class Prices(Record):
    """Prices of one backend, in ``currency``. None: unknown, which is not the same as 0."""

    currency: str
    tuning_per_hour: Price = None
    tuning_per_million_tokens: Price = None
    """Of the training, as the service bills them; takes the place of the price by the hour."""
    deployment_per_hour: Price = None
    """Of a tuned model that answers."""
    input_per_million_tokens: Price = None
    output_per_million_tokens: Price = None


class Cost(Record):
    """The cost of one run."""

    currency: str = ""
    """Empty if nothing costs money."""
    amount: float | None
    """None: unknown."""
    parts: dict[str, float | None] = Field(default_factory=dict)
    """By price, for what was used. None: the price or the amount is unknown."""


FREE = Cost(amount=0.0)
UNKNOWN = Cost(amount=None)

PriceTable = dict[str, Prices]
"""Name of a backend in tables to its prices."""


def read_prices(path: Path) -> PriceTable:
    """Read a price table: YAML, a mapping of backends to prices.

    Raises:
        ExperimentError: the file, a key or a price is wrong.
    """
    return parse_prices(read_yaml(path), source=str(path))


def parse_prices(values: dict[str, Any], *, source: str) -> PriceTable:
    """Make a price table of plain values.

    Raises:
        ExperimentError: a key or a price is wrong; the message names it.
    """
    table = {}
    for name, prices in values.items():
        try:
            table[name] = Prices.model_validate(prices)
        except ValidationError as error:
            raise ExperimentError(
                f"{source}: {name}: {first_problem(error)}; the keys are: "
                f"{', '.join(Prices.model_fields)}"
            ) from None
    return table


def cost_of(
    record: RunRecord,
    predictions: Iterable[Prediction],
    prices: Prices | None,
    *,
    costs_money: bool,
) -> Cost:
    """Return the cost of a finished run: tuning time, deployed time and tokens.

    Args:
        record: of the run.
        predictions: all its predictions.
        prices: of its backend, if the table has it.
        costs_money: as the backend declares; one that costs none and has no prices is free.
    """
    if prices is None:
        return UNKNOWN if costs_money else FREE
    seconds = record.seconds
    deployed = seconds.get("deploy", 0.0) + seconds.get("predict tuned", 0.0)
    used = {
        **_tuning(record, prices),
        "deployment_per_hour": deployed / HOUR,
        **_tokens(record, list(predictions)),
    }
    parts: dict[str, float | None] = {}
    for name, amount in used.items():
        price = getattr(prices, name)
        if amount != 0:
            parts[name] = None if amount is None or price is None else amount * price
    known = [part for part in parts.values() if part is not None]
    total = sum(known) if len(known) == len(parts) else None
    return Cost(currency=prices.currency, amount=total, parts=parts)


def _tuning(record: RunRecord, prices: Prices) -> dict[str, float | None]:
    """Return the amount of training: in hours, or in tokens if the table has their price."""
    if prices.tuning_per_million_tokens is None:
        return {"tuning_per_hour": record.seconds.get("tune", 0.0) / HOUR}
    trained = record.model.details.get("trained_tokens") if record.model else 0
    return {"tuning_per_million_tokens": _millions([trained])}


def _tokens(record: RunRecord, answers: Sequence[Prediction]) -> dict[str, float | None]:
    """Return the tokens of all requests, or of the test rows if the backend counts no others."""
    read = _millions([answer.input_tokens for answer in answers])
    written = _millions([answer.generated_tokens for answer in answers])
    if (usage := record.usage) is not None:
        read, written = usage.input_tokens / MILLION, usage.output_tokens / MILLION
    return {"input_per_million_tokens": read, "output_per_million_tokens": written}


def _millions(counts: Sequence[int | None]) -> float | None:
    """Return the sum in millions; None if one was not counted."""
    known = [count for count in counts if count is not None]
    return sum(known) / MILLION if len(known) == len(counts) else None
