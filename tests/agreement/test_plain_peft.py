"""Plain PEFT without tunesmith loads a run's adapter and gives the same answer for every row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tunesmith_micro_granite
from tunesmith import Experiment, Run, connect

ROOT = Path(__file__).parents[2]
TEST_ROWS = 40


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("run")
    rows = json.loads((ROOT / "data" / "grooming_reviews" / "test.json").read_text())
    (folder / "test.json").write_text(json.dumps(rows[:TEST_ROWS]))
    experiment = Experiment.from_file(
        ROOT / "data" / "grooming_reviews" / "experiment.yaml",
        {
            "method.num_epochs": 1,
            "method.num_virtual_tokens": 20,
            "data.test": str(folder / "test.json"),
        },
    )
    with connect("local", store=folder / "store", device="cpu") as backend:
        return experiment.run(backend, runs_dir=folder / "runs")


# PEFT 0.21 reads a property that transformers 5.23 has renamed.
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")
# PEFT drops positions with a warning; without padding they are those that it counts itself.
@pytest.mark.filterwarnings("ignore:Position ids are not supported:UserWarning")
def test_every_row_gets_the_same_answer(run: Run) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base = tunesmith_micro_granite.path()
    tokenizer = AutoTokenizer.from_pretrained(base)
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model = PeftModel.from_pretrained(plain, run.directory / "adapter")
    predictions = run.answers()
    assert len(predictions) == TEST_ROWS
    for prediction in predictions:
        ids = tokenizer(prediction.prompt, return_tensors="pt")
        with torch.no_grad():
            said = model.generate(**ids, max_new_tokens=20, do_sample=False)
        new = said[0, ids["input_ids"].shape[1] :]
        assert tokenizer.decode(new, skip_special_tokens=True) == prediction.text


def test_the_adapter_holds_no_pickle_and_no_path(run: Run) -> None:
    files = {p.name for p in (run.directory / "adapter").iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors"} <= files
    assert not [name for name in files if name.endswith((".bin", ".pt", ".pkl"))]
    config = json.loads((run.directory / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "tunesmith/micro-granite"
