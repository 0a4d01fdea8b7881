"""Prompt tuning with the soft prompt behind the text: ``[text][soft prompt][answer]``.

The state after a text is computed once, without gradients. Every epoch reads the soft prompt and
the answer behind it; see :mod:`tunesmith_local.engine.suffix_losses`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file

from tunesmith.errors import UnsupportedError
from tunesmith.methods import PromptTuning
from tunesmith_local.engine.scoring import RowLosses
from tunesmith_local.engine.soft_prompt import start_of
from tunesmith_local.engine.state_cache import StateCache
from tunesmith_local.engine.suffix_losses import suffix_losses
from tunesmith_local.engine.text_states import TextCache, TextReader
from tunesmith_local.methods.peft_files import read_virtual_tokens
from tunesmith_local.methods.tunable import Tunable
from tunesmith_local.methods.tuned import CONFIG, AdapterFiles, TunedLM
from tunesmith_local.model.loading import BaseLM

SUFFIX_KEY = "suffix_prompt_embeddings"
PEFT_TYPE = "SUFFIX_PROMPT_TUNING"
"""Not a type of PEFT, so that PEFT refuses the files: it would put the soft prompt before the
text."""


@dataclass(frozen=True)
class SuffixConfig:
    """The content of ``adapter_config.json`` for a soft prompt behind the text."""

    base_model_name_or_path: str
    num_virtual_tokens: int
    token_dim: int
    peft_type: str = PEFT_TYPE
    task_type: str = "CAUSAL_LM"


def suffix_config(files: AdapterFiles) -> SuffixConfig | None:
    """Read ``adapter_config.json``; None if it is missing, damaged or of another kind."""
    try:
        values = json.loads((files.directory / CONFIG).read_text("utf-8"))
        return SuffixConfig(**values) if values["peft_type"] == PEFT_TYPE else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # PEFT's own reader names the problem


def load_suffix(base: BaseLM, files: AdapterFiles, config: SuffixConfig) -> TunedLM:
    """Load a soft prompt that is used behind the text.

    Raises:
        AdapterError: the weights are missing or damaged, or do not fit the base model.
    """
    weights = read_virtual_tokens(base, files.directory, config, base.hidden_size, SUFFIX_KEY)
    return TunedLM(base, files.card, prompt=weights, prompt_position="suffix")


class SuffixTunable(Tunable):
    """A soft prompt behind the text."""

    def __init__(
        self, base: BaseLM, settings: PromptTuning, seed: int, texts: TextCache | None
    ) -> None:
        """Start with ``settings``; ``seed`` draws the random values.

        Raises:
            UnsupportedError: the model has an encoder.
        """
        check_suffix(base)
        start = start_of(base, settings, seed)
        self.base = base
        self._prompt = torch.nn.Parameter(start.weights.to(base.device, torch.float32))
        self.parameters = {SUFFIX_KEY: self._prompt}
        self._reader = TextReader(base, StateCache(0) if texts is None else texts, alone=True)
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
    "prompt_position suffix: the state of this base model after a text cannot be kept, so every "
    "epoch reads every text again"
)


def check_suffix(base: BaseLM) -> None:
    """Refuse a model with an encoder, in which no token comes after the text.

    Raises:
        UnsupportedError: it has an encoder.
    """
    if base.is_seq2seq:
        raise UnsupportedError(
            "method.prompt_position: 'suffix' needs a causal model, and in the encoder of "
            f"{base.name!r} every token sees all others, so that nothing of a text could be kept; "
            "use 'prefix'"
        )
