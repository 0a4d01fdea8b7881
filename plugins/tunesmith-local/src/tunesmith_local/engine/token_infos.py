"""Generated tokens and input tokens with their log-probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch

from tunesmith.errors import UnsupportedError
from tunesmith.records import TokenInfo, TopToken
from tunesmith_local.engine.mixing import Line, lay_out_mixed
from tunesmith_local.engine.prefix import Prefix
from tunesmith_local.engine.text_states import Suffix
from tunesmith_local.model.loading import BaseLM

Options = Mapping[str, bool | int]
"""``return_options`` of a request."""
_SCORED = ("token_logprobs", "token_ranks", "top_n_tokens")
_MOST_SCORES = 2**25
"""Scores of one forward pass over an input, at most; it bounds the memory."""


def token_infos(
    base: BaseLM, scores: torch.Tensor, tokens: Sequence[int], options: Options
) -> list[TokenInfo]:
    """Return each token with the fields that ``options`` ask for.

    Args:
        base: the base model.
        scores: those that each token was chosen from, ``[tokens, vocab]``.
        tokens: token ids.
        options: ``token_logprobs``, ``token_ranks`` and ``top_n_tokens`` are read.
    """
    log_probs = torch.log_softmax(scores.float(), dim=-1)
    chosen = log_probs.gather(1, torch.tensor(tokens, device=scores.device)[:, None])
    ranks = ((log_probs > chosen).sum(-1) + 1).tolist()
    logprobs = chosen[:, 0].tolist()
    top = int(options.get("top_n_tokens") or 0)
    return [
        TokenInfo(
            text=text,
            logprob=logprobs[i] if options.get("token_logprobs") else None,
            rank=ranks[i] if options.get("token_ranks") else None,
            top_tokens=_top_tokens(base, log_probs[i], top) if top else None,
        )
        for i, text in enumerate(_texts(base, tokens))
    ]


@torch.no_grad()
def input_token_infos(
    base: BaseLM, prompt: Prefix | Suffix | None, tokens: Sequence[int], options: Options
) -> tuple[TokenInfo, ...]:
    """Return the tokens of one input, each with its probability given the tokens before it.

    A soft prompt before the text is read with it, and its virtual tokens are not among the
    result. The first token has only its text if nothing before it gives scores: no
    soft prompt, or a prefix of keys and values. The input is read alone, so nothing depends
    on other rows.

    Raises:
        UnsupportedError: the model has an encoder, which gives its input no scores.
    """
    check_input_tokens(base)
    if not any(options.get(name) for name in _SCORED):
        return tuple(TokenInfo(text=text) for text in _texts(base, tokens))
    line, before = _line(prompt, tokens)
    first = 0 if before else 1
    infos = [TokenInfo(text=text) for text in _texts(base, tokens[:first])]
    for start, scores in _scores(base, line, before + first - 1, len(tokens) - first):
        begin = first + start
        infos += token_infos(base, scores, tokens[begin : begin + len(scores)], options)
    return tuple(infos)


def check_input_tokens(base: BaseLM) -> None:
    """Refuse a model whose input has no scores.

    Raises:
        UnsupportedError: see :func:`input_token_infos`.
    """
    if base.is_seq2seq:
        raise UnsupportedError(
            f"return_options input_tokens: {base.name!r} has an encoder, which gives the tokens "
            "of its input no log-probabilities; leave it out"
        )


def _line(prompt: Prefix | Suffix | None, tokens: Sequence[int]) -> tuple[Line, int]:
    """Return the line to read, and the number of virtual tokens before the text with scores."""
    if prompt is None or isinstance(prompt, Suffix):  # nothing of a text depends on what follows
        return Line(None, tuple(tokens)), 0
    if prompt.weights is None:
        return Line(prompt, tuple(tokens)), 0
    return Line(Prefix(prompt.weights), tuple(tokens)), len(prompt.weights)


def _scores(base: BaseLM, line: Line, place: int, count: int) -> Iterator[tuple[int, torch.Tensor]]:
    """Yield the scores behind ``count`` places of a row from ``place`` on, chunk by chunk.

    Each chunk reads the row again, whose memory is nothing beside that of the scores: no model
    need continue a text that it has begun, which not every model does exactly.
    """
    size = max(1, _MOST_SCORES // base.embeddings.num_embeddings)
    for start in range(0, count, size):
        kept = range(place + start, place + min(start + size, count))
        (part,) = lay_out_mixed(base, [line])  # anew: a cache grows as it is read
        out = base.model(
            inputs_embeds=part.batch.inputs_embeds,
            attention_mask=part.batch.attention_mask,
            position_ids=part.batch.position_ids,
            past_key_values=part.batch.cache,
            use_cache=part.batch.cache is not None,
            logits_to_keep=torch.tensor(kept, device=base.device),
        )
        yield start, out.logits[0]


def _texts(base: BaseLM, tokens: Sequence[int]) -> list[str]:
    return [str(text) for text in base.tokenizer.convert_ids_to_tokens(list(tokens))]


def _top_tokens(base: BaseLM, log_probs: torch.Tensor, count: int) -> tuple[TopToken, ...]:
    values, ids = log_probs.topk(count)
    return tuple(
        TopToken(text=text, logprob=value)
        for text, value in zip(_texts(base, ids.tolist()), values.tolist(), strict=True)
    )
