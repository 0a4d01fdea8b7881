"""The benchmark: every method on every backend, base model and seed, as a YAML file lists them."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from tunesmith.errors import ExperimentError, NotFoundError, UnsupportedError, first_problem
from tunesmith.experiment import Experiment, paths_from
from tunesmith.experiment_file import read_yaml
from tunesmith.methods import Method
from tunesmith.pipeline.checks import answers_untuned, offers
from tunesmith.progress import Progress
from tunesmith.progress.notebook import fitting
from tunesmith.spec import parse_method
from tunesmith.sweep.costs import PriceTable, parse_prices, read_prices
from tunesmith.sweep.engines import engine, on_dask
from tunesmith.sweep.executor import Work
from tunesmith.sweep.planning import Wanted, connected, plan
from tunesmith.sweep.records import BenchmarkRecord
from tunesmith.sweep.sweep import Sweep, opened
from tunesmith.sweep.trial import BackendRef, DataCache

if TYPE_CHECKING:
    from tunesmith.backend import Backend

AS = "as"
"""Key that gives a method or a backend another name in the tables."""
SCRATCH = "unfinished"
"""Folder of the trials that processes of this machine are running, in the sweep's directory."""
INLINE = ("data", "labels", "generation")
T = TypeVar("T")


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
    processes: Annotated[int, Field(ge=1)] | None = None
    cluster: str | None = None
    executor: dict[str, Any] | None = None

    @field_validator("executor", mode="before")
    @classmethod
    def _with_name(cls, value: Any) -> Any:
        if isinstance(value, dict) and not isinstance(value.get("name"), str):
            raise ValueError("name: missing; it says which executor")  # pydantic collects it
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_executor(self) -> Self:
        given = [key for key in ("processes", "cluster", "executor") if getattr(self, key)]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)}: each runs the trials; keep one")
        return self

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
    executor: Mapping[str, Any] | None = None
    """The name of what runs the trials, with its options; None runs them in line."""

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
            raise ExperimentError(f"{path}: {first_problem(error, _File.model_fields)}") from None
        experiment, given = _experiment(file, path), file.prices
        prices = (
            read_prices(path.parent / given)
            if isinstance(given, str)
            else parse_prices(given, source=f"{path}: prices")
        )
        return cls(
            name=file.name,
            experiment=experiment,
            methods=_by_name(_methods(file.methods, experiment, path), "methods", path),
            refs=_by_name(((ref.shown, ref) for ref in file.backends), "backends", path),
            base_models=file.base_models or (experiment.base_model,),
            seeds=file.seeds,
            prices=prices,
            executor=file.executor or on_dask(file.processes, file.cluster),
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
) -> Iterator[tuple[str, Method]]:
    for entry in given:
        settings = {key: value for key, value in entry.items() if key != AS}
        name = str(settings.get("name", ""))
        shown = str(entry.get(AS, name))
        try:
            bare = set(settings) == {"name"}
            yield shown, experiment.method_named(name) if bare else parse_method(settings)
        except ValueError as error:
            raise ExperimentError(f"{path}: methods: {shown!r}: {error}") from None


def _by_name(entries: Iterable[tuple[str, T]], key: str, path: Path) -> dict[str, T]:
    named: dict[str, T] = {}
    for name, value in entries:
        if name in named:
            raise ExperimentError(
                f"{path}: {key}: two are called {name!r}; give one another name with '{AS}: NAME'"
            )
        named[name] = value
    return named


def run_benchmark(
    benchmark: Benchmark,
    *,
    runs_dir: Path,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Sweep[BenchmarkRecord]:
    """Run every trial of ``benchmark``; trials that an earlier call finished are kept.

    Its directory is made in ``runs_dir``. By default the trials are run as the file says.

    Raises:
        TunesmithError: something in the file is wrong, and nothing was begun; or the cluster
            ended. A trial that fails is a result.
    """
    data, shown = DataCache(), fitting(progress)
    planned = _planned(benchmark, data)
    with opened(runs_dir, planned, benchmark.prices, shown) as sweep:
        trials = [r.trial for r in sweep.record.results if r.open]
        work = Work(trials, benchmark.refs, sweep.directory, data, benchmark.prices, shown)
        if executor is not None or not trials:
            work.do(sweep.put, executor)
            return sweep
        scratch = sweep.directory / SCRATCH
        with engine(benchmark.executor, benchmark.refs.values(), scratch, shown.remark) as named:
            work.do(sweep.put, named)
        shutil.rmtree(scratch, ignore_errors=True)
    return sweep


def _planned(benchmark: Benchmark, data: DataCache) -> BenchmarkRecord:
    changes = {"name": benchmark.name, "seed": benchmark.seeds[0]}
    experiment = benchmark.experiment.model_copy(update=changes)
    with connected(benchmark.refs.values()) as backends:
        for base_model in benchmark.base_models:
            _refuse_unknown(base_model, backends)
        wanted, notes = _pairs(benchmark, backends)
        planned = plan(BenchmarkRecord, experiment, wanted, benchmark.refs, backends, data, notes)
    if all(result.status == "skipped" for result in planned.results):
        raise UnsupportedError(f"no trial can run; the first one: {planned.results[0].reason}")
    return planned


def _pairs(benchmark: Benchmark, backends: Mapping[str, Backend]) -> tuple[list[Wanted], list[str]]:
    """Return the trials, each method on the backends that offer it, and a note about the others.

    A method that no backend offers is tried on all, so that the reasons are listed.
    """

    def offered(one: Wanted, ref: BackendRef) -> bool:
        can = backends[ref.shown].capabilities(one.experiment.base_model)
        return offers(can, one.experiment.method)

    kept, left = list[Wanted](), dict[str, dict[str, None]]()
    for one in _wanted(benchmark):
        if offered(one, one.ref) or not any(offered(one, r) for r in benchmark.refs.values()):
            kept.append(one)
        else:
            left.setdefault(one.ref.shown, {})[one.name] = None
    listed = "; ".join(f"{backend}: {', '.join(names)}" for backend, names in left.items())
    return kept, [f"left out, because the backend does not offer them: {listed}"] if left else []


def _wanted(benchmark: Benchmark) -> Iterator[Wanted]:
    for seed, base_model, ref, (name, method) in product(
        benchmark.seeds, benchmark.base_models, benchmark.refs.values(), benchmark.methods.items()
    ):
        changes = {"seed": seed, "base_model": base_model, "method": method, "name": benchmark.name}
        yield Wanted(name, ref, benchmark.experiment.model_copy(update=changes))


def _refuse_unknown(base_model: str, backends: dict[str, Backend]) -> None:
    """Refuse a base model that no backend with base models offers.

    Raises:
        NotFoundError: the error of the first of them.
    """
    unknown: NotFoundError | None = None
    for backend in backends.values():
        try:
            # A classifier takes any name, so its consent means nothing.
            if answers_untuned(backend.capabilities(base_model)):
                return
        except NotFoundError as error:
            unknown = unknown or error
    if unknown is not None:
        raise unknown
