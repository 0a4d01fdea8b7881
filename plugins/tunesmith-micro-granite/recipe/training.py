"""The training loop: weighted next-token loss under Muon and AdamW, with checkpoints."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils.data import DataLoader
from transformers import GraniteForCausalLM, PreTrainedTokenizerFast

from recipe import checkpoints
from recipe.architecture import embedding_rows
from recipe.batches import Batch, Steps
from recipe.settings import Settings
from recipe.tokenizer import PAD_ID

__all__ = ["Tally", "count", "disturb", "rate", "select", "train"]

Optimizers = tuple[torch.optim.Muon, torch.optim.AdamW]
logger = logging.getLogger(__name__)
TEXT_BELOW = 2.0  # loss weights under this belong to text, of which a sample is enough
NOISY_BATCHES = 0.5
MOST_NOISE = 1.0  # on soft prompt positions, in standard deviations of the rows
LOG_EVERY = 20


@dataclass
class Tally:
    """The amount of text that a training used."""

    tokens: int = 0
    documents: int = 0
    seconds: float = 0.0


def train(
    model: GraniteForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    settings: Settings,
    work: Path,
) -> Tally:
    """Train in place; resume from the newest checkpoint under `work` if there is one.

    Args:
        model: Freshly built, float32.
        tokenizer: Of the model.
        settings: Steps and rates.
        work: Directory of the checkpoints.

    Returns:
        Tokens and documents of this process, without those before a resumption.
    """
    model.set_attn_implementation("eager")  # for short rows faster on CPU than its flash kernel
    model.train()
    optimizers = _optimizers(model, settings)
    first = checkpoints.load(work, model, optimizers)
    loader = _loader(settings, tokenizer, first)
    tally, begin = Tally(), time.monotonic()
    for step, batches in enumerate(loader, start=first):
        loss = _step(model, optimizers, batches, settings, step)
        count(tally, batches, begin)
        if step % LOG_EVERY == 0:
            logger.info("step %d loss %.4f %s", step, loss, tally)
        if (step + 1) % settings.checkpoint_every == 0:
            checkpoints.save(work, model, optimizers, step + 1)
    return tally


def _loader(
    settings: Settings, tokenizer: PreTrainedTokenizerFast, first: int
) -> DataLoader[list[Batch]]:
    """A loader that writes the documents in another process, while training runs."""
    steps = Steps(settings, tokenizer)
    return DataLoader(
        steps,
        batch_size=None,
        sampler=range(first, settings.steps),
        num_workers=1,
        prefetch_factor=4,
    )


def _optimizers(model: GraniteForCausalLM, settings: Settings) -> Optimizers:
    """Muon for the matrices of the layers, AdamW for the embedding and the norms."""
    embedding = embedding_rows(model)
    matrices = [p for p in model.parameters() if p.ndim > 1 and p is not embedding]
    others = [embedding, *(p for p in model.parameters() if p.ndim == 1)]
    muon = torch.optim.Muon(
        matrices,
        lr=settings.matrix_rate,
        weight_decay=settings.weight_decay,
        adjust_lr_fn="match_rms_adamw",
    )
    adamw = torch.optim.AdamW(
        others, lr=settings.vector_rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True
    )
    return muon, adamw


def rate(settings: Settings, step: int) -> float:
    """Share of the peak: a linear rise, a plateau, a linear fall almost to zero.

    The plateau does not depend on the number of steps. A run that takes too long can therefore be
    resumed with fewer steps and still end in a full decay.
    """
    rise = (step + 1) / settings.warmup_steps
    fall = (settings.steps - step) / (settings.decay_share * settings.steps)
    return min(1.0, rise, fall)


def _step(
    model: GraniteForCausalLM,
    optimizers: Optimizers,
    batches: list[Batch],
    settings: Settings,
    step: int,
) -> float:
    noise = torch.Generator().manual_seed(settings.seed * 1_000_003 + step)
    _set_rates(optimizers, settings, step)
    parts = [select(batch, settings.text_share, noise) for batch in batches]
    total = sum(float(weights.sum()) for weights in parts)
    loss = 0.0
    for batch, weights in zip(batches, parts, strict=True):
        part = _loss(model, batch, weights, noise) / total
        part.backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
        loss += part.item()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()  # type: ignore[no-untyped-call]  # torch ships it untyped
        optimizer.zero_grad()
    return loss


def _set_rates(optimizers: Optimizers, settings: Settings, step: int) -> None:
    peaks = (settings.matrix_rate, settings.vector_rate)
    for optimizer, peak in zip(optimizers, peaks, strict=True):
        optimizer.param_groups[0]["lr"] = peak * rate(settings, step)


def select(batch: Batch, text_share: float, noise: torch.Generator) -> torch.Tensor:
    """Weights of the positions 1..end, without most of the text, to save time in the head."""
    weights = batch.weights[:, 1:]
    kept = torch.rand(weights.shape, generator=noise) < text_share
    return torch.where(kept | (weights >= TEXT_BELOW), weights, 0.0)


def _loss(
    model: GraniteForCausalLM, batch: Batch, weights: torch.Tensor, noise: torch.Generator
) -> torch.Tensor:
    """Summed weighted cross entropy; logits are computed only for positions with a weight."""
    chosen = weights > 0
    with torch.autocast("cpu", torch.bfloat16):
        embeddings = disturb(model.get_input_embeddings()(batch.ids), batch.virtual, noise)
        hidden = model.model(inputs_embeds=embeddings, use_cache=False).last_hidden_state
        logits = model.lm_head(hidden[:, :-1][chosen]) / model.config.logits_scaling
    losses = torch.nn.functional.cross_entropy(
        logits.float(), batch.ids[:, 1:][chosen], reduction="none"
    )
    return (losses * weights[chosen]).sum()


def disturb(
    embeddings: torch.Tensor, virtual: torch.Tensor, noise: torch.Generator
) -> torch.Tensor:
    """Add noise to the vectors at soft prompt positions, because tuning moves them too."""
    if torch.rand((), generator=noise) > NOISY_BATCHES or not virtual.any():
        return embeddings
    size = embeddings.detach().std() * MOST_NOISE
    shape = embeddings.shape
    scale = torch.rand(shape[0], 1, 1, generator=noise) * size * virtual[..., None]
    return embeddings + torch.randn(shape, generator=noise) * scale


def count(tally: Tally, batches: list[Batch], begin: float) -> None:
    """Add the batches of one step, and the time since `begin`."""
    tally.tokens += sum(int((batch.ids != PAD_ID).sum()) for batch in batches)
    tally.documents += sum(len(batch.ids) for batch in batches)
    tally.seconds = time.monotonic() - begin
