"""Prompt tuning with the soft prompt behind the text: ``[text][soft prompt][answer]``.

The frozen model reads a text the same way whatever the soft prompt is. What it remembers of it is
computed once, without gradients, and every epoch reads the soft prompt and the answer behind it.
Losses and gradients are those of reading the whole row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file

from tunesmith.errors import UnsupportedError
from tunesmith.methods import PromptTuning
from tunesmith_local.engine.batching import Batch, pad
from tunesmith_local.engine.forward_pass import forward_pass
from tunesmith_local.engine.mixing import embedded, padded
from tunesmith_local.engine.prefix import stack
from tunesmith_local.engine.scoring import Example, target_log_probs
from tunesmith_local.engine.text_states import TextCache, TextReader
from tunesmith_local.methods.soft_prompt import start_of
from tunesmith_local.methods.tunable import RowLosses, Tunable
from tunesmith_local.model.loading import BaseLM

SUFFIX_KEY = "suffix_prompt_embeddings"
PEFT_TYPE = "SUFFIX_PROMPT_TUNING"
"""A type that PEFT does not know, so that it refuses the files: it would put the soft prompt before
the text."""


@dataclass(frozen=True)
class SuffixConfig:
    """What ``adapter_config.json`` says about a soft prompt behind the text."""

    base_model_name_or_path: str
    num_virtual_tokens: int
    token_dim: int
    peft_type: str = PEFT_TYPE
    task_type: str = "CAUSAL_LM"


def suffix_config(path: Path) -> SuffixConfig | None:
    """Read ``adapter_config.json``; None where it is missing, damaged or of another kind."""
    try:
        values = json.loads(path.read_text("utf-8"))
        return SuffixConfig(**values) if values["peft_type"] == PEFT_TYPE else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # PEFT's own reader says what is wrong with it


class SuffixTunable(Tunable):
    """A soft prompt behind the text."""

    def __init__(self, base: BaseLM, method: PromptTuning, seed: int, texts: TextCache) -> None:
        """Start as ``method`` says; ``seed`` draws what is random.

        Raises:
            UnsupportedError: the model has an encoder.
        """
        check_suffix(base)
        start = start_of(base, method, seed)
        self.base = base
        self._prompt = torch.nn.Parameter(start.weights.to(base.device, torch.float32))
        self.parameters = {SUFFIX_KEY: self._prompt}
        self._reader = TextReader(base, texts, alone=True)
        self._record = start.record()
        self.notes = start.notes if base.text_exact else (*start.notes, _READ_WHOLE)
        self.facts = self._facts()

    @contextmanager
    def reading(self, seed: int) -> Iterator[RowLosses]:
        """Read the soft prompt and the answers behind kept texts; nothing is random."""
        del seed
        yield lambda rows: suffix_losses(self.base, self._prompt, rows, self._reader)
        self.facts = self._facts()

    def save(self, directory: Path) -> None:
        """Write two files as PEFT does, which PEFT refuses."""
        shape = self._prompt.shape
        config = SuffixConfig(self.base.name, *shape)
        (directory / "adapter_config.json").write_text(json.dumps(asdict(config), indent=2))
        save_file(self.weights(), directory / "adapter_model.safetensors", {"format": "pt"})

    def _facts(self) -> dict[str, str | int]:
        return {
            **self._record,
            "text_cache_bytes": self._reader.kept_bytes,
            "texts_not_kept": self._reader.not_kept,
        }


_READ_WHOLE = (
    "prompt_position suffix: what this base model remembers of a text cannot be kept, so every "
    "epoch reads every text again"
)


def check_suffix(base: BaseLM) -> None:
    """Refuse a model in which no place is behind the text.

    Raises:
        UnsupportedError: it has an encoder.
    """
    if base.is_seq2seq:
        raise UnsupportedError(
            "method.prompt_position: 'suffix' needs a causal model, and in the encoder of "
            f"{base.name!r} every token sees all others, so that nothing of a text could be kept; "
            "use 'prefix'"
        )


def suffix_losses(
    base: BaseLM, prompt: torch.Tensor, examples: Sequence[Example], texts: TextReader | None
) -> torch.Tensor:
    """Return each row's loss, the mean over its answer tokens in nats, ``[rows]``.

    Args:
        base: the base model, which must be causal.
        prompt: ``[num_virtual_tokens, hidden_size]``; gradients flow back to it.
        examples: rows; a batch whose lengths differ needs a model whose padding is exact, unless
            texts are kept.
        texts: where kept texts are found; None reads every row whole.
    """
    keeps = texts is not None and base.text_exact
    behind = [i for i, example in enumerate(examples) if keeps and example.prompt]
    whole = sorted({*range(len(examples))} - {*behind})
    losses = prompt.new_zeros(len(examples))
    if texts is not None and behind:
        some = _losses_behind(base, prompt, [examples[i] for i in behind], texts)
        losses = losses.index_put((_index(behind, losses),), some)
    if whole:
        some = _losses_whole(base, prompt, [examples[i] for i in whole])
        losses = losses.index_put((_index(whole, losses),), some)
    return losses


def _losses_behind(
    base: BaseLM, prompt: torch.Tensor, examples: Sequence[Example], texts: TextReader
) -> torch.Tensor:
    # The last answer token is only predicted, never read. Padding stands on the right, where
    # nothing that counts comes after it.
    states = texts.states([example.prompt for example in examples])
    cache, seen = stack(states, states[0])
    # A recurrent layer that reads a single token behind a state has no gradients.
    width = max(2, *(len(example.answer) for example in examples))
    ids, _ = pad([example.answer[:-1] for example in examples], width - 1, base.pad_id, left=False)
    virtual = prompt.to(base.device, base.dtype).expand(len(examples), -1, -1)
    embeds = torch.cat([virtual, base.embeddings(ids.to(base.device))], dim=1)
    mask = torch.cat([seen, seen.new_ones(embeds.shape[:2])], dim=-1)
    positions = mask.cumsum(-1)[:, seen.shape[1] :] - 1
    return _losses(base, Batch(embeds, mask, positions, cache), examples, width, left=False)


def _losses_whole(base: BaseLM, prompt: torch.Tensor, examples: Sequence[Example]) -> torch.Tensor:
    virtual = prompt.to(base.device, base.dtype)
    rows = [
        torch.cat([embedded(base, e.prompt), virtual, embedded(base, e.answer[:-1])])
        for e in examples
    ]
    width = max(len(example.answer) for example in examples)
    return _losses(base, padded(base, rows), examples, width, left=True)


def _losses(
    base: BaseLM, batch: Batch, examples: Sequence[Example], width: int, *, left: bool
) -> torch.Tensor:
    targets, real = pad([e.answer for e in examples], width, base.pad_id, left=left)
    logits, _ = forward_pass(base, batch, width, use_cache=False)
    real = real.to(base.device)
    log_probs = target_log_probs(logits, targets.to(base.device), real)
    return -log_probs.sum(-1) / real.sum(-1)


def _index(rows: Sequence[int], like: torch.Tensor) -> torch.Tensor:
    return torch.tensor(rows, device=like.device)
