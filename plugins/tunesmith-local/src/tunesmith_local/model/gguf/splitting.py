"""The pre-tokenizers of byte-level BPE, by the name in a GGUF file.

A pre-tokenizer splits text before the merges. The file does not hold it, only the name that
llama.cpp's converter chose (``tokenizer.ggml.pre``). An unknown name is an error, because another
pre-tokenizer would give other tokens without a warning.
"""

from __future__ import annotations

from tokenizers import Regex, pre_tokenizers

_GPT2 = {"gpt-2", "phi-2", "mpt", "olmo", "jais", "trillion", "gigachat", "mellum", "exaone4"}
_GPT2 |= {"a.x-4.0", "granite-docling"}
_DIGIT_BY_DIGIT = {"refact", "smollm", "starcoder", "command-r", "codeshell", "exaone"}
_DIGIT_BY_DIGIT |= {"minerva-7b", "mellum2"}
# A word in the vocabulary is one token, and a text begins with the bos token.
_WHOLE_WORDS = {"llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0"}
_WHOLE_WORDS |= {"lfm2", "jina-v5-nano", "tekken"}


def splitting(name: str) -> pre_tokenizers.PreTokenizer | None:
    """Return the pre-tokenizer called ``name``; None if it is unknown."""
    if name in _GPT2:
        return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if name in _DIGIT_BY_DIGIT:
        return pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
            ]
        )
    pattern = _patterns().get(name)
    if pattern is None:
        return None
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def keeps_whole_words(name: str) -> bool:
    """Return whether a word in the vocabulary is one token, regardless of the merges."""
    return name in _WHOLE_WORDS


def begins_by_default(name: str) -> bool:
    """Return whether a text begins with the bos token if the file has no field for that."""
    return name in _WHOLE_WORDS


def known_names() -> list[str]:
    """Return the names of all pre-tokenizers."""
    return sorted(_GPT2 | _DIGIT_BY_DIGIT | set(_patterns()))


def _patterns() -> dict[str, str]:
    try:
        from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS
    except ImportError:  # an older transformers
        return {}
    return dict(GGUF_PRE_TOKENIZER_SPLITS)
