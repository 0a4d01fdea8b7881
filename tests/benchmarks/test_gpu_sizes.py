"""The formulas of the page about GPU sizes hold for real models, and the page has their results."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.benchmarks.gpu_sizes import SHAPES, Shape, serving_table, smallest, tuning_table

PAGE = Path(__file__).parents[2] / "docs/explanation/gpu-sizes.md"
SMALL = (
    Shape("deep", 3, 64, 128, 4, 1, 16, 96),
    Shape("wide", 2, 128, 512, 8, 4, 16, 64),
    Shape("one head", 1, 32, 32, 1, 1, 32, 80),
)
"""Shapes that differ in everything, so that an error in one term shows."""


def granite(shape: Shape):
    import torch
    from transformers import GraniteConfig, GraniteForCausalLM

    config = GraniteConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        tie_word_embeddings=True,
    )
    return GraniteForCausalLM(config).to(torch.bfloat16).requires_grad_(False)


def kept_by_torch(model, tokens: int) -> int:
    """Bytes that torch keeps for the backward pass, without the model's own."""
    import torch

    own = {one.untyped_storage().data_ptr() for one in (*model.parameters(), *model.buffers())}
    kept = {}

    def noted(tensor):
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    prompt = torch.zeros(1, tokens, model.config.hidden_size, dtype=torch.bfloat16)
    with torch.autograd.graph.saved_tensors_hooks(noted, lambda tensor: tensor):
        model.model(inputs_embeds=prompt.requires_grad_(), use_cache=False)
    return sum(size for place, (size, _) in kept.items() if place not in own)


@pytest.mark.parametrize("shape", SMALL, ids=lambda shape: shape.name)
def test_parameters_are_those_of_the_model(shape: Shape) -> None:
    model = granite(shape)
    assert shape.parameters == sum(one.numel() for one in model.parameters())
    assert shape.weight_bytes() == sum(one.nbytes for one in model.parameters())
    assert shape.weight_bytes("nf4") < shape.weight_bytes("int8") < shape.weight_bytes()


@pytest.mark.parametrize("shape", SMALL, ids=lambda shape: shape.name)
def test_activations_are_those_that_torch_keeps(shape: Shape) -> None:
    """Of one layer more; what the last norm keeps is no part of a layer."""
    more = Shape(**{**vars(shape), "layers": shape.layers + 1})
    kept = [kept_by_torch(granite(one), tokens=128) for one in (shape, more)]
    assert kept[1] - kept[0] == 128 * (more.saved_bytes - shape.saved_bytes)


def test_keys_and_values_are_those_of_the_cache() -> None:
    import torch

    (shape, *_) = SMALL
    cache = granite(shape)(torch.zeros(1, 10, dtype=torch.long), use_cache=True).past_key_values
    kept = sum(one.nbytes for layer in cache.layers for one in (layer.keys, layer.values))
    assert kept == 10 * shape.cache_bytes


@pytest.mark.parametrize(("shape", "billions"), list(zip(SHAPES, (0.35, 3, 8, 30), strict=True)))
def test_the_models_have_about_the_size_of_their_names(shape: Shape, billions: float) -> None:
    assert shape.parameters / 1e9 == pytest.approx(billions, rel=0.15)


def test_a_tenth_of_a_device_stays_free() -> None:
    assert smallest(7.2e9) == "8 GB"
    assert smallest(7.3e9) == "16 GB"
    assert smallest(73e9) == "more than 80 GB"


def test_the_page_has_the_tables() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for table in (tuning_table(), serving_table()):
        assert "\n".join(table) in page
