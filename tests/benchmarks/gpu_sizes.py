"""The memory that tuning and serving need on a device, computed from the shapes of models.

python -m tests.benchmarks.gpu_sizes      # prints the tables of docs/explanation/gpu-sizes.md
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

GB = 1e9
BFLOAT16 = 2
LINEAR_SHARES = {"int8": 0.49, "nf4": 0.24}
"""Bytes of quantized linear weights as a share of bfloat16, measured on SmolLM2."""
ROW_TOKENS = 256
"""The tokens of one row, virtual tokens included."""
CARDS = (8, 16, 24, 48, 80)
"""Sizes of devices in GB."""


@dataclass(frozen=True)
class Shape:
    """A dense decoder with grouped key-value heads, gated layers and tied embeddings."""

    name: str
    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary: int

    @property
    def embeddings(self) -> int:
        """Parameters of the embeddings."""
        return self.vocabulary * self.hidden

    @property
    def linear(self) -> int:
        """Parameters of all linear layers but the vocabulary head."""
        attention = 2 * self.hidden * self.head_size * (self.heads + self.kv_heads)
        return self.layers * (attention + 3 * self.hidden * self.intermediate)

    @property
    def parameters(self) -> int:
        """All parameters, the norms included."""
        return self.embeddings + self.linear + (2 * self.layers + 1) * self.hidden

    def weight_bytes(self, kind: str = "bfloat16") -> float:
        """Bytes of the frozen weights; embeddings and norms are not quantized."""
        linear = self.linear * BFLOAT16 * LINEAR_SHARES.get(kind, 1.0)
        return (self.parameters - self.linear) * BFLOAT16 + linear

    @property
    def saved_bytes(self) -> int:
        """Bytes that a backward pass keeps for one token, in bfloat16, the weights left out.

        A test counts them in a forward pass of transformers.
        """
        key_values = self.kv_heads * self.head_size
        a_layer = 12 * self.hidden + 6 * self.intermediate + 4 * key_values + 4 * self.heads + 8
        return self.layers * a_layer

    def tuning_bytes(self, rows: int, kind: str = "bfloat16") -> float:
        """Bytes of weights and saved activations while ``rows`` rows are read together."""
        return self.weight_bytes(kind) + rows * ROW_TOKENS * self.saved_bytes

    @property
    def cache_bytes(self) -> int:
        """Bytes of keys and values for one token while serving, in bfloat16."""
        return self.layers * 2 * self.kv_heads * self.head_size * BFLOAT16


SHAPES = (
    Shape("granite-4.0-350m", 28, 1024, 2048, 16, 4, 64, 100352),
    Shape("granite-4.1-3b", 40, 2560, 8192, 40, 8, 64, 100352),
    Shape("granite-4.1-8b", 40, 4096, 12800, 32, 8, 128, 100352),
    Shape("granite-4.1-30b", 64, 4096, 32768, 32, 8, 128, 100352),
)


def smallest(needed: float) -> str:
    """Return the smallest device with a tenth of its memory left, as text."""
    fits = (size for size in CARDS if needed <= 0.9 * size * GB)
    size = next(fits, None)
    return f"{size} GB" if size else f"more than {CARDS[-1]} GB"


def tuning_table() -> Iterator[str]:
    """Yield the lines of the first table: memory while tuning, and the device."""
    kinds = ("bfloat16", *LINEAR_SHARES)
    yield "| base model | parameters | rows together | " + " | ".join(kinds) + " |"
    yield "|---" * (3 + len(kinds)) + "|"
    for shape in SHAPES:
        for rows in (16, 2):
            needed = [shape.tuning_bytes(rows, kind) for kind in kinds]
            cells = [f"{one / GB:.1f} GB, on {smallest(one)}" for one in needed]
            start = f"| `{shape.name}` | {shape.parameters / 1e9:.2f} billion | {rows} | "
            yield start + " | ".join(cells) + " |"


def serving_table() -> Iterator[str]:
    """Yield the lines of the second table: memory while serving."""
    yield "| base model | weights, bfloat16 | nf4 | keys and values of 1,000 tokens |"
    yield "|---|---|---|---|"
    for shape in SHAPES:
        weights = [f"{shape.weight_bytes(kind) / GB:.1f} GB" for kind in ("bfloat16", "nf4")]
        yield f"| `{shape.name}` | {' | '.join(weights)} | {shape.cache_bytes / 1e3:.0f} MB |"


if __name__ == "__main__":
    print("\n".join((*tuning_table(), "", *serving_table())))
