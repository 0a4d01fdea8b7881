"""Embeddings of texts: the mean of the base model's last hidden states, of length 1."""

from __future__ import annotations

from collections.abc import Sequence

from torch.nn.functional import normalize

from tunesmith.errors import PredictionError
from tunesmith.records import Embedding
from tunesmith_local.engine.features import read_features
from tunesmith_local.model.loading import BaseLM


def embeddings(
    base: BaseLM, texts: Sequence[str], max_tokens: int | None, batch_size: int
) -> list[Embedding]:
    """Return an embedding for each text, in the order of ``texts``.

    Args:
        base: the base model; a text's numbers do not depend on its neighbors.
        texts: what is read, as it is.
        max_tokens: tokens of a text that are read, from its start; None: all that fit.
        batch_size: rows read at once.

    Raises:
        PredictionError: a text has no tokens.
    """
    positions = None if base.is_seq2seq else base.max_positions
    limit = min((n for n in (max_tokens, positions) if n is not None), default=None)
    ids = [list(base.tokenizer(text, verbose=False)["input_ids"]) for text in texts]
    for index, row in enumerate(ids):
        if not row:
            raise PredictionError(f"text {index} has no tokens; give text to embed")
    rows = [row[:limit] for row in ids]
    vectors = normalize(read_features(base, rows, "mean", batch_size), dim=1).tolist()
    return [
        Embedding(
            vector=tuple(vector),
            token_count=len(row),
            unread_token_count=len(whole) - len(row),
        )
        for vector, row, whole in zip(vectors, rows, ids, strict=True)
    ]
