"""The second generation as a whole: vocabulary, embedding, training, published files."""

from __future__ import annotations

import logging
from pathlib import Path

import torch

from recipe.architecture import build, embedding_rows
from recipe.making import publish, repeatable
from recipe.teachable.lookup import begin_as_lookup
from recipe.teachable.settings import Settings
from recipe.teachable.table import Table
from recipe.teachable.training import train
from recipe.teachable.vocabulary import read_vocabulary
from recipe.training import Tally

__all__ = ["make"]

logger = logging.getLogger(__name__)


@repeatable()
def make(settings: Settings, words: Path, out: Path) -> Tally:
    """Make the model; an interrupted run is resumed from `out`/checkpoints.

    Args:
        settings: All settings. The result depends on them, on SmolLM2, the machine and its threads.
        words: Folder of SmolLM2.
        out: Directory of the published files and of the checkpoints.

    Returns:
        The documents and tokens that the training used.
    """
    vocabulary = read_vocabulary(words, settings.early_merges)
    table = Table(vocabulary.features, settings.hidden_size, settings.embedding_std)
    model = build(settings, len(vocabulary.tokenizer))
    begin_as_lookup(model)
    logger.info("%d tokens, %d parameters", len(vocabulary.tokenizer), model.num_parameters())
    tally = train(model, table, vocabulary, settings, out / "checkpoints")
    with torch.no_grad():
        embedding_rows(model).copy_(table.rows())
    publish(model, vocabulary.tokenizer, settings.embedding_std, out)
    return tally
