"""The last layer of a decoder, computed only for tokens whose scores are wanted.

Behind the last layer nobody asks for any token but those that are scored. They need the keys and
values of all tokens there, and nothing else of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from transformers import PreTrainedModel

from tunesmith_local.model.attention import PackedSequences


def read_last_layer_where_scored(model: PreTrainedModel) -> None:
    """Let the last layer read scored tokens alone if rows are packed."""
    layer = _last_layer(model)
    if layer is not None:
        layer.register_forward_pre_hook(_scored_only, with_kwargs=True)


def drops_the_rest(model: PreTrainedModel) -> bool:
    """Return whether hidden states behind the model's last layer are those of scored tokens."""
    return _last_layer(model) is not None


def _last_layer(model: PreTrainedModel) -> Any:
    layers = getattr(model.base_model, "layers", None)
    last = layers[-1] if isinstance(layers, torch.nn.ModuleList) else None
    known = all(getattr(last, name, None) is not None for name in ("input_layernorm", "self_attn"))
    return last if known else None


def _scored_only(
    layer: Any, args: tuple[torch.Tensor], given: dict[str, Any]
) -> tuple[tuple[torch.Tensor], dict[str, Any]] | None:
    rows: PackedSequences | None = given.get(PackedSequences.KEYWORD)
    if rows is None or rows.kept is not None:  # a model may be frozen twice
        return None
    (hidden,), kept = args, []
    keeping = replace(rows, keep=lambda *states: kept.append(states))
    # The attention of the layer makes them, with all its changes to keys and values.
    layer.self_attn(
        hidden_states=layer.input_layernorm(hidden), **given | {PackedSequences.KEYWORD: keeping}
    )
    scored = rows.scored
    angles = tuple(angle.index_select(1, scored) for angle in given["position_embeddings"])
    return (hidden.index_select(1, scored),), given | {
        PackedSequences.KEYWORD: replace(rows, kept=kept[0]),
        "position_embeddings": angles,
    }
