"""The model card agrees with the record, reveals no secret and is beside the adapter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from tunesmith import Experiment
from tunesmith.errors import RunError
from tunesmith.records import TunedModel
from tunesmith.report.model_card import model_card
from tunesmith.run import Run
from tunesmith.runs.judgment import judge
from tunesmith.runs.record import RunRecord
from tunesmith.testing.fake import FakeBackend, FakeOptions, FakeTuner

SECRET = "a-secret-that-nobody-may-read"
HOSTILE = 'x: "y"\n---\n```\n# <script>alert(1)</script> | `code`'


class ExportingTuner(FakeTuner):
    def export(self, model: TunedModel, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        (directory / "adapter_config.json").write_text(json.dumps({"id": model.id}))


class Exporting(FakeBackend):
    declares: ClassVar[dict[str, Any]] = {"exports_adapter": True}

    @property
    def tuner(self) -> FakeTuner:
        return ExportingTuner(self)


def executed(values: dict[str, Any], folder: Path) -> Run:
    options = FakeOptions(store=folder / "store", api_key=SECRET)
    return Experiment.from_values(values).run(Exporting(options), runs_dir=folder / "runs")


@pytest.fixture
def run(values: dict[str, Any], tmp_path: Path) -> Run:
    return executed(values, tmp_path)


def changed(record: RunRecord, method: dict[str, Any], **changes: Any) -> RunRecord:
    """Return an old record, which has the name of a method alone, with other settings."""
    assert record.model is not None
    model = record.model.model_copy(update={"method": {**record.model.method, **method}})
    return record.model_copy(update={"model": model, "method_kind": None, **changes})


def metadata(card: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(card.split("\n---\n")[0])
    return found


def test_it_is_stored_beside_the_adapter(run: Run) -> None:
    assert (run.directory / "adapter/README.md").read_text() == model_card(run.record)


def test_no_card_without_an_adapter(experiment: Experiment, tmp_path: Path) -> None:
    run = experiment.run(FakeBackend(), runs_dir=tmp_path)
    assert not (run.directory / "adapter").exists()


def test_the_metadata_are_those_of_the_hub(run: Run) -> None:
    found = metadata(model_card(run.record))
    evaluation = run.record.evaluations["tuned"]
    (index,) = found.pop("model-index")
    assert found == {
        "base_model": "tunesmith/fake",
        "library_name": "peft",
        "pipeline_tag": "text-generation",
        "tags": ["prompt-tuning", "tunesmith"],
    }
    (result,) = index["results"]
    assert index["name"] == "demo"
    assert result["dataset"] == {"type": "test", "name": "test.json"}
    accuracy, f1 = result["metrics"]
    assert accuracy["value"] == round(evaluation.accuracy, 4)
    assert f"interval {evaluation.accuracy_interval[0]:.4f} to" in accuracy["name"]
    assert (f1["type"], f1["value"]) == ("f1", round(evaluation.f1_macro, 4))


def test_the_text_describes_the_making_and_the_quality(run: Run) -> None:
    card, record = model_card(run.record), run.record
    assert record.model is not None
    assert record.comparison is not None
    evaluation = record.evaluations["tuned"]
    for words in (
        "  num_virtual_tokens: 100\n", "  batch_size: 4\n", "- Training rows: 40\n",
        f"- Optimizer steps: {record.model.details['optimizer_steps']}\n", "- Seed: 0, honored\n",
        f"tunesmith {record.provenance['tunesmith']}", record.data["train"].fingerprint,
        record.data["test"].fingerprint, f"({evaluation.correct} of 20)",
        judge(record).headline, "Against the untuned model: ", "No licence is stated here",
        "tunesmith predict RUN_DIRECTORY -",
    ):  # fmt: skip
        assert words in card, words


def test_tf_idf_is_the_other_yardstick(run: Run) -> None:
    pytest.importorskip("tunesmith_sklearn")
    found = next(o for o in judge(run.record).opponents if o.method == "tfidf_logreg")
    assert f"- Against TF-IDF: {found.verdict}: " in model_card(run.record)
    assert "- Against TF-IDF: not measured." in model_card(
        run.record.model_copy(update={"baselines": ()})
    )


def test_it_holds_no_row_no_path_and_no_secret(run: Run, tmp_path: Path) -> None:
    card = model_card(run.record)
    assert str(tmp_path) not in card
    assert SECRET not in card
    assert not [p.input for p in run.predictions() if p.input in card]


@pytest.mark.parametrize(
    ("method", "library", "loads"),
    [
        ({}, "peft", "PeftModel.from_pretrained(plain, folder)"),
        ({"name": "lora"}, "peft", "PeftModel.from_pretrained(plain, folder)"),
        ({"name": "fine_tuning"}, "transformers", "AutoModelForCausalLM.from_pretrained(folder,"),
        ({"prompt_position": "suffix"}, "tunesmith", "Plain PEFT cannot read these files"),
        ({"name": "linear_probe"}, "tunesmith", "No other library can read these files"),
    ],
)
def test_the_library_is_the_one_that_reads_the_files(
    run: Run, method: dict[str, Any], library: str, loads: str
) -> None:
    card = model_card(changed(run.record, method))
    assert metadata(card)["library_name"] == library
    assert loads in card
    assert ("PeftModel" in card) == (library == "peft")


def test_a_probe_is_no_generator(run: Run) -> None:
    experiment = {**run.record.experiment, "method": {"name": "linear_probe"}}
    card = model_card(changed(run.record, {"name": "linear_probe"}, experiment=experiment))
    assert metadata(card)["pipeline_tag"] == "text-classification"
    assert "a linear probe on `tunesmith/fake`, which itself is unchanged" in card
    assert "the model writes" not in card
    assert "generate(" not in card


@pytest.mark.parametrize("name", ["prompt_tuning", "lora", "fine_tuning", "linear_probe"])
def test_the_hub_reads_it(run: Run, name: str) -> None:
    hub = pytest.importorskip("huggingface_hub")
    experiment = {**run.record.experiment, "method": {"name": name}}
    text = model_card(changed(run.record, {"name": name}, experiment=experiment))
    card = hub.ModelCard(text)
    assert card.text.lstrip().startswith("# demo\n")
    accuracy, f1 = card.data.eval_results
    evaluation = run.record.evaluations["tuned"]
    assert (accuracy.metric_type, f1.metric_type) == ("accuracy", "f1")
    assert accuracy.metric_value == round(evaluation.accuracy, 4)
    assert accuracy.task_type == "text-classification"
    assert card.data.model_name == "demo"
    assert card.data.tags == [name.replace("_", "-"), "tunesmith"]


def test_the_description_of_the_backend_takes_precedence_over_the_method_name(run: Run) -> None:
    assert run.record.model is not None
    artifact = {"library": "tunesmith", "holds": "This folder holds two matrices."}
    model = run.record.model.model_copy(update={"details": {"artifact": artifact}})
    card = model_card(run.record.model_copy(update={"model": model}))
    assert metadata(card)["library_name"] == "tunesmith"
    assert "\nThis folder holds two matrices.\n" in card
    assert "PeftModel" not in card


def test_a_classifier_of_a_plugin_is_no_generator(run: Run) -> None:
    assert run.record.method_kind == "soft prompt"
    card = model_card(run.record.model_copy(update={"method_kind": "classifier"}))
    assert metadata(card)["pipeline_tag"] == "text-classification"
    assert "generate(" not in card.partition("## How to load it")[0]


@pytest.mark.parametrize(
    ("base_model", "function"),
    [("tunesmith/micro-granite", "path"), ("tunesmith/micro-granite-2", "path_2")],
)
def test_an_old_record_of_a_development_model_asks_the_plugins(
    run: Run, base_model: str, function: str
) -> None:
    pytest.importorskip("tunesmith_micro_granite")
    assert run.record.development == ()
    old = run.record.model_copy(update={"base_model": base_model, "development": None})
    card = model_card(old)
    assert "**A development model was tuned.**" in card
    assert f"from tunesmith_micro_granite import {function}\n" in card
    assert f"base = {function}()\n" in card


def test_without_the_hub_library_the_card_has_no_metadata_and_the_run_a_note(
    values: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunesmith.report.model_card.find_spec", lambda name: None)
    run = executed(values, tmp_path)
    card = (run.directory / "adapter/README.md").read_text()
    assert card.startswith("# demo\n")
    assert run.record.status == "completed"
    assert any("pip install huggingface_hub" in note for note in run.record.notes)


def test_a_run_alone_names_the_missing_comparisons(values: dict[str, Any], tmp_path: Path) -> None:
    backend = Exporting(FakeOptions(store=tmp_path / "store"))
    run = Experiment.from_values(values).run_alone(backend, tmp_path / "run")
    card = (run.directory / "adapter/README.md").read_text()
    assert "untuned model: not measured." in card
    assert "TF-IDF: not measured." in card


def test_the_weights_belong_to_the_stand_in(values: dict[str, Any], tmp_path: Path) -> None:
    values["base_model"] = "ibm/granite-3-8b-instruct"
    card = model_card(executed(values, tmp_path).record)
    assert metadata(card)["base_model"] == "tunesmith/fake"
    assert "tunesmith/fake stood in the place of ibm/granite-3-8b-instruct" in card


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"emulated": True}, "**This run was emulated.**"),
        ({"development": ("tunesmith/fake",)}, "**A development model was tuned.**"),
        ({"seed_honored": False}, "not honored by the backend"),
        ({"notes": ("3 of 9 inputs were cut",)}, "- 3 of 9 inputs were cut"),
        ({"comparison": None}, "untuned model: not measured."),
    ],
)
def test_limits_are_listed_if_there_are_any(run: Run, changes: dict[str, Any], words: str) -> None:
    assert words in model_card(run.record.model_copy(update=changes))
    assert words not in model_card(run.record)


def test_a_data_set_of_the_hub_is_named_and_a_folder_of_windows_is_not(run: Run) -> None:
    data = {
        "train": run.record.data["train"].model_copy(update={"source": r"C:\Users\ann\rows.csv"}),
        "test": run.record.data["test"].model_copy(update={"source": "hf:owner/reviews:test"}),
    }
    card = model_card(run.record.model_copy(update={"data": data}))
    found = metadata(card)
    assert found["datasets"] == ["owner/reviews"]
    assert found["model-index"][0]["results"][0]["dataset"] == {
        "type": "owner/reviews", "name": "owner/reviews", "split": "test",
    }  # fmt: skip
    assert "| train | `rows.csv` |" in card
    assert "ann" not in card


def test_text_of_others_changes_neither_metadata_nor_layout(run: Run) -> None:
    plain = model_card(run.record)
    record = changed(run.record, {"verbalizer": HOSTILE + "{{input}}"}, name=HOSTILE)
    card = model_card(record.model_copy(update={"notes": (HOSTILE,)}))
    assert metadata(card) | {"model-index": 0} == metadata(plain) | {"model-index": 0}
    assert metadata(card)["model-index"][0]["name"] == HOSTILE
    method = yaml.safe_load(card.split("```yaml\n")[1].split("\n```")[0])["method"]
    assert method["verbalizer"] == HOSTILE + "{{input}}"
    assert [line for line in card.splitlines() if line.startswith("#")][1:] == [
        line for line in plain.splitlines() if line.startswith("#")
    ][1:]
    assert r"\<script\>" in card


def test_without_an_evaluation_there_is_no_card(run: Run) -> None:
    with pytest.raises(RunError, match="no evaluation"):
        model_card(run.record.model_copy(update={"evaluations": {}}))
