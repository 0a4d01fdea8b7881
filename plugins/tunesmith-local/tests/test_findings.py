"""The findings of the self-check are measured once, and not in a dry run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from local_models import build
from torch.nn.modules.module import register_module_forward_pre_hook
from transformers import PreTrainedModel

from tunesmith.experiment import Experiment
from tunesmith.records import Row
from tunesmith_local.backend import LocalBackend
from tunesmith_local.catalog import Catalog
from tunesmith_local.engine import findings, self_check
from tunesmith_local.engine.findings import default_cache, facts_of
from tunesmith_local.engine.self_check import FLAGS
from tunesmith_local.methods.registry import entries
from tunesmith_local.model.loading import BaseLM
from tunesmith_local.options import LocalOptions

MODEL = "tiny/granite"
ROWS = [Row(input=f"good {i}", output=["yes", "no"][i % 2]) for i in range(8)]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of base models, as the option ``models`` takes it."""
    folder = tmp_path_factory.mktemp("models")
    for kind, seed in (("granite", 0), ("hybrid-mamba-bias", 0), ("granite", 1)):
        base = build(kind, seed=seed)
        place = folder / "tiny" / (kind if seed == 0 else f"{kind}-{seed}")
        base.model.save_pretrained(place)
        base.tokenizer.save_pretrained(place)
    return folder


