"""The tokenizer of a GGUF file, from its fields."""

from __future__ import annotations

from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, processors
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from tunesmith_local.model.gguf.header import Header
from tunesmith_local.model.gguf.problems import unusable
from tunesmith_local.model.gguf.splitting import (
    begins_by_default,
    keeps_whole_words,
    known_names,
    splitting,
)

_FIELD = "tokenizer.ggml."
_BYTE_LEVEL = "gpt2"
_OF_TRANSFORMERS = ("llama", "t5", "gemma4")
_CONTROL, _USER_DEFINED = 3, 4
_ROLES = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}


def read_tokenizer(header: Header) -> PreTrainedTokenizerBase:
    """Return the tokenizer, with special tokens and chat template.

    Raises:
        NotFoundError: it cannot be rebuilt; the message names the field.
    """
    kind = header.need(f"{_FIELD}model")
    if kind == _BYTE_LEVEL:
        return _byte_level(header)
    if kind in _OF_TRANSFORMERS:
        return _of_transformers(header)
    raise _field_is(header, "model", kind, [_BYTE_LEVEL, *_OF_TRANSFORMERS])


def _of_transformers(header: Header) -> PreTrainedTokenizerBase:
    header.need(f"{_FIELD}tokens")
    path = header.path
    try:
        found = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        reason = f"its tokenizer ({_FIELD}*) cannot be rebuilt: {error!r}"
        raise unusable(path, reason) from error
    tokenizer: PreTrainedTokenizerBase = found
    return tokenizer


def _byte_level(header: Header) -> PreTrainedTokenizerBase:
    backend = _backend(header)
    special = {role: _special(header, field) for role, field in _ROLES.items()}
    fast: Any = PreTrainedTokenizerFast  # it has no annotations
    tokenizer: PreTrainedTokenizerBase = fast(
        tokenizer_object=backend,
        clean_up_tokenization_spaces=False,
        **{role: token for role, token in special.items() if token is not None},
    )
    tokenizer.chat_template = header.fields.get("tokenizer.chat_template")
    return tokenizer


def _backend(header: Header) -> Tokenizer:
    rule = _rule(header)
    cut = splitting(rule)
    if cut is None:
        raise _field_is(header, "pre", rule, known_names())
    backend = Tokenizer(_merging(header, rule))
    backend.pre_tokenizer = cut
    backend.decoder = decoders.ByteLevel()
    _add_whole_tokens(backend, header)
    if added := _added_around(header, rule):
        backend.post_processor = added
    return backend


def _rule(header: Header) -> str:
    # Files of early 2024 name no pre-tokenizer; those of GPT-2 need no name.
    found = str(header.fields.get(f"{_FIELD}pre", "default"))
    return "gpt-2" if found == "default" and header.architecture == "gpt2" else found


def _merging(header: Header, rule: str) -> models.BPE:
    tokens, merges = header.need(f"{_FIELD}tokens"), header.need(f"{_FIELD}merges")
    pairs = [tuple(merge.split(" ", 1)) for merge in merges]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    try:
        return models.BPE(vocabulary, pairs, ignore_merges=keeps_whole_words(rule))
    except Exception as error:  # tokenizers raises Exception itself
        reason = f"{_FIELD}merges does not fit {_FIELD}tokens ({error})"
        raise unusable(header.path, reason) from error


def _add_whole_tokens(backend: Tokenizer, header: Header) -> None:
    """Add the tokens that are matched before the text is split. They keep their ids."""
    kinds = header.fields.get(f"{_FIELD}token_type", [])
    whole = [
        AddedToken(token, normalized=False, special=kind == _CONTROL)
        for token, kind in zip(header.need(f"{_FIELD}tokens"), kinds, strict=False)
        if kind in (_CONTROL, _USER_DEFINED)
    ]
    backend.add_special_tokens([token for token in whole if token.special])
    backend.add_tokens([token for token in whole if not token.special])


def _added_around(header: Header, rule: str) -> processors.TemplateProcessing | None:
    first, last = _special(header, "bos"), _special(header, "eos")
    begins = header.fields.get(f"{_FIELD}add_bos_token", begins_by_default(rule))
    before = [first] if begins and first else []
    after = [last] if header.fields.get(f"{_FIELD}add_eos_token", False) and last else []
    if not before and not after:
        return None
    tokens = header.need(f"{_FIELD}tokens")
    return processors.TemplateProcessing(
        single=[*before, "$A", *after],
        pair=[*before, "$A", "$B", *after],
        special_tokens=[(token, tokens.index(token)) for token in {*before, *after}],
    )


def _special(header: Header, field: str) -> str | None:
    index = header.fields.get(f"{_FIELD}{field}_token_id")
    tokens = header.need(f"{_FIELD}tokens")
    if index is None:
        return None
    if not 0 <= index < len(tokens):
        reason = f"field {_FIELD}{field}_token_id is {index}, but there are {len(tokens)} tokens"
        raise unusable(header.path, reason)
    return str(tokens[index])


def _field_is(header: Header, field: str, found: Any, known: list[str]) -> Exception:
    return unusable(
        header.path,
        f"its tokenizer cannot be rebuilt: field {_FIELD}{field} is {found!r}, "
        f"not one of {', '.join(known)}",
    )
