"""The training loop of the second generation: it makes the embedding anew in every step."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from random import Random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from transformers import GraniteForCausalLM

from recipe import checkpoints
from recipe.batches import Batch, batches
from recipe.teachable.episodes import write_document, write_short_document
from recipe.teachable.settings import Settings
from recipe.teachable.table import Table
from recipe.teachable.vocabulary import Vocabulary
from recipe.teachable.words import Neighbors
from recipe.tokenizer import PAD_ID
from recipe.training import Tally, count, disturb, rate, select

__all__ = ["Learner", "Steps", "embed", "train"]

Optimizers = tuple[torch.optim.Muon, torch.optim.AdamW, torch.optim.AdamW]
logger = logging.getLogger(__name__)
LOG_EVERY = 20


class Learner(nn.Module):
    """The trained parts: the layers of a model, its last norm, and the table.

    Args:
        model: Its own embedding is not trained.
        table: Makes the embedding.
    """

    def __init__(self, model: GraniteForCausalLM, table: Table) -> None:
        super().__init__()
        self.layers, self.norm, self.table = model.model.layers, model.model.norm, table


class Steps(Dataset[list[Batch]]):
    """The documents of each step. Item i depends only on seed and i, so training can be resumed.

    Args:
        settings: Seed, documents per step and size of a forward pass.
        vocabulary: Of the model.
    """

    def __init__(self, settings: Settings, vocabulary: Vocabulary) -> None:
        self._settings = settings
        self._tokenizer = vocabulary.tokenizer
        self._neighbors = Neighbors(vocabulary.tokenizer, vocabulary.features)

    def __len__(self) -> int:
        """Number of optimizer steps."""
        return self._settings.steps

    def __getitem__(self, step: int) -> list[Batch]:
        """The forward passes of one optimizer step, rows of like length together."""
        rng = Random(f"{self._settings.seed}/teachable/{step}")
        short = step < self._settings.short_steps
        write = write_short_document if short else write_document
        number = self._settings.documents_per_step
        documents = [write(rng, self._neighbors) for _ in range(number)]
        return batches(self._tokenizer, documents, self._settings.micro_batch_tokens)


def train(
    model: GraniteForCausalLM,
    table: Table,
    vocabulary: Vocabulary,
    settings: Settings,
    work: Path,
) -> Tally:
    """Train in place; resume from the newest checkpoint under `work` if there is one.

    Args:
        model: Float32. Its own embedding is not changed.
        table: Of the vocabulary.
        vocabulary: Of the table.
        settings: Steps and rates.
        work: Directory of the checkpoints.

    Returns:
        Tokens and documents of this process, without those before a resumption.
    """
    model.set_attn_implementation("eager")  # for short rows faster on CPU than its flash kernel
    model.train()
    learner = Learner(model, table)
    optimizers = _optimizers(learner, settings)
    first = checkpoints.load(work, learner, optimizers)
    loader = DataLoader(
        Steps(settings, vocabulary),
        batch_size=None,
        sampler=range(first, settings.steps),
        num_workers=1,
        prefetch_factor=4,
    )
    tally, begin = Tally(), time.monotonic()
    for step, drawn in enumerate(loader, start=first):
        loss = _step(model, learner, optimizers, drawn, settings, step)
        count(tally, drawn, begin)
        if step % LOG_EVERY == 0:
            logger.info("step %d loss %.4f %s", step, loss, tally)
        if (step + 1) % settings.checkpoint_every == 0:
            checkpoints.save(work, learner, optimizers, step + 1)
    return tally


def _optimizers(learner: Learner, settings: Settings) -> Optimizers:
    """Muon for the matrices of the layers, AdamW for the projection, AdamW for all vectors."""
    layers = list(learner.layers.parameters())
    muon = torch.optim.Muon(
        [p for p in layers if p.ndim > 1],
        lr=settings.matrix_rate,
        weight_decay=settings.weight_decay,
        adjust_lr_fn="match_rms_adamw",
    )
    vectors = [learner.table.offsets, *learner.norm.parameters()]
    vectors += [p for p in layers if p.ndim == 1]
    projection, offsets = (
        torch.optim.AdamW(parameters, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
        for parameters in ([learner.table.projection], vectors)
    )
    return muon, projection, offsets


def _step(
    model: GraniteForCausalLM,
    learner: Learner,
    optimizers: Optimizers,
    drawn: list[Batch],
    settings: Settings,
    step: int,
) -> float:
    noise = torch.Generator().manual_seed(settings.seed * 1_000_003 + step)
    _set_rates(optimizers, settings, step)
    parts = [select(batch, settings.text_share, noise) for batch in drawn]
    total = sum(float(weights.sum()) for weights in parts)
    made = learner.table.rows()
    rows = made.detach().requires_grad_()  # collects the gradients of all forward passes
    loss = 0.0
    for batch, weights in zip(drawn, parts, strict=True):
        part = _loss(model, rows, batch, weights, noise) / total
        part.backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
        loss += part.item()
    made.backward(rows.grad)  # type: ignore[no-untyped-call]  # torch ships it untyped
    torch.nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()  # type: ignore[no-untyped-call]  # torch ships it untyped
        optimizer.zero_grad()
    return loss


def _set_rates(optimizers: Optimizers, settings: Settings, step: int) -> None:
    peaks = (settings.matrix_rate, settings.projection_rate, settings.vector_rate)
    for optimizer, peak in zip(optimizers, peaks, strict=True):
        optimizer.param_groups[0]["lr"] = peak * rate(settings, step)


def _loss(
    model: GraniteForCausalLM,
    rows: torch.Tensor,
    batch: Batch,
    weights: torch.Tensor,
    noise: torch.Generator,
) -> torch.Tensor:
    """Summed weighted cross entropy; logits are computed only for positions with a weight."""
    chosen = weights > 0
    with torch.autocast("cpu", torch.bfloat16):
        embeddings = disturb(embed(rows, batch), batch.virtual, noise)
        hidden = model.model(inputs_embeds=embeddings, use_cache=False).last_hidden_state
        logits = nn.functional.linear(hidden[:, :-1][chosen], rows) / model.config.logits_scaling
    losses = nn.functional.cross_entropy(logits.float(), batch.ids[:, 1:][chosen], reduction="none")
    return (losses * weights[chosen]).sum()


def embed(rows: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Embed all tokens.

    Args:
        rows: The embedding matrix, ``[tokens, width]``.
        batch: At its blended positions the embeddings of several tokens are added, divided by the
            square root of their number, so that their size is that of one.

    Returns:
        The input of the layers, ``[rows, length, width]``.
    """
    found = nn.functional.embedding(batch.ids, rows)
    if not len(batch.blended):
        return found
    real = (batch.added != PAD_ID)[..., None]
    added = (nn.functional.embedding(batch.added, rows) * real).sum(1) / real.sum(1).sqrt()
    flat = found.flatten(0, 1).index_add(0, batch.blended, added)
    return flat.view_as(found)
