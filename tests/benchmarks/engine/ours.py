"""The engine's side: :mod:`tunesmith_local` on the same rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tunesmith.methods import PromptTuning
from tunesmith.spec import GenerationParams
from tunesmith_local.engine.decoder import start_mixed_decoder
from tunesmith_local.engine.encoding import EncodedPrompt
from tunesmith_local.engine.generation import generate_mixed
from tunesmith_local.engine.label_scores import label_log_probs
from tunesmith_local.engine.mixing import line_of, mixed_batches
from tunesmith_local.engine.prefix import Prefix
from tunesmith_local.engine.scoring import Example
from tunesmith_local.methods.registry import method_of
from tunesmith_local.methods.tunable import Tunable
from tunesmith_local.model.loading import BaseLM
from tunesmith_local.training.training import Training

SERVING_BATCH = 64
"""Rows that the backend reads at once by default."""


def prompt_tuned(base: BaseLM, tokens: int, seed: int) -> Tunable:
    """Return a soft prompt before its first step."""
    method = PromptTuning(num_virtual_tokens=tokens, init_method="sample_vocab")
    return method_of(method).start(base, method, seed)


def one_step(tunable: Tunable, rows: Sequence[Example]) -> None:
    """Do one optimizer step over ``rows``, in the batches that the engine makes."""
    method = PromptTuning(
        num_epochs=1, learning_rate=1e-3, batch_size=8, accumulate_steps=-(-len(rows) // 8)
    )
    Training(tunable, rows, method).run()


def classify(
    base: BaseLM, prefix: Prefix, rows: Sequence[Example], labels: Sequence[tuple[int, ...]]
) -> torch.Tensor:
    """Return the log-probability of each label for each row behind a cached prompt."""
    lines = [line_of(prefix, row.prompt) for row in rows]
    scores = torch.zeros(len(lines), len(labels))
    for batch, part in mixed_batches(base, lines, SERVING_BATCH):
        decoder = start_mixed_decoder(base, part)
        scores[batch] = label_log_probs(decoder, len(batch), labels)
    return scores


def generate(base: BaseLM, prefixes: Sequence[Prefix], rows: Sequence[Example]) -> None:
    """Generate two tokens for each row behind its own cached prompt, in one batch."""
    inputs = [
        (prefix, EncodedPrompt(row.prompt, "", False))
        for prefix, row in zip(prefixes, rows, strict=True)
    ]
    params = GenerationParams(max_new_tokens=2, min_new_tokens=2)
    generate_mixed(base, inputs, params, batch_size=len(inputs))
