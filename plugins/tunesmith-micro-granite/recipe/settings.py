"""Every number of the recipe in one frozen record."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FULL", "PILOT", "Settings"]


@dataclass(frozen=True)
class Settings:
    """Sizes and rates of one training; equal settings give equal bytes on one machine.

    Attributes:
        vocab_size: Entries of the byte-level BPE, the three special tokens among them.
        tokenizer_documents: Documents the BPE merges are counted on.
        hidden_size: Width of the residual stream.
        intermediate_size: Width of the gated feed-forward layer.
        num_hidden_layers: Transformer layers.
        num_attention_heads: Query heads.
        num_key_value_heads: Key and value heads (grouped-query attention).
        steps: Optimizer steps.
        documents_per_step: Documents behind one optimizer step.
        micro_batch_tokens: Most tokens, padding included, in one forward pass; one row may have
            more.
        matrix_rate: Peak rate of Muon, for the matrices of the layers.
        vector_rate: Peak rate of AdamW, for the embedding and the norms.
        warmup_steps: Steps with a rising rate.
        decay_share: Share of the steps, at the end, with a falling rate.
        weight_decay: Of those matrices; the embedding and the norms have none.
        text_share: Share of the text positions that enter the loss (answers always do).
        embedding_std: Wanted standard deviation of the published embedding rows.
        checkpoint_every: Steps between two checkpoints.
        seed: Of the documents, the initial weights and the noise.
    """

    vocab_size: int = 3072
    tokenizer_documents: int = 12000
    hidden_size: int = 256
    intermediate_size: int = 704
    num_hidden_layers: int = 4
    num_attention_heads: int = 8
    num_key_value_heads: int = 2
    steps: int = 1600
    documents_per_step: int = 96
    micro_batch_tokens: int = 3072
    matrix_rate: float = 3e-3
    vector_rate: float = 3e-3
    warmup_steps: int = 50
    decay_share: float = 0.35
    weight_decay: float = 0.1
    text_share: float = 0.33
    embedding_std: float = 0.02
    checkpoint_every: int = 100
    seed: int = 20261121


FULL = Settings()
PILOT = Settings(
    vocab_size=512,
    tokenizer_documents=200,
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    steps=4,
    warmup_steps=1,
    documents_per_step=8,
    micro_batch_tokens=1024,
    checkpoint_every=2,
)
