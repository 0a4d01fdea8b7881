"""Reads benchmark files (YAML): methods, backends, base models and seeds on the same data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tunesmith.errors import ExperimentError, first_problem
from tunesmith.experiment import Experiment, paths_from
from tunesmith.experiment_file import read_yaml
from tunesmith.methods import Method
from tunesmith.spec import parse_method
from tunesmith.sweep.costs import PriceTable, parse_prices, read_prices
from tunesmith.sweep.trial import BackendRef

AS = "as"
"""Key that gives a method or a backend another name in the tables."""
INLINE = ("data", "labels", "generation")


class _File(BaseModel):
    """The keys of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "benchmark"
    experiment: str | None = None
    data: dict[str, Any] | None = None
    labels: Any = None
    generation: dict[str, Any] | None = None
    methods: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]
    backends: Annotated[tuple[BackendRef, ...], Field(min_length=1)]
    base_models: tuple[str, ...] = ()
    seeds: Annotated[tuple[Annotated[int, Field(ge=0, lt=2**31)], ...], Field(min_length=1)] = (0,)
    prices: str | dict[str, Any] = Field(default_factory=dict)
    processes: Annotated[int, Field(ge=1)] = 1

    @field_validator("methods", "backends", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if not isinstance(value, list):
            raise ValueError("must be a list")  # pydantic collects ValueError
        return [{"name": one} if isinstance(one, str) else one for one in value]

    @field_validator("base_models", "seeds")
    @classmethod
    def _once(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        twice = [one for one, times in Counter(value).items() if times > 1]
        if twice:
            raise ValueError(f"{twice[0]!r} is listed twice; keep one")
        return value


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The content of a benchmark file, with everything looked up that needs no backend."""

    name: str
    experiment: Experiment
    """Data, labels and generation of every trial; its method and base model if none is named."""
    methods: dict[str, Method]
    """By the name in tables, as are the backends."""
    refs: dict[str, BackendRef]
    base_models: tuple[str, ...]
    seeds: tuple[int, ...]
    prices: PriceTable
    processes: int

    @classmethod
    def from_file(cls, path: Path) -> Benchmark:
        """Read a YAML file. Relative paths in it are relative to the file.

        Raises:
            ExperimentError: the file, a key, a method or a setting is wrong; the message names it.
        """
        values = read_yaml(path)
        try:
            file = _File.model_validate(values)
        except ValidationError as error:
            raise ExperimentError(f"{path}: {first_problem(error)}") from None
        experiment = _experiment(file, path)
        return cls(
            name=file.name,
            experiment=experiment,
            methods=_methods(file.methods, experiment, path),
            refs=_refs(file.backends, path),
            base_models=file.base_models or (experiment.base_model,),
            seeds=file.seeds,
            prices=_prices(file.prices, path),
            processes=file.processes,
        )


def _experiment(file: _File, path: Path) -> Experiment:
    inline = {key: getattr(file, key) for key in INLINE if getattr(file, key) is not None}
    if file.experiment is not None:
        if inline:
            raise ExperimentError(
                f"{path}: {', '.join(inline)}: the file of 'experiment' has that; leave one out"
            )
        return Experiment.from_file(path.parent / file.experiment)
    if "data" not in inline or "labels" not in inline:
        raise ExperimentError(f"{path}: give 'experiment: FILE', or 'data' and 'labels'")
    values = {**inline, "data": paths_from(path.parent, inline["data"])}
    if file.base_models:
        values["base_model"] = file.base_models[0]
    return Experiment.from_values(values, source=str(path))


def _methods(
    given: Sequence[dict[str, Any]], experiment: Experiment, path: Path
) -> dict[str, Method]:
    methods: dict[str, Method] = {}
    for entry in given:
        settings = {key: value for key, value in entry.items() if key != AS}
        name = str(settings.get("name", ""))
        shown = str(entry.get(AS, name))
        _refuse_twice(shown, methods, "methods", path)
        try:
            bare = set(settings) == {"name"}
            methods[shown] = experiment.method_named(name) if bare else parse_method(settings)
        except ValueError as error:
            raise ExperimentError(f"{path}: methods: {shown!r}: {error}") from None
    return methods


def _refs(given: Sequence[BackendRef], path: Path) -> dict[str, BackendRef]:
    refs: dict[str, BackendRef] = {}
    for ref in given:
        _refuse_twice(ref.shown, refs, "backends", path)
        refs[ref.shown] = ref
    return refs


def _refuse_twice(name: str, known: dict[str, Any], key: str, path: Path) -> None:
    if name in known:
        raise ExperimentError(
            f"{path}: {key}: two are called {name!r}; give one another name with '{AS}: NAME'"
        )


def _prices(given: str | dict[str, Any], path: Path) -> PriceTable:
    if isinstance(given, str):
        return read_prices(path.parent / given)
    return parse_prices(given, source=f"{path}: prices")
