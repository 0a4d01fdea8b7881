"""Prefix tuning: trained keys and values precede those of the text in every attention layer.

They are the KV cache of a soft prompt, without the prompt. They start from the KV cache of one,
and they are served like that of any deployed soft prompt.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, cast

from pydantic import Field

from tunesmith.errors import UnsupportedError
from tunesmith.methods import VirtualTokens
from tunesmith_local.methods.gradient import GradientMethod
from tunesmith_local.methods.tunable import Tunable

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import Cache, DynamicCache

    from tunesmith_local.engine.scoring import RowLosses
    from tunesmith_local.engine.text_states import TextCache
    from tunesmith_local.methods.tuned import AdapterFiles, TunedLM
    from tunesmith_local.model.loading import BaseLM


class PrefixTuning(VirtualTokens):
    """Trained keys and values in every attention layer, started from those of a soft prompt.

    Li and Liang 2021, arXiv:2101.00190; PEFT ``PrefixTuningConfig``.
    """

    name: ClassVar[str] = "prefix_tuning"

    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.01
    accumulate_steps: Annotated[int, Field(ge=1, le=1024)] = 1
    num_virtual_tokens: Annotated[int, Field(ge=1, le=1000)] = 20
    init_method: Literal["random", "text", "sample_vocab"] = "sample_vocab"


class PrefixTunable(Tunable):
    """Keys and values, ``[num_virtual_tokens, layers * 2 * key_value_heads * head_size]``."""

    def __init__(self, base: BaseLM, settings: PrefixTuning, seed: int) -> None:
        """Start from the KV cache of the soft prompt that ``settings`` describe.

        Raises:
            UnsupportedError: the model's state of a prompt is no KV cache.
        """
        import torch

        from tunesmith_local.engine.batching import read_prefix
        from tunesmith_local.engine.soft_prompt import start_of
        from tunesmith_local.methods.peft_models import encoder

        check_prefix(base)
        if not base.prefix_exact:
            raise _no_kv_cache(base)
        start = start_of(base, settings, seed)
        with torch.no_grad():
            cache = read_prefix(base, start.weights)
        self.base = base
        self.model = _model(base, flattened(cache))
        self.parameters = dict(encoder(self.model).named_parameters())
        self.facts = start.record()
        self.notes = start.notes

    @contextmanager
    def reading(self, seed: int) -> Iterator[RowLosses]:
        """Put the keys and values before each row; nothing is random."""
        import torch

        from tunesmith_local.engine.scoring import row_losses
        from tunesmith_local.methods.peft_models import virtual_tokens

        del seed
        trained = virtual_tokens(self.model)
        leaf = trained.detach().requires_grad_(torch.is_grad_enabled())
        yield lambda rows: row_losses(self.base, unflattened(self.base, leaf), rows)
        if leaf.grad is not None:
            torch.autograd.backward(trained, leaf.grad)

    def save(self, directory: Path) -> None:
        """Write PEFT's two files."""
        from tunesmith_local.methods.peft_models import save_peft

        save_peft(self.model, directory)


class PrefixTuningMethod(GradientMethod[PrefixTuning]):
    """Trained keys and values before the text."""

    settings = PrefixTuning
    peft_types = ("PREFIX_TUNING",)

    def check(self, base: BaseLM, settings: PrefixTuning) -> None:
        """Refuse an init text without tokens, and a model without full attention."""
        from tunesmith_local.engine.soft_prompt import start_of

        start_of(base, settings, 0)
        check_prefix(base)

    def start(
        self, base: BaseLM, settings: PrefixTuning, seed: int, texts: TextCache | None = None
    ) -> PrefixTunable:
        """Return keys and values before their first step."""
        del texts
        return PrefixTunable(base, settings, seed)

    def load(self, base: BaseLM, files: AdapterFiles) -> TunedLM:
        """Load keys and values as a KV cache."""
        from tunesmith_local.engine.prefix import PromptState
        from tunesmith_local.methods.peft_files import read_config, read_virtual_tokens
        from tunesmith_local.methods.tuned import TunedLM

        check_prefix(base)
        config = read_config(files.directory)
        weights = read_virtual_tokens(base, files.directory, config, _width(base))
        state = PromptState(unflattened(base, weights.to(base.device)), len(weights))
        return TunedLM(base, files.card, state=state)


def check_prefix(base: BaseLM) -> None:
    """Refuse a base model whose state of a prompt is more than a KV cache.

    This goes by the model's config; the self-check measures the same before a training starts.

    Raises:
        UnsupportedError: names the method that works.
    """
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    layers = DynamicCache(config=base.model.config).layers
    if base.is_seq2seq or not all(type(layer) is DynamicLayer for layer in layers):
        raise _no_kv_cache(base)
    if getattr(base.model.config, "head_dim", None) not in (None, _peft_head_size(base)):
        raise UnsupportedError(
            f"method.name: prefix_tuning is kept in PEFT's format, which has no place for heads "
            f"of {base.model.config.head_dim} in {base.name!r} (hidden size "
            f"{base.hidden_size}); use prompt_tuning"
        )


def _no_kv_cache(base: BaseLM) -> UnsupportedError:
    return UnsupportedError(
        f"method.name: prefix_tuning needs a model with full attention, whose state of a prompt is "
        f"its keys and values; that of {base.name!r} is not; use prompt_tuning"
    )


def flattened(cache: Cache) -> torch.Tensor:
    """Return the keys and values of one row in PEFT's layout, float32; see PEFT ``get_prompt``."""
    import torch

    layers = cast("list[Any]", cache.layers)
    both = [half[0] for layer in layers for half in (layer.keys, layer.values)]
    stacked = torch.stack(both)  # [layers * 2, heads, virtual tokens, head size]
    return stacked.permute(2, 0, 1, 3).flatten(1).float()


def unflattened(base: BaseLM, weights: torch.Tensor) -> DynamicCache:
    """Return the KV cache of :func:`flattened`, in the type of the base model's weights."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    layers, heads = _shape(base)
    stacked = weights.to(base.dtype).view(len(weights), layers, 2, 1, heads, -1)
    cache = DynamicCache()
    for keys, values in stacked.permute(1, 2, 3, 4, 0, 5):
        layer = DynamicLayer()  # type: ignore[no-untyped-call]  # no types there
        layer.update(keys, values)
        cache.layers.append(layer)
    return cache


def _width(base: BaseLM) -> int:
    """Return the trained numbers of one virtual token, as PEFT counts them."""
    layers, heads = _shape(base)
    return layers * 2 * heads * _peft_head_size(base)


def _model(base: BaseLM, keys_and_values: torch.Tensor) -> PeftModel:
    """Wrap the base model, whose layers cache keys and values of one shape, with PEFT's encoder."""
    from peft import PrefixTuningConfig

    from tunesmith_local.methods.peft_models import holding, task, wrapped

    config = PrefixTuningConfig(
        task_type=task(base), num_virtual_tokens=len(keys_and_values), init_weights="zero"
    )
    return holding(wrapped(base, config), keys_and_values)


def _peft_head_size(base: BaseLM) -> int:
    return base.hidden_size // int(base.model.config.num_attention_heads)


def _shape(base: BaseLM) -> tuple[int, int]:
    config = base.model.config
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    return int(config.num_hidden_layers), int(heads)


METHOD = PrefixTuningMethod()
