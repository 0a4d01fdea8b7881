"""The models of Ollama, LM Studio and llama.cpp are found without reading them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from gguf_models import FILES

from tunesmith.errors import NotFoundError
from tunesmith_local.backend import LocalBackend
from tunesmith_local.model.gguf.stores import stored_models
from tunesmith_local.options import LocalOptions
from tunesmith_local.plugin import register_base_models

DIGEST = "sha256:" + "5" * 64


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home directory, and no variable that leads elsewhere."""
    for name in ("OLLAMA_MODELS", "LLAMA_CACHE", "XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("TUNESMITH_STORES")
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def ollama(root: Path, model: str, digest: str = DIGEST, content: str | None = None) -> None:
    """Put a model into an Ollama store; ``model`` is registry/namespace/name/tag."""
    manifest = root / "manifests" / model
    manifest.parent.mkdir(parents=True, exist_ok=True)
    layers = [
        {"mediaType": "application/vnd.ollama.image.template", "digest": "sha256:0"},
        {"mediaType": "application/vnd.ollama.image.model", "digest": digest},
    ]
    manifest.write_text(json.dumps({"layers": layers}) if content is None else content)


def blob(root: Path, kind: str = "granite") -> None:
    put(root / "blobs" / DIGEST.replace(":", "-"), kind)


def put(place: Path, kind: str = "granite") -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(FILES / f"{kind}.gguf", place)


def names() -> list[str]:
    return [model.name for model in stored_models()]


def test_no_store_is_no_model(home: Path) -> None:
    assert names() == []


def test_ollamas_are_called_as_ollama_calls_them(home: Path) -> None:
    root = home / ".ollama/models"
    blob(root)
    ollama(root, "registry.ollama.ai/library/granite4/350m")
    ollama(root, "registry.ollama.ai/somebody/tuned/latest")
    ollama(root, "hf.co/ibm-granite/granite-4.0-350m-GGUF/Q8_0")
    assert names() == [
        "ollama:granite4:350m",
        "ollama:hf.co/ibm-granite/granite-4.0-350m-GGUF:Q8_0",
        "ollama:somebody/tuned:latest",
    ]


def test_the_variables_of_the_programs_are_heeded(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", str(home / "big-disk"))
    blob(home / "big-disk")
    ollama(home / "big-disk", "registry.ollama.ai/library/granite4/latest")
    monkeypatch.setenv("LLAMA_CACHE", str(home / "llama"))
    put(home / "llama/tiny.gguf")
    assert names() == ["llamacpp:tiny.gguf", "ollama:granite4:latest"]


def test_lm_studios_and_llama_cpps_are_called_by_their_files(home: Path) -> None:
    put(home / ".lmstudio/models/ibm/granite-GGUF/granite-Q4_K_M.gguf")
    put(home / ".cache/lm-studio/models/old/repo/file.gguf")
    put(home / ".cache/llama.cpp/ggml-org_tiny.gguf")
    assert names() == [
        "llamacpp:ggml-org_tiny.gguf",
        "lmstudio:ibm/granite-GGUF/granite-Q4_K_M.gguf",
        "lmstudio:old/repo/file.gguf",
    ]


def test_those_of_the_hubs_cache_are_called_by_their_repository(home: Path) -> None:
    cache = home / ".cache/huggingface/hub/models--ibm-granite--granite-4.0-350m-GGUF"
    put(cache / "blobs/123")
    for revision in ("old", "new"):
        link = cache / "snapshots" / revision / "granite-Q8_0.gguf"
        link.parent.mkdir(parents=True)
        link.symlink_to(cache / "blobs/123")
    assert names() == ["huggingface:ibm-granite/granite-4.0-350m-GGUF/granite-Q8_0.gguf"]


def test_projectors_and_later_parts_are_not_listed(home: Path) -> None:
    folder = home / ".lmstudio/models/ibm/vision"
    for name in ("mmproj-f16.gguf", "big-00001-of-00002.gguf", "big-00002-of-00002.gguf"):
        put(folder / name)
    assert names() == ["lmstudio:ibm/vision/big-00001-of-00002.gguf"]
    with pytest.raises(NotFoundError, match=r"part 1 of a model in 2 files.*--merge"):
        connect().base_model("lmstudio:ibm/vision/big-00001-of-00002.gguf")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"layers": [{}]}', '{"layers": null}'])
def test_a_broken_manifest_hides_no_other_model(home: Path, content: str) -> None:
    root = home / ".ollama/models"
    blob(root)
    ollama(root, "registry.ollama.ai/library/broken/latest", content=content)
    ollama(root, "registry.ollama.ai/library/gone/latest", digest="sha256:1")
    ollama(root, "registry.ollama.ai/library/granite4/latest")
    (root / "manifests/registry.ollama.ai/library/granite4/.DS_Store").write_bytes(b"\x00\xff")
    assert names() == ["ollama:granite4:latest"]


def test_listing_reads_no_model(home: Path) -> None:
    place = home / ".cache/llama.cpp/tiny.gguf"
    put(place)
    place.chmod(0)
    assert names() == ["llamacpp:tiny.gguf"]


def test_the_models_are_registered_with_their_program_and_size(home: Path) -> None:
    put(home / ".cache/llama.cpp/tiny.gguf")
    (entry,) = (e for e in register_base_models() if e.name == "llamacpp:tiny.gguf")
    assert entry.summary == "GGUF file of llama.cpp, 9.4e-05 GB"
    assert entry.served_as == {"local": "llamacpp:tiny.gguf"}


def test_they_can_be_left_out(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(home / ".cache/llama.cpp/tiny.gguf")
    monkeypatch.setenv("TUNESMITH_STORES", "off")
    assert names() == []


def connect() -> LocalBackend:
    return LocalBackend(LocalOptions.model_validate({"device": "cpu", "offline": True}))


@pytest.mark.parametrize("kind", ["granite", "llama"])
@pytest.mark.parametrize("name", ["ollama:granite4:latest", "ollama:granite4"])
def test_a_model_of_a_store_is_a_base_model_under_its_name(
    home: Path, name: str, kind: str
) -> None:
    root = home / ".ollama/models"
    blob(root, kind)
    ollama(root, "registry.ollama.ai/library/granite4/latest")
    backend = connect()
    assert "ollama:granite4:latest" in [info.name for info in backend.base_models()]
    base = backend._catalog.load(name)
    assert base.name == name
    assert base.model.config.model_type == kind


def test_a_name_that_a_store_does_not_have_names_those_it_has(home: Path) -> None:
    put(home / ".cache/llama.cpp/tiny.gguf")
    with pytest.raises(NotFoundError, match=r"llamacpp has no such model.*It has: llamacpp:tiny"):
        connect().base_model("llamacpp:tinny.gguf")
    with pytest.raises(NotFoundError, match=r"ollama has no such model.*It has: none"):
        connect().base_model("ollama:granite4")