@pytest.fixture
def options(models: Path, tmp_path: Path) -> LocalOptions:
    """Options with a cache of the test's own."""
    return LocalOptions(
        models=models, store=tmp_path / "store", cache=tmp_path / "cache", device="cpu",
        offline=True,
    )  # fmt: skip


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the forward passes of whole models inside, by class."""
    passes: list[str] = []

    def count(module: torch.nn.Module, inputs: object) -> None:
        if isinstance(module, PreTrainedModel) and module.base_model is module:
            passes.append(type(module).__name__)

    hook = register_module_forward_pre_hook(count)
    try:
        yield passes
    finally:
        hook.remove()


def loaded(options: LocalOptions, name: str = MODEL) -> tuple[BaseLM, int]:
    """Load as a new process does; return the model and the forward passes that this took."""
    with counted() as passes:
        base = Catalog(options).load(name)
    return base, len(passes)


def flags(base: BaseLM) -> dict[str, bool]:
    """The findings."""
    return {flag: getattr(base, flag) for flag in FLAGS}


def only_file(options: LocalOptions) -> Path:
    """The one finding in the cache."""
    assert options.cache is not None
    (path,) = (path for path in options.cache.rglob("*") if path.is_file())
    return path


@pytest.mark.parametrize("name", [MODEL, "tiny/hybrid-mamba-bias"])
def test_a_second_process_uses_the_cached_findings(options: LocalOptions, name: str) -> None:
    first, passes = loaded(options, name)
    assert passes > 0
    second, again = loaded(options, name)
    assert again == 0
    assert flags(second) == flags(first)
    assert first.padding_exact == (name == MODEL)


def test_other_weights_and_another_dtype_are_measured(options: LocalOptions) -> None:
    loaded(options)
    assert loaded(options, "tiny/granite-1")[1] > 0
    assert loaded(options.model_copy(update={"dtype": "bfloat16"}))[1] > 0
    assert loaded(options)[1] == 0


@pytest.mark.parametrize("library", ["torch", "transformers", "tunesmith-local", "code"])
def test_another_version_is_measured(
    options: LocalOptions, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    loaded(options)
    changed = findings.versions() | {library: "99"}
    monkeypatch.setattr(findings, "versions", lambda: changed)
    assert loaded(options)[1] > 0


def test_another_device_is_measured(options: LocalOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded(options)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "ABACUS")
    assert loaded(options)[1] > 0


def changed_rope(base: BaseLM) -> None:
    base.model.config.rope_parameters = {"rope_type": "default", "rope_theta": 7.0}


def changed_attention(base: BaseLM) -> None:
    base.model.config._attn_implementation = "eager"


@pytest.mark.parametrize("change", [changed_rope, changed_attention])
def test_the_same_weights_computed_with_otherwise_are_another_model(
    change: Callable[[BaseLM], None],
) -> None:
    base = build("granite")
    before = facts_of(base)
    change(base)
    assert facts_of(base) != before


def test_facts_hold_no_path(models: Path, options: LocalOptions) -> None:
    loaded(options)
    assert str(models) not in only_file(options).read_text()
    assert MODEL not in only_file(options).read_text()


DAMAGES: dict[str, Callable[[dict[str, Any]], str]] = {
    "empty": lambda kept: "",
    "cut": lambda kept: json.dumps(kept)[:-9],
    "no object": lambda kept: "[1]",
    "of other facts": lambda kept: json.dumps({**kept, "facts": {**kept["facts"], "dtype": "x"}}),
    "a flag is missing": lambda kept: json.dumps(
        {**kept, "found": {k: v for k, v in kept["found"].items() if k != "text_exact"}}
    ),
    "a flag too many": lambda kept: json.dumps({**kept, "found": {**kept["found"], "name": True}}),
    "no flag": lambda kept: json.dumps({**kept, "found": {**kept["found"], "text_exact": "no"}}),
    "a list": lambda kept: json.dumps({**kept, "found": list(kept["found"])}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_or_foreign_file_is_measured_over(options: LocalOptions, damage: str) -> None:
    right, _ = loaded(options)
    path = only_file(options)
    path.write_text(DAMAGES[damage](json.loads(path.read_text())))
    base, passes = loaded(options)
    assert passes > 0
    assert flags(base) == flags(right)
    assert loaded(options)[1] == 0


def test_bytes_that_are_no_text_are_measured_over(options: LocalOptions) -> None:
    loaded(options)
    only_file(options).write_bytes(b"\xff\xfe\x00")
    assert loaded(options)[1] > 0


def test_a_cache_that_cannot_be_written_is_no_error(options: LocalOptions) -> None:
    assert options.cache is not None
    options.cache.write_text("a file where a folder should be")
    base, passes = loaded(options)
    assert passes > 0
    assert base.padding_exact


def test_unmeasured_findings_are_not_cached(
    options: LocalOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    low = options.model_copy(update={"dtype": "bfloat16"})
    with monkeypatch.context() as no_room:
        no_room.setattr(self_check, "free_bytes", lambda device: 0)
        base, passes = loaded(low)
    assert passes == 0
    assert not any(flags(base).values())
    assert loaded(low)[0].padding_exact


def test_the_environment_decides_the_folder_of_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TUNESMITH_CACHE", str(tmp_path / "mine"))
    assert default_cache() == tmp_path / "mine"
    monkeypatch.delenv("TUNESMITH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "tunesmith"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "tunesmith"


def experiment(tmp_path: Path, name: str, **method: object) -> Experiment:
    """A small experiment with its own files."""
    for part in ("train", "test"):
        lines = [row.model_dump(include={"input", "output"}) for row in ROWS]
        (tmp_path / f"{part}.json").write_text(json.dumps(lines))
    return Experiment.from_values(
        {
            "name": "dry",
            "base_model": MODEL,
            "method": {"name": name, **method},
            "data": {part: str(tmp_path / f"{part}.json") for part in ("train", "test")},
            "labels": ["yes", "no"],
        }
    )


@pytest.mark.parametrize("name", [*(entry.name for entry in entries()), "zero_shot"])
def test_a_dry_run_reads_labels_and_checks_nothing(
    options: LocalOptions, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings.Findings, "checked", None)  # not called
    method = {} if name == "zero_shot" else {"max_input_tokens": 40}
    with LocalBackend(options) as backend, counted() as passes:
        plan = experiment(tmp_path, name, **method).plan(backend)
    lengths = {len(row.input) for row in ROWS}
    assert len(passes) <= 2 * len(lengths), "the labels behind a few rows, and no more"
    assert set(plan.labels) == set(experiment(tmp_path, name, **method).labels)
    assert plan.data["train"].input_tokens is not None


def test_a_tuning_after_a_dry_run_takes_the_short_cuts(
    options: LocalOptions, tmp_path: Path
) -> None:
    trial = experiment(tmp_path, "prompt_tuning", num_epochs=1, max_input_tokens=40)
    with LocalBackend(options) as backend:
        trial.plan(backend)
        details = backend.tuner.tune(trial, ROWS).details
    assert details["padding_exact"]
    assert details["prefix_shared"]


def test_a_process_without_an_adapter_imports_no_peft() -> None:
    code = "import sys, tunesmith_local.backend; sys.exit('peft' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
