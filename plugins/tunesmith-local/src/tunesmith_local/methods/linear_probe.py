"""A linear probe: logistic regression on what the frozen base model makes of a text.

Alain and Bengio 2016, arXiv:1610.01644. The base model reads each text once; a row is the hidden
states of the last layer (of the encoder, where there is one), pooled to one vector.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tunesmith_local.engine.batching import Batch, by_length, lay_out, worth_a_pass
from tunesmith_local.errors import AdapterError
from tunesmith_local.model.loading import BaseLM

PROBE_CONFIG = "linear_probe.json"
PROBE_WEIGHTS = "linear_probe.safetensors"
Pooling = Literal["mean", "last"]


@dataclass(frozen=True, eq=False)
class Probe:
    """A fitted classifier of pooled hidden states; all tensors are float64, on the CPU."""

    labels: Mapping[str, str]
    """Labels that had training rows, in the order of the label set, each with its text."""
    pooling: Pooling
    coefficients: torch.Tensor
    """``[labels, hidden_size]``, of standardized features."""
    intercept: torch.Tensor
    """``[labels]``."""
    mean: torch.Tensor
    """``[hidden_size]``, of the training rows."""
    scale: torch.Tensor
    """Standard deviation, ``[hidden_size]``."""

    def probabilities(self, features: torch.Tensor) -> torch.Tensor:
        """Return the probability of each label, ``[rows, labels]``, of :func:`read_features`."""
        standardized = (features.double() - self.mean) / self.scale
        return (standardized @ self.coefficients.T + self.intercept).softmax(-1)


@torch.no_grad()
def read_features(
    base: BaseLM,
    rows: Sequence[Sequence[int]],
    pooling: Pooling,
    batch_size: int,
    *,
    before_batch: Callable[[], None] = lambda: None,
) -> torch.Tensor:
    """Read each text once and return its pooled hidden states, float32 ``[rows, hidden_size]``.

    Args:
        base: the base model; no gradient goes through it.
        rows: token ids, none of them empty.
        pooling: the mean over the tokens of the text, or its last token.
        batch_size: rows read at once.
        before_batch: called before each batch; what it raises ends the reading.
    """
    features = torch.zeros(len(rows), base.hidden_size)
    lengths, a_pass = [len(row) for row in rows], worth_a_pass(base.device)
    for batch in by_length(lengths, batch_size, a_pass, equal_only=not base.padding_exact):
        before_batch()
        laid_out = lay_out(base, [rows[i] for i in batch], None)
        pooled = _pooled(_hidden_states(base, laid_out), laid_out.attention_mask, pooling)
        features[batch] = pooled.cpu()
    return features


def _hidden_states(base: BaseLM, batch: Batch) -> torch.Tensor:
    inputs = {"inputs_embeds": batch.inputs_embeds, "attention_mask": batch.attention_mask}
    if base.is_seq2seq:
        out = base.model.get_encoder()(**inputs)
    else:
        out = base.model.base_model(**inputs, position_ids=batch.position_ids, use_cache=False)
    return cast("torch.Tensor", out.last_hidden_state).float()


def _pooled(states: torch.Tensor, mask: torch.Tensor, pooling: Pooling) -> torch.Tensor:
    if pooling == "last":
        places = torch.arange(mask.shape[1], device=mask.device)
        return states[torch.arange(len(states)), (mask * places).argmax(-1)]
    return (states * mask[..., None]).sum(1) / mask.sum(-1, keepdim=True)


def write_probe(probe: Probe, directory: Path) -> None:
    """Write ``linear_probe.safetensors`` and ``linear_probe.json``."""
    tensors = {
        "coefficients": probe.coefficients,
        "intercept": probe.intercept,
        "mean": probe.mean,
        "scale": probe.scale,
    }
    save_file({k: v.contiguous() for k, v in tensors.items()}, directory / PROBE_WEIGHTS)
    config = {"pooling": probe.pooling, "labels": dict(probe.labels)}
    (directory / PROBE_CONFIG).write_text(json.dumps(config, indent=2), "utf-8")


def read_probe(base: BaseLM, directory: Path) -> Probe:
    """Read what :func:`write_probe` wrote.

    Raises:
        AdapterError: a file is missing or damaged, or does not fit the base model.
    """
    try:
        config: Any = json.loads((directory / PROBE_CONFIG).read_text("utf-8"))
        tensors: Any = load_file(directory / PROBE_WEIGHTS)
        probe = Probe(**config, **tensors)
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        raise AdapterError(f"{directory}: cannot be read ({error}); tune again") from error
    _check(base, probe, directory)
    return probe


def _check(base: BaseLM, probe: Probe, directory: Path) -> None:
    labels, width = len(probe.labels), base.hidden_size
    expected = {
        "coefficients": (labels, width),
        "intercept": (labels,),
        "mean": (width,),
        "scale": (width,),
    }
    for name, shape in expected.items():
        tensor: torch.Tensor = getattr(probe, name)
        if tuple(tensor.shape) != shape or not torch.isfinite(tensor).all():
            raise AdapterError(
                f"{directory / PROBE_WEIGHTS}: {name} is {tuple(tensor.shape)}, but {labels} "
                f"labels and base model {base.name!r} need {shape}, all finite; tune again"
            )
    if probe.pooling not in ("mean", "last"):
        raise AdapterError(
            f"{directory / PROBE_CONFIG}: pooling {probe.pooling!r} is not known here; tune again"
        )
