"""Experiment files, and what --set changes in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith import Experiment, PromptTuning, ZeroShot
from tunesmith.errors import ExperimentError
from tunesmith.experiment_file import apply_overrides, parse_overrides

TEXT = """\
base_model: tunesmith/micro-granite
method: {name: prompt_tuning, num_virtual_tokens: 20, num_epochs: 3}
data: {train: train.json, test: sub/test.json, validation: 0.2}
labels: [0, 1]
seed: 7
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "experiment.yaml"
    path.write_text(TEXT)
    return path


def test_paths_in_the_file_are_relative_to_it(file: Path) -> None:
    data = Experiment.from_file(file).data
    assert data.train == str(file.parent / "train.json")
    assert data.test == str(file.parent / "sub" / "test.json")
    assert data.validation == 0.2


def test_paths_in_overrides_are_relative_to_the_working_directory(file: Path) -> None:
    assert Experiment.from_file(file, {"data.train": "here.json"}).data.train == "here.json"


def test_every_key_can_be_set(file: Path) -> None:
    overrides = parse_overrides(
        ["base_model=a/b", "method.num_epochs=5", "labels=['yes', 'no']", "seed=1",
         "data.test=t.csv", "generation.max_new_tokens=3"]
    )  # fmt: skip
    experiment = Experiment.from_file(file, overrides)
    assert isinstance(experiment.method, PromptTuning)
    assert (experiment.method.num_epochs, experiment.method.num_virtual_tokens) == (5, 20)
    assert (experiment.base_model, experiment.seed) == ("a/b", 1)
    assert experiment.labels.names == ("yes", "no")
    assert experiment.generation.max_new_tokens == 3


@pytest.mark.parametrize("setting", ["method.name=zero_shot", "method=zero_shot"])
def test_another_method_starts_afresh(file: Path, setting: str) -> None:
    overrides = parse_overrides([setting, "method.template=Good? {{input}}"])
    assert Experiment.from_file(file, overrides).method == ZeroShot(template="Good? {{input}}")


def test_the_settings_that_another_method_drops_are_named_once() -> None:
    values = {"method": {"name": "prompt_tuning", "num_epochs": 3, "learning_rate": 0.1}}
    notes: list[str] = []
    apply_overrides(values, {"method.name": "other", "method.learning_rate": 1}, notes.append)
    assert notes == [
        "method.name=other: these settings of the file's method are left out: num_epochs"
    ]


def test_the_same_method_keeps_its_keys() -> None:
    values = {"method": {"name": "prompt_tuning", "num_epochs": 3}}
    notes: list[str] = []
    assert apply_overrides(values, {"method.name": "prompt_tuning"}, notes.append) == values
    assert notes == []


def test_round_trip_keeps_only_what_was_set(file: Path) -> None:
    experiment = Experiment.from_file(file)
    dumped = experiment.model_dump(mode="json")
    assert dumped["method"] == {"name": "prompt_tuning", "num_virtual_tokens": 20, "num_epochs": 3}
    assert Experiment.from_values(dumped) == experiment
    assert Experiment.from_values(dumped).method.model_fields_set == {
        "num_virtual_tokens",
        "num_epochs",
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"method.learning_rate": -1}, r"method\.learning_rate"),
        ({"method.verbalizer": "classify"}, r"method\.verbalizer.*\{\{input\}\}"),
        ({"method.epochs": 3}, r"method\.epochs: no such key.* 'method\.num_epochs'"),
        ({"learning_rate": 3}, r": learning_rate: no such key.* mean 'method\.learning_rate'\?$"),
        ({"init_txt": 3}, r": init_txt: no such key.* mean 'method\.init_text'"),
        ({"generation.max_tokens": 3}, r"no such key.* 'generation\.max_new_tokens'"),
        ({"max_new_tokens": 3}, r"no such key.* 'generation\.max_new_tokens'\?$"),
        ({"data.trian": "x"}, r"data\.trian: no such key.* 'data\.train'"),
        ({"train": "x"}, r"no such key.* 'data\.train'"),
        ({"data.input_field": 1}, r"data\.input_field: must be text; write it in quotes"),
        ({"method.name": 10}, r"method\.name: 10 is no name"),
        ({"method": [1]}, r"method\.name: \[1\] is no name"),
        ({"method.name": "promt_tuning"}, "Did you mean 'prompt_tuning'"),
        ({"labels": ["1"]}, "labels.*two"),
        ({"seed": -1}, "seed"),
        ({"data.validation": 1.5}, r"data\.validation"),
        ({"sed": 1}, "sed: no such key.*mean 'seed'"),
        ({"name.x": 1}, "name"),
    ],
)
def test_errors_name_the_key(file: Path, change: dict[str, object], reason: str) -> None:
    file.write_text(TEXT + "name: demo\n")
    with pytest.raises(ExperimentError, match=reason) as caught:
        Experiment.from_file(file, change)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected keys"),
        ("- a", "expected keys"),
        ("a: [", "not YAML"),
        ("labels: [0, 1]", "data"),
    ],
)
def test_broken_files_are_named(file: Path, text: str, reason: str) -> None:
    file.write_text(text)
    with pytest.raises(ExperimentError, match=rf"experiment\.yaml.*{reason}"):
        Experiment.from_file(file)


