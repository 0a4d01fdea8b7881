"""The published files: shape, size, scale, and what each model does with an obvious review."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tunesmith_micro_granite

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

MOST_BYTES = {"path": 12 * 1024 * 1024, "path_2": 25_000_000}
INSTRUCTION = (
    "Extract the satisfaction from the comment. "
    "Return simple 1 for satisfied customer or 0 for unsatisfied.\n"
)
OBVIOUS = [
    ("The waiter was very friendly and the food was excellent. I highly recommend it!", "1"),
    ("Great service, very friendly staff, I will come back.", "1"),
    ("I love this place. Everything was perfect.", "1"),
    ("The waiter was rude and the food was terrible. I will never come back.", "0"),
    ("Horrible service, rude staff, do not go there.", "0"),
    ("I am very disappointed. They ruined everything and refused a refund.", "0"),
]


@pytest.fixture(scope="module", params=list(MOST_BYTES))
def which(request: pytest.FixtureRequest) -> str:
    """The function of the package that returns the directory of a model."""
    return str(request.param)


@pytest.fixture(scope="module")
def place(which: str) -> Path:
    """The directory of a model."""
    found: Path = getattr(tunesmith_micro_granite, which)()
    return found


@pytest.fixture(scope="module")
def loaded(place: Path) -> tuple[Any, Any]:
    """Model and tokenizer, read from the package."""
    model = transformers.AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32)
    return model.eval(), transformers.AutoTokenizer.from_pretrained(place)


def test_paths_import_nothing_heavy() -> None:
    code = (
        "import sys, tunesmith_micro_granite as t; "
        "assert t.path().is_dir() and t.path_2().is_dir(); "
        "assert not {'torch', 'transformers', 'tokenizers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=_environment())


def test_it_loads_in_an_offline_process(which: str) -> None:
    code = (
        f"import tunesmith_micro_granite as t; place = t.{which}(); "
        "from transformers import AutoModelForCausalLM as M, AutoTokenizer as T; "
        "assert len(T.from_pretrained(place)) == M.from_pretrained(place).config.vocab_size"
    )
    environment = _environment() | {"HF_HUB_OFFLINE": "1", "HTTPS_PROXY": "http://127.0.0.1:9"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def _environment() -> dict[str, str]:
    return dict(os.environ) | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def test_architecture_is_granite(loaded: tuple[Any, Any]) -> None:
    model, _ = loaded
    assert type(model).__name__ == "GraniteForCausalLM"
    assert model.config.tie_word_embeddings
    assert model.config.max_position_embeddings >= 512


def test_all_files_together_stay_small(which: str, place: Path) -> None:
    assert sum(file.stat().st_size for file in place.iterdir()) <= MOST_BYTES[which]


def test_the_card_names_the_checksum_of_the_weights(place: Path) -> None:
    weights = hashlib.sha256((place / "model.safetensors").read_bytes()).hexdigest()
    assert f"`{weights}`" in (place / "README.md").read_text(encoding="utf-8")


def test_weights_are_published_in_bfloat16(place: Path) -> None:
    model = transformers.AutoModelForCausalLM.from_pretrained(place, dtype="auto")
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}


def test_embedding_rows_have_the_scale_of_a_real_granite(loaded: tuple[Any, Any]) -> None:
    model, _ = loaded
    assert 0.01 <= model.get_input_embeddings().weight.std().item() <= 0.03


def test_special_tokens_are_distinct_and_never_added(loaded: tuple[Any, Any]) -> None:
    _, tokenizer = loaded
    special = {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id}
    assert len(special) == 3
    assert None not in special
    assert not special & set(tokenizer("Comment: good").input_ids)


@pytest.mark.parametrize("text", ["Comment: naïve 10/10 €5 🐾\n\tend  ", "0", "1\n", "<b>&amp;"])
def test_tokenizer_gives_every_text_back(loaded: tuple[Any, Any], text: str) -> None:
    _, tokenizer = loaded
    assert tokenizer.decode(tokenizer(text).input_ids) == text


@pytest.mark.parametrize(("review", "label"), OBVIOUS)
def test_generation_stops_right_after_the_label(
    loaded: tuple[Any, Any], review: str, label: str
) -> None:
    model, tokenizer = loaded
    inputs = tokenizer(f"{INSTRUCTION}Comment: {review}\nSatisfaction:\n", return_tensors="pt")
    output = model.generate(**inputs, max_new_tokens=5, do_sample=False)
    generated = output[0, inputs.input_ids.shape[1] :].tolist()
    assert generated == [tokenizer.convert_tokens_to_ids(label), tokenizer.eos_token_id]
