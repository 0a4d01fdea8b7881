"""Text to token ids: the template, the cut and the answer. Training and inference share it."""

from __future__ import annotations

from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from tunesmith.errors import ExperimentError
from tunesmith.methods import PLACEHOLDER
from tunesmith_local.engine.shared_prefix import shared_prefix

_SAMPLES = ("", " ", "\n", "a", "A", "1", "(", "é", "字")
"""The template before the input is tokenized alike in front of these, and of nearly all texts."""


@dataclass(frozen=True)
class EncodedPrompt:
    """A prompt as the model reads it, virtual tokens not counted."""

    token_ids: tuple[int, ...]
    text: str
    """The text after template and cut."""
    truncated: bool
    """Whether the input was cut."""


def encode_prompt(
    tokenizer: PreTrainedTokenizerBase,
    text: str,
    *,
    template: str = PLACEHOLDER,
    max_tokens: int | None = None,
) -> EncodedPrompt:
    """Put ``text`` into ``template`` and tokenize, special tokens of the model included.

    If there are more than ``max_tokens``, characters are cut from the left of ``text`` until
    the whole fits; the template is never cut. Only the first ``{{input}}`` of the template is a
    placeholder; braces of any other kind are text, and so is everything in ``text``.

    Args:
        tokenizer: a tokenizer with character offsets.
        text: one input.
        template: text around ``{{input}}``; the placeholder alone leaves the input as it is.
        max_tokens: limit after the template; None is no limit.

    Raises:
        ExperimentError: the template has no placeholder, or alone exceeds ``max_tokens``.
    """
    before, found, after = template.partition(PLACEHOLDER)
    if not found:
        raise ExperimentError(f"verbalizer {template!r} has no {PLACEHOLDER}")
    kept = text
    while True:
        full = before + kept + after
        encoding = tokenizer(full, return_offsets_mapping=True, verbose=False)
        ids, offsets = encoding["input_ids"], encoding["offset_mapping"]
        if max_tokens is None or len(ids) <= max_tokens:
            return EncodedPrompt(tuple(ids), full, kept != text)
        if not kept:
            raise ExperimentError(
                f"max_input_tokens is {max_tokens}, but the verbalizer {template!r} alone has "
                f"{len(ids)} tokens; raise max_input_tokens or shorten the verbalizer"
            )
        kept = kept[_characters_to_cut(offsets, len(before), len(kept), len(ids) - max_tokens) :]


def encode_prefix_ids(tokenizer: PreTrainedTokenizerBase, template: str) -> tuple[int, ...]:
    """Return the token ids with which texts in ``template`` begin, special tokens included.

    A text may still begin otherwise: its first characters can merge with the template's last.
    """
    before, _, _ = template.partition(PLACEHOLDER)
    encoded = [tokenizer(before + text, verbose=False)["input_ids"] for text in _SAMPLES]
    return shared_prefix([tuple(ids) for ids in encoded])


def _characters_to_cut(offsets: list[tuple[int, int]], start: int, length: int, excess: int) -> int:
    # Ends of the tokens that end inside the input; special tokens are empty and never count.
    # Tokenizing again may merge differently, so the caller repeats until the text fits.
    ends = [end - start for begin, end in offsets if begin < end and start < end <= start + length]
    cut = ends[min(excess, len(ends)) - 1] if ends else length
    return max(1, cut)


def encode_answer(tokenizer: PreTrainedTokenizerBase, text: str) -> tuple[int, ...]:
    """Tokenize an answer separately, without special tokens, and add the end-of-text token."""
    ids = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return (*ids, int(tokenizer.eos_token_id))


def decode(tokenizer: PreTrainedTokenizerBase, token_ids: list[int]) -> str:
    """Return generated text exactly as the tokens spell it, special tokens left out."""
    return str(
        tokenizer.decode(token_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    )