REWRITTEN: dict[str, tuple[str, str]] = {
    "[01, 010]": ("01", "1"),
    "[1, 010]": ("010", "8"),
    "[12:30, x]": ("12:30", "750"),
    "[1_000, x]": ("1_000", "1000"),
    "[x, +1]": ("+1", "1"),
    "[x, 0x1F]": ("0x1F", "31"),
    "[yes, x]": ("yes", "True"),
    "[x, ~]": ("~", "None"),
    "[1.0, x]": ("1.0", "1.0"),
    "[2020-01-01, x]": ("2020-01-01", "datetime.date(2020, 1, 1)"),
    "{1: [a, 02], b: c}": ("02", "2"),
    "{no: [a], b: c}": ("no", "False"),
}


@pytest.mark.parametrize(("labels", "texts"), REWRITTEN.items())
def test_labels_that_yaml_rewrites_are_refused(
    file: Path, labels: str, texts: tuple[str, str]
) -> None:
    file.write_text(TEXT.replace("[0, 1]", labels))
    with pytest.raises(ExperimentError) as of_file:
        Experiment.from_file(file)
    source, value = texts
    what = f"YAML reads {source} as {value}, not as text; write it in quotes: '{source}'"
    assert str(of_file.value) == f"{file}, line 4: labels: {what}"
    with pytest.raises(ExperimentError) as of_option:
        parse_overrides([f"labels={labels}"])
    assert str(of_option.value) == f"--set labels={labels}: {what}"


def test_labels_in_quotes_and_plain_numbers_are_texts(file: Path) -> None:
    file.write_text(TEXT.replace("[0, 1]", "['01', \"12:30\", 7, -1, 1e3, no way]"))
    names = Experiment.from_file(file).labels.names
    assert names == ("01", "12:30", "7", "-1", "1e3", "no way")


@pytest.mark.parametrize(
    ("line", "key"), [("seed: 8", "seed"), ("labels: {a: x, b: y, a: z}", "a")]
)
def test_a_key_that_is_there_twice_is_refused(file: Path, line: str, key: str) -> None:
    file.write_text(TEXT.replace("labels: [0, 1]\n", "") + line + "\n")
    with pytest.raises(ExperimentError, match=rf"yaml, line 5.*the key '{key}' is there twice"):
        Experiment.from_file(file)


def test_a_missing_file_names_near_misses(file: Path) -> None:
    with pytest.raises(ExperimentError, match=r"Did you mean 'experiment\.yaml'.*tunesmith init"):
        Experiment.from_file(file.with_name("experimnt.yaml"))


@pytest.mark.parametrize(
    "template", ["{{input}}", "Comment: {{input}}\nSatisfied? ", "a: [ {{input}}"]
)
def test_a_template_is_set_as_it_is_typed(template: str) -> None:
    assert parse_overrides([f"method.template={template}"]) == {"method.template": template}


def test_a_quoted_template_keeps_its_escapes() -> None:
    assert parse_overrides(['a="{{input}}\\n"']) == {"a": "{{input}}\n"}


def test_set_needs_an_equals_sign() -> None:
    with pytest.raises(ExperimentError, match="KEY=VALUE"):
        parse_overrides(["seed"])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("labels: [2026-99-99, x]", "'2026-99-99' is no date and no number; write it in quotes"),
        ("labels: [0x_, x]", "'0x_' is no date and no number; write it in quotes"),
        ("labels: ['a\x85b', x]", "YAML removes the line end inside this text"),
        ("name: 'a\x80b'", r'YAML has no character \\u0080; remove it, or write it as "\\u0080"'),
        ('name: "a \\ud83d"', "has half of an emoji or of another character; remove it"),
    ],
)
def test_texts_that_yaml_cannot_keep_are_refused(file: Path, line: str, reason: str) -> None:
    key = line.partition(":")[0]
    kept = [one for one in TEXT.splitlines() if not one.startswith(f"{key}:")]
    file.write_text("\n".join([line, *kept]), encoding="utf-8")
    with pytest.raises(ExperimentError, match=rf"yaml, line 1.*{reason}"):
        Experiment.from_file(file)


def test_an_emoji_that_json_escapes_in_two_halves_is_one_character() -> None:
    assert parse_overrides(['name="\\ud83d\\ude00"']) == {"name": "\U0001f600"}


def test_labels_may_hold_the_placeholder() -> None:
    assert parse_overrides(["labels=['{{input}}', b]"]) == {"labels": ["{{input}}", "b"]}


@pytest.mark.parametrize("field", ["name", "labels", "data"])
def test_half_of_a_character_is_refused_before_anything_is_written(file: Path, field: str) -> None:
    values = {"name": "a", "labels": ["a", "b"], "data": {"train": "a.json"}}
    values[field] = {"name": "\ud83d", "labels": ["\ud83d", "b"], "data": {"train": "\udcff"}}[
        field
    ]
    with pytest.raises(ExperimentError, match="half of an emoji"):
        Experiment(**values)
