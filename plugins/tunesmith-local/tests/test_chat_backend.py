"""A chat model, tuned and asked in its own chat template."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from local_models import build

from tunesmith.experiment import Experiment
from tunesmith.records import Message, Row
from tunesmith_local.backend import LocalBackend
from tunesmith_local.options import LocalOptions

MODEL = "tiny/chatty"
LABELS = ["yes", "no"]
ROWS = [Row(input=f"{'good ' * (i % 3)}{i}", output=LABELS[i % 2]) for i in range(8)]
CHAT = (
    "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant]\n{% endif %}"
)


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBackend]:
    folder = tmp_path_factory.mktemp("chat")
    base = build("granite")
    base.tokenizer.chat_template = CHAT
    base.model.save_pretrained(folder / "models" / MODEL)
    base.tokenizer.save_pretrained(folder / "models" / MODEL)
    options = LocalOptions(store=folder / "store", models=folder / "models", device="cpu")
    with LocalBackend(options) as opened:
        yield opened


def experiment(name: str, **settings: object) -> Experiment:
    short = {} if name == "linear_probe" else {"num_epochs": 1, "batch_size": 4}
    virtual = {"num_virtual_tokens": 3} if name in ("prompt_tuning", "prefix_tuning") else {}
    method = {"name": name, "verbalizer": "Fine? {{input}}", "chat": True}
    return Experiment.from_values(
        {
            "base_model": MODEL,
            "labels": LABELS,
            "data": {"train": "train.jsonl"},
            "method": method | short | virtual | settings,
        }
    )


def test_the_template_is_declared(backend: LocalBackend) -> None:
    assert backend.capabilities(MODEL).chat


def test_a_conversation_in_the_models_words(backend: LocalBackend) -> None:
    messages = [
        Message(role="system", content="Be kind."),
        Message(role="user", content="Hi {{input}}"),
    ]
    text = backend.predictor.chat_text(MODEL, messages)
    assert text == "[system] Be kind.\n[user] Hi {{input}}\n[assistant]\n"
    (answer,) = backend.predictor.chat(MODEL, [messages[1:]])
    (plain,) = backend.predictor.generate(MODEL, ["[user] Hi {{input}}\n[assistant]\n"])
    assert answer == plain


@pytest.mark.parametrize("name", ["prompt_tuning", "prefix_tuning", "lora", "linear_probe"])
def test_every_method_reads_the_rendered_conversation(backend: LocalBackend, name: str) -> None:
    model = backend.tuner.tune(experiment(name), ROWS)
    deployment = backend.deployer.deploy(model, name)
    (answer,) = backend.predictor.generate(deployment, ["good dog"])
    assert answer.prompt == "[user] Fine? good dog\n[assistant]\n"
    assert backend.predictor.prompts(deployment, ["good dog"]) == [answer.prompt]
    (scored,) = backend.predictor.classify(deployment, ["good dog"], LABELS)
    assert sum(scored.probabilities.values()) == pytest.approx(1)


def test_long_texts_are_cut_inside_the_message(backend: LocalBackend) -> None:
    limited = experiment("prompt_tuning", max_input_tokens=40)
    deployment = backend.deployer.deploy(backend.tuner.tune(limited, ROWS), "short")
    (prompt,) = backend.predictor.prompts(deployment, ["word " * 30 + "end"])
    assert prompt.startswith("[user] Fine? ")
    assert prompt.endswith("end\n[assistant]\n")
    (tokens,) = backend.predictor.tokenize(MODEL, [prompt])
    assert len(tokens) == 40


def test_the_adapter_holds_the_whole_template(backend: LocalBackend, tmp_path: Path) -> None:
    model = backend.tuner.tune(experiment("prompt_tuning"), ROWS)
    backend.tuner.export(model, tmp_path / "adapter")
    assert (
        "[user] Fine? {{input}}\\n[assistant]\\n"
        in (tmp_path / "adapter" / "tunesmith.json").read_text()
    )
    assert model.details["template"] == "[user] Fine? {{input}}\n[assistant]\n"
