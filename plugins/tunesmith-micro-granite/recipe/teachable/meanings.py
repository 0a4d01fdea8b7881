"""The meaning of a token: the embedding of its text by the sentence model all-MiniLM-L6-v2."""

from __future__ import annotations

import torch
from transformers import PreTrainedTokenizerFast

from recipe.tokenizer import SPECIAL_TOKENS
from tunesmith_sklearn.embeddings import WIDTH, SentenceEmbeddings

__all__ = ["meanings"]


def meanings(tokenizer: PreTrainedTokenizerFast) -> torch.Tensor:
    """Read every token as a text.

    Args:
        tokenizer: Its special tokens come first.

    Returns:
        Float32 ``[tokens, 384]``; 0 for special tokens and white space.
    """
    numbers = range(len(SPECIAL_TOKENS), len(tokenizer))
    texts = {number: str(tokenizer.decode([number])).strip() for number in numbers}
    read = {number: text for number, text in texts.items() if text}
    found = torch.zeros(len(tokenizer), WIDTH)
    found[list(read)] = torch.from_numpy(SentenceEmbeddings().transform(list(read.values())))
    return found
