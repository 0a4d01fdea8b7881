"""The complete recipe: vocabulary, training, published files."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import torch
from transformers import GraniteForCausalLM, PreTrainedTokenizerFast

from recipe.architecture import build, rescale_embeddings
from recipe.documents import write_document
from recipe.settings import Settings
from recipe.tokenizer import train_tokenizer
from recipe.training import Tally, train

__all__ = ["make", "make_tokenizer", "publish", "repeatable"]

logger = logging.getLogger(__name__)


@contextmanager
def repeatable() -> Iterator[None]:
    """Ask torch for the same bits in every run; the process is as before afterwards."""
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    # Moments of rare tokens decay into subnormal numbers, on which a CPU is many times slower.
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)
        torch.utils.deterministic.fill_uninitialized_memory = True  # type: ignore[attr-defined]
        torch.set_flush_denormal(False)


@repeatable()
def make(settings: Settings, out: Path) -> Tally:
    """Make the model; an interrupted run is resumed from `out`/checkpoints.

    Args:
        settings: All settings. The result depends on them, the machine and its threads only.
        out: Directory of the published files and of the checkpoints.

    Returns:
        The documents and tokens that the training used.
    """
    tokenizer = make_tokenizer(settings)
    model = build(settings, len(tokenizer))
    logger.info("%d parameters", model.num_parameters())
    tally = train(model, tokenizer, settings, out / "checkpoints")
    publish(model, tokenizer, settings.embedding_std, out)
    return tally


def make_tokenizer(settings: Settings) -> PreTrainedTokenizerFast:
    """Train the tokenizer on documents that the model is not trained on.

    Args:
        settings: Seed, number of documents and number of entries.

    Returns:
        The tokenizer.
    """
    rng = Random(f"{settings.seed}/tokenizer")
    documents = (write_document(rng) for _ in range(settings.tokenizer_documents))
    texts = (segment.text for document in documents for segment in document)
    return train_tokenizer(texts, settings.vocab_size)


def publish(
    model: GraniteForCausalLM, tokenizer: PreTrainedTokenizerFast, embedding_std: float, out: Path
) -> None:
    """Rescale the embeddings, cast to bfloat16 and write the files that others load.

    Args:
        model: Trained, float32; changed in place.
        tokenizer: Of the model.
        embedding_std: Wanted standard deviation of the embedding rows.
        out: Directory; each file is written atomically.
    """
    factor = rescale_embeddings(model, embedding_std)
    logger.info("embedding rows divided by %g", factor)
    model.config.architectures = ["GraniteForCausalLM"]
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as name:
        model.bfloat16().save_pretrained(name)
        tokenizer.save_pretrained(name)
        for file in Path(name).iterdir():
            file.chmod(0o644)
            file.replace(out / file.name)
