"""Every label can be the answer, token by token; else the setting in the way is named."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from local_models import build
from method_models import small

from tunesmith.errors import ExperimentError
from tunesmith.experiment import Experiment
from tunesmith.records import Reading
from tunesmith.spec import GenerationParams, TuningSpec
from tunesmith_local.backend import LocalBackend
from tunesmith_local.engine.encoding import encode_prompt
from tunesmith_local.engine.generation import generate, written
from tunesmith_local.options import LocalOptions

LABELS = {"1": ["yes"], "0": ["no", "not"]}
PROMPT = "say x ="  # behind it a label begins with a space; every character is a token
POSITIONS = 512
METHODS: dict[str, dict[str, Any]] = {
    "zero_shot": {"template": "say {{input}} ="},
    "few_shot": {"template": "say {{input}} ="},
    "prompt_tuning": {"num_virtual_tokens": "auto"},
    "prefix_tuning": {"num_virtual_tokens": 5},
    "lora": {},
    "linear_probe": {},
}
Case = tuple[dict[str, Any], str]
CASES: list[Case] = [
    ({"max_new_tokens": 2}, r"generation\.max_new_tokens is 2, but the label 'yes' is [34] tokens"),
    ({"max_new_tokens": 0}, r"generation\.max_new_tokens is 0"),
    ({"min_new_tokens": 9}, r"generation\.min_new_tokens is 9, but the label 'yes' is [34] tokens"),
    ({"stop_sequences": ["zz", "e"]}, r"generation\.stop_sequences: 'e' is in ' ?yes'"),
]


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBackend]:
    folder = tmp_path_factory.mktemp("answerable")
    for kind in ("granite", "t5"):
        base = small(kind)
        base.model.save_pretrained(folder / "models" / "tiny" / kind)
        base.tokenizer.save_pretrained(folder / "models" / "tiny" / kind)
    options = LocalOptions(
        store=folder / "store", models=folder / "models", device="cpu", offline=True
    )
    with LocalBackend(options) as opened:
        yield opened


def asked(
    name: str = "zero_shot", kind: str = "granite", labels: Any = LABELS, **more: Any
) -> TuningSpec:
    method = {"name": name, **METHODS[name], **more.pop("method", {})}
    values = {"base_model": f"tiny/{kind}", "labels": labels, "method": method}
    return TuningSpec.from_values({**values, "generation": more})


@pytest.mark.parametrize("kind", ["granite", "t5"])
@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(("generation", "message"), CASES)
def test_what_keeps_a_label_from_being_written_is_named(
    name: str, kind: str, generation: dict[str, Any], message: str, backend: LocalBackend
) -> None:
    if name == "linear_probe" and "max_new_tokens" not in generation:
        pytest.skip("a probe does not honor it, and the tuner refuses it")
    check, spec = backend.predictor.check_answers, asked(name, kind, **generation)
    with pytest.raises(ExperimentError, match=message):
        check(spec, [PROMPT], "text")
    check(spec, [PROMPT], "decision")


@pytest.mark.parametrize(
    "generation",
    [
        {},
        {"max_new_tokens": 4},
        {"min_new_tokens": 3},
        {"min_new_tokens": 4, "stop_sequences": ["\n"]},
        {"stop_sequences": ["\n", "s", "es"]},
        {"stop_sequences": ["END"], "include_stop_sequence": False, "min_new_tokens": 6},
        {"labels": {"1": ["yes!", "yes"], "0": ["no"]}, "stop_sequences": ["!"],
         "include_stop_sequence": False},
    ],
)  # fmt: skip
def test_settings_that_let_a_label_end_are_accepted(
    generation: dict[str, Any], backend: LocalBackend
) -> None:
    backend.predictor.check_answers(asked(**generation), [PROMPT], "text")


@pytest.mark.parametrize(
    "generation",
    [
        {"max_new_tokens": 3},
        {"min_new_tokens": 4},
        {"stop_sequences": [" "]},
        {"stop_sequences": ["s"], "include_stop_sequence": False},
        {"min_new_tokens": 5, "stop_sequences": ["\n"]},
    ],
)
def test_a_token_too_few_or_too_many_is_refused(
    generation: dict[str, Any], backend: LocalBackend
) -> None:
    with pytest.raises(ExperimentError, match=f"generation.({'|'.join(generation)})"):
        backend.predictor.check_answers(asked(**generation), [PROMPT], "text")


def test_a_label_longer_than_the_default_is_refused(backend: LocalBackend) -> None:
    labels = {"1": ["y" * 20], "0": ["no"]}
    with pytest.raises(ExperimentError, match=r"is 20, its default, but the label 'y+' is 21"):
        backend.predictor.check_answers(asked(labels=labels), [PROMPT], "text")
    backend.predictor.check_answers(asked(labels=labels), ["say x\n"], "text")


@pytest.mark.parametrize(
    "params",
    [
        {"max_new_tokens": 0},
        {"max_new_tokens": 7},
        {"max_new_tokens": 30, "min_new_tokens": 4, "stop_sequences": list("abcdef")},
        {"max_new_tokens": 30, "stop_sequences": list("klmnop"), "include_stop_sequence": False},
    ],
)
def test_the_check_ends_a_text_as_the_engine_does(params: dict[str, Any]) -> None:
    base = build("granite")
    prompts = [encode_prompt(base.tokenizer, f"say {i} =") for i in range(12)]
    given = GenerationParams(**params)
    shown = given.model_copy(update={"return_options": {"generated_tokens": True}})
    found = generate(base, None, prompts, shown)
    for one in found:
        ids = base.tokenizer.convert_tokens_to_ids([token.text for token in one.tokens or ()])
        assert written(base, ids, given) == one.text
        assert ids == [] or written(base, ids[:-1], given) is None


@pytest.mark.parametrize(
    ("name", "method", "length", "answer", "remedy"),
    [
        ("zero_shot", {}, 505, "text", "generation.max_new_tokens=7"),
        ("zero_shot", {}, 600, "text", "generation.truncate_input_tokens=492"),
        ("zero_shot", {}, 600, "decision", "answer=text generation.truncate_input_tokens=492"),
        ("few_shot", {}, 600, "text", "generation.truncate_input_tokens=492"),
        ("prompt_tuning", {"num_virtual_tokens": 8, "max_input_tokens": 499}, 600, "text",
         "generation.max_new_tokens=5"),
        ("prompt_tuning", {"num_virtual_tokens": 8, "max_input_tokens": 500}, 600, "text",
         "method.max_input_tokens=484"),
        ("prefix_tuning", {"num_virtual_tokens": 8, "max_input_tokens": 499}, 600, "text",
         "generation.max_new_tokens=5"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_with_the_setting_that_mends_it(
    name: str, method: dict[str, Any], length: int, answer: Reading, remedy: str,
    backend: LocalBackend,
) -> None:  # fmt: skip
    prompts, check = ["x" * length, PROMPT], backend.predictor.check_answers
    with pytest.raises(ExperimentError, match=r"1 of 2 prompts do not fit.* 512 positions") as said:
        check(asked(name, method=method), prompts, answer)
    values: dict[str, Any] = {"method": dict(method)}
    for setting in remedy.split():
        key, value = setting.split("=")
        assert setting in str(said.value)
        if key.startswith("generation."):
            values[key.removeprefix("generation.")] = int(value)
        elif key.startswith("method."):
            values["method"][key.removeprefix("method.")] = int(value)
        else:
            answer = "text"
    check(asked(name, **values), prompts, answer)


def test_the_text_of_a_probe_need_not_come_back_from_the_tokenizer(
    backend: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunesmith_local.serving.answerable.decode", lambda *_: "?")
    monkeypatch.setattr("tunesmith_local.engine.generation.decode", lambda *_: "?")
    check = backend.predictor.check_answers
    check(asked("linear_probe"), [PROMPT], "text")
    with pytest.raises(ExperimentError, match=r"generation\.max_new_tokens is 2"):
        check(asked("linear_probe", max_new_tokens=2), [PROMPT], "text")


@pytest.mark.parametrize(("name", "kind"), [("linear_probe", "granite"), ("zero_shot", "t5")])
def test_a_probe_and_an_encoder_need_no_positions_for_the_answer(
    name: str, kind: str, backend: LocalBackend
) -> None:
    backend.predictor.check_answers(asked(name, kind), ["x" * 600], "text")


@pytest.mark.parametrize("answer", ["text", "decision"])
def test_solved_examples_that_do_not_fit_are_refused_by_the_dry_run_and_mended(
    answer: str, backend: LocalBackend, tmp_path: Path
) -> None:
    rows = [{"input": f"{'x' * 90}{i}", "output": str(i % 2)} for i in range(20)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    data = {"train": str(tmp_path / "rows.jsonl"), "test": str(tmp_path / "rows.jsonl")}

    def planned(**method: Any) -> Experiment:
        given = {"name": "few_shot", **METHODS["few_shot"], **method}
        return Experiment.from_values(
            {"base_model": "tiny/granite", "labels": LABELS, "data": data, "method": given,
             "answer": answer}
        )  # fmt: skip

    with pytest.raises(ExperimentError, match=r"20 of 20 .*lower method.examples_per_label"):
        planned(examples_per_label=3).plan(backend)
    run = planned().run(backend, runs_dir=tmp_path / "runs")
    assert run.record.left_out == {}


def test_a_tuning_is_not_refused_for_a_text_that_no_verdict_is_about(
    backend: LocalBackend, tmp_path: Path
) -> None:
    rows = [{"input": f"{'good ' * (i % 3)}{i}", "output": str(i % 2)} for i in range(12)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    data = {"train": str(tmp_path / "rows.jsonl"), "test": str(tmp_path / "rows.jsonl")}
    method = {"name": "prompt_tuning", "num_epochs": 1, "num_virtual_tokens": 3}
    values = {"base_model": "tiny/granite", "labels": LABELS, "data": data, "method": method}
    given = {**values, "generation": {"stop_sequences": ["e"]}}
    with pytest.raises(ExperimentError, match=r"generation.stop_sequences: 'e'"):
        Experiment.from_values({**given, "answer": "text"}).run(backend, runs_dir=tmp_path / "a")
    assert not (tmp_path / "a").exists()
    run = Experiment.from_values(given).run(backend, runs_dir=tmp_path / "b")
    assert re.match(r"generation\.stop_sequences: 'e' is in", run.record.left_out["text"])
    assert {p.text for p in run.predictions()} == {None}
