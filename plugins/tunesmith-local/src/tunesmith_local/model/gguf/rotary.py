"""The RoPE scaling of Llama 3.1 and later, from the factors in the file.

llama.cpp's converter writes the results of the rule, one factor for each frequency
(``rope_freqs.weight``), and transformers drops them. This module finds the rule that gives these
factors and sets it in the configuration. A saved copy of the model then has it too.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import PreTrainedConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from tunesmith_local.model.gguf.header import Header
from tunesmith_local.model.gguf.problems import unusable
from tunesmith_local.model.gguf.tensors import Weights

FACTORS = "rope_freqs.weight"
_LENGTHS = [2**power for power in range(5, 18)]


def set_rotary_rule(header: Header, config: PreTrainedConfig) -> None:
    """Set in ``config`` the rule that gives the factors of the file, if it has any.

    Raises:
        NotFoundError: no rule of Llama 3's form gives them.
    """
    if FACTORS not in header.tensors:
        return
    factors = Weights(header)[FACTORS]
    settings: Any = config
    plain = dict(settings.rope_parameters)
    for length in _LENGTHS:
        settings.rope_parameters = _rule(plain["rope_theta"], float(factors.max()), length)
        if _gives(config, plain["rope_theta"], factors):
            return
    raise unusable(header.path, f"tensor {FACTORS} holds factors that no rule of Llama 3 gives")


def _rule(theta: float, factor: float, length: int) -> dict[str, Any]:
    return {
        "rope_type": "llama3",
        "rope_theta": theta,
        "factor": factor,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": length,
    }


def _gives(config: PreTrainedConfig, theta: float, factors: torch.Tensor) -> bool:
    exponents = torch.arange(len(factors), dtype=torch.float32) / len(factors)
    found, _ = ROPE_INIT_FUNCTIONS["llama3"](config, torch.device("cpu"))
    return torch.allclose(found * factors, theta**-exponents, rtol=1e-4)
