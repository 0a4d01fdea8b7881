"""GGUF files that cannot be read: each error names the file, the field and the remedy."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from gguf_models import FILES
from gguf_writing import rewritten

from tunesmith.errors import NotFoundError
from tunesmith_local.model.loading import load_base_model

GOOD = FILES / "granite.gguf"


def refused(place: Path) -> str:
    """Return the error of a file that must not be loaded."""
    before = sorted(place.parent.iterdir())
    with pytest.raises(NotFoundError) as caught:
        load_base_model("tiny", place, device="cpu")
    assert sorted(place.parent.iterdir()) == before, "something was written"
    message = str(caught.value)
    assert str(place) in message
    return message


@pytest.mark.parametrize(
    ("size", "where"),
    [
        (0, "0 bytes"),
        (3, "3 bytes"),
        (12, "the number of its fields"),
        (60, "field general.architecture"),
        (2000, "field tokenizer.ggml.tokens"),
        (-1, "tensor output_norm.weight"),
    ],
)
def test_a_file_that_was_cut(tmp_path: Path, size: int, where: str) -> None:
    place = tmp_path / "cut.gguf"
    place.write_bytes(GOOD.read_bytes()[:size])
    message = refused(place)
    assert where in message
    assert "download it again" in message


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    place = tmp_path / "page.gguf"
    place.write_text("<html>Please log in to download</html>")
    assert "does not begin with the bytes GGUF" in refused(place)


def test_a_version_that_is_not_known(tmp_path: Path) -> None:
    content = bytearray(GOOD.read_bytes())
    content[4:8] = (1).to_bytes(4, "little")
    place = tmp_path / "old.gguf"
    place.write_bytes(content)
    assert "GGUF version 1" in refused(place)


def test_an_architecture_that_is_not_known(tmp_path: Path) -> None:
    fields = {"general.architecture": "warpdrive"}
    message = refused(rewritten(GOOD, tmp_path / "new.gguf", fields=fields))
    assert "field general.architecture is 'warpdrive', not one of" in message
    assert "granitehybrid" in message
    assert "*.safetensors" in message


def test_an_image_projector(tmp_path: Path) -> None:
    fields = {"general.architecture": "clip"}
    message = refused(rewritten(GOOD, tmp_path / "eyes.gguf", fields=fields))
    assert "image projector" in message
    assert "language model beside it" in message


@pytest.mark.parametrize("source", ["granite", "granitemoe", "granitehybrid", "llama"])
def test_tensors_that_are_missing(tmp_path: Path, source: str) -> None:
    lost = "blk.1.attn_v.weight"
    place = rewritten(
        FILES / f"{source}.gguf", tmp_path / "holes.gguf", without=lambda name: name == lost
    )
    named = "model.layers.1.self_attn.v_proj.weight" if source == "llama" else lost
    assert named in refused(place)


def test_a_tensor_that_the_architecture_does_not_have(tmp_path: Path) -> None:
    fields = {"general.architecture": "granite"}
    place = rewritten(FILES / "granitemoe.gguf", tmp_path / "more.gguf", fields=fields)
    assert refused(place)


def test_a_field_that_is_missing(tmp_path: Path) -> None:
    lost = "granite.attention.head_count"
    place = rewritten(GOOD, tmp_path / "less.gguf", without=lambda name: name == lost)
    assert f"field {lost} is missing" in refused(place)


def test_fields_that_do_not_fit_the_tensors(tmp_path: Path) -> None:
    for source in ("granite", "llama"):
        wider = {f"{source}.feed_forward_length": 48}
        place = rewritten(FILES / f"{source}.gguf", tmp_path / f"{source}.gguf", fields=wider)
        message = refused(place)
        assert f"do not fit its fields ({source}.*)" in message
        assert "is [32, 32], and by the fields it is [32, 48]" in message


def test_a_scaling_of_positions_that_no_granite_has(tmp_path: Path) -> None:
    place = rewritten(GOOD, tmp_path / "far.gguf", fields={"granite.rope.scaling.type": "yarn"})
    assert "granite.rope.scaling.type is 'yarn'" in refused(place)


def test_factors_of_positions_that_no_rule_comes_to(tmp_path: Path) -> None:
    fields = {"llama.rope.freq_base": 77.0}  # not the one for which they were written
    place = rewritten(FILES / "llama3-rope.gguf", tmp_path / "far.gguf", fields=fields)
    assert "tensor rope_freqs.weight" in refused(place)


def test_a_scaling_of_positions_that_transformers_would_drop(tmp_path: Path) -> None:
    fields = {"llama.rope.scaling.type": "yarn"}
    place = rewritten(FILES / "llama.gguf", tmp_path / "far.gguf", fields=fields)
    assert "llama.rope.scaling.type is 'yarn', which transformers drops" in refused(place)


@pytest.mark.parametrize("source", ["granite", "llama"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tokenizer.ggml.model", "rwkv"),
        ("tokenizer.ggml.pre", "of-nobody"),
        ("tokenizer.ggml.eos_token_id", 100_000),
        ("tokenizer.ggml.merges", ["not there"]),
    ],
)
def test_a_tokenizer_that_cannot_be_rebuilt(
    tmp_path: Path, source: str, field: str, value: Any
) -> None:
    place = rewritten(FILES / f"{source}.gguf", tmp_path / "mute.gguf", fields={field: value})
    assert field in refused(place)


def test_a_file_that_names_no_rule_for_splitting_text(tmp_path: Path) -> None:
    lost = "tokenizer.ggml.pre"
    place = rewritten(GOOD, tmp_path / "old.gguf", without=lambda name: name == lost)
    assert f"field {lost} is 'default', not one of" in refused(place)


@pytest.mark.parametrize("field", ["tokenizer.ggml.model", "tokenizer.ggml.tokens"])
def test_a_tokenizer_that_is_missing(tmp_path: Path, field: str) -> None:
    place = rewritten(GOOD, tmp_path / "mute.gguf", without=lambda name: name == field)
    assert f"field {field} is missing" in refused(place)


def test_one_part_of_a_model_by_name_and_by_field(tmp_path: Path) -> None:
    part = tmp_path / "big-00001-of-00003.gguf"
    shutil.copy(GOOD, part)
    assert "part 1 of a model in 3 files" in refused(part)
    place = rewritten(GOOD, tmp_path / "big.gguf", fields={"split.count": 3})
    message = refused(place)
    assert "split.count is 3" in message
    assert "llama-gguf-split --merge" in message


def test_a_folder_with_several_models(tmp_path: Path) -> None:
    for name in ("a.gguf", "b.gguf"):
        shutil.copy(GOOD, tmp_path / name)
    assert "several GGUF files (a.gguf, b.gguf); name one of them" in refused(tmp_path)
